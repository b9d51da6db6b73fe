"""A tracker whose input is worsened: what it is given, and that the rest stays as it was."""

import cv2
import numpy as np
import pytest

from ttvos.config.stress import KINDS, Stress, all_stresses, parse_stress
from ttvos.core.errors import UserError
from ttvos.tracking.adapters import ScaledTracker
from ttvos.tracking.protocol import Prediction
from ttvos.tracking.stress import StressedTracker, is_seen, stress_frame, stress_mask, stressed

RNG = np.random.default_rng(0)
FRAME = cv2.resize(RNG.integers(0, 256, (8, 12, 3), dtype=np.uint8), (120, 80))
MASK = np.zeros((80, 120), dtype=np.uint8)
MASK[20:60, 30:70] = 1  # 40 pixels a side


class Remembers:
    """Keeps what it is given; its mask is the number of the step."""

    name = "remembers"
    options = {"own": 1}  # noqa: RUF012

    def init(self, frame, mask):
        return [(frame, mask)]

    def step(self, frame, state):
        state = [*state, (frame, None)]
        return Prediction(np.full(frame.shape[:2], len(state) - 1, dtype=np.uint8)), state


def changed(name, strength, mask=MASK, seed=0):
    return stress_mask(mask, Stress(name, strength), seed)


def test_a_mask_is_eroded_and_dilated_by_a_share_of_its_size():
    assert (changed("erode", 10) == 1).sum() == 32 * 32  # 4 pixels from each side
    grown = changed("dilate", 10)
    assert grown[16:64, 30:70].all()
    assert not grown[15].any()
    assert not grown[16, 26]  # the corners are round
    assert not set(np.unique(changed("erode", 10))) - {0, 1}


def test_what_would_vanish_keeps_its_innermost_pixels():
    assert 0 < (changed("erode", 60) == 1).sum() < 10
    thin = np.zeros_like(MASK)
    thin[40, 10:110] = 3
    np.testing.assert_array_equal(changed("erode", 20, thin), thin)


def test_a_mask_is_moved_by_a_share_of_its_size_in_a_direction_of_the_seed():
    moves = set()
    for seed in range(6):
        moved = changed("shift", 20, seed=seed)
        assert (moved == 1).sum() == (MASK == 1).sum()
        centre = np.argwhere(moved).mean(axis=0) - np.argwhere(MASK).mean(axis=0)
        assert np.hypot(*centre) == pytest.approx(8, abs=0.8)
        moves.add(tuple(centre))
        np.testing.assert_array_equal(moved, changed("shift", 20, seed=seed))
    assert len(moves) > 3


def test_an_object_does_not_leave_the_frame():
    corner = np.zeros_like(MASK)
    corner[0, 0] = 2
    for seed in range(8):
        assert (changed("shift", 100, corner, seed) == 2).any()


def test_a_box_and_the_ellipse_in_it():
    disc = np.zeros_like(MASK)
    cv2.circle(disc, (60, 40), 20, 5, -1)
    box, ellipse = changed("box", 1, disc), changed("ellipse", 1, disc)
    assert (box == 5).sum() == 41 * 41
    assert box[20:61, 40:81].all()
    assert np.mean(ellipse != disc) < 0.01
    assert (changed("ellipse", 1) == 1).sum() == pytest.approx(np.pi * 20 * 20, rel=0.02)


@pytest.mark.parametrize("name", ["erode", "dilate", "shift", "box", "ellipse"])
def test_no_object_is_painted_over_and_void_stays_void(name):
    mask = MASK.copy()
    mask[30:34, 40:44] = 2  # within the other one
    mask[30:50, 70:90] = 4
    mask[75:] = 255
    found = changed(name, KINDS[name].strengths[-1], mask)
    assert set(np.unique(found)) == {0, 1, 2, 4, 255}
    if name == "dilate":
        np.testing.assert_array_equal(
            found[np.isin(mask, (1, 2, 4))], mask[np.isin(mask, (1, 2, 4))]
        )


def test_frames_are_worsened_as_much_as_is_said():
    dark = stress_frame(FRAME, Stress("dark", 25), 0, 1)
    assert np.abs(dark - 0.75 * FRAME).max() <= 0.5
    noise = stress_frame(np.full((80, 120, 3), 128, np.uint8), Stress("noise", 10), 0, 1)
    assert noise.std() == pytest.approx(10, rel=0.03)
    assert noise.mean() == pytest.approx(128, abs=0.3)
    errors = {
        name: [
            np.abs(stress_frame(FRAME, Stress(name, s), 0, 1).astype(int) - FRAME).mean()
            for s in KINDS[name].strengths
        ]
        for name in ("blur", "noise", "dark", "jpeg")
    }
    for name, of in errors.items():
        assert 0 < of[0] < of[1] < of[2], name


def test_noise_hangs_on_the_seed_and_the_frame_and_on_nothing_else():
    noise = Stress("noise", 10)
    one = stress_frame(FRAME, noise, 0, 1)
    np.testing.assert_array_equal(one, stress_frame(FRAME, noise, 0, 1))
    assert (one != stress_frame(FRAME, noise, 0, 2)).any()
    assert (one != stress_frame(FRAME, noise, 1, 1)).any()


def test_jpeg_keeps_red_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    found = stress_frame(red, Stress("jpeg", 50), 0, 0).mean(axis=(0, 1))
    assert found[0] > 240
    assert found[1:].max() < 20


def test_of_frames_left_out_the_last_mask_stays():
    tracker = stressed(Remembers(), Stress("skip", 2))
    state, shown = tracker.init(FRAME, MASK), []
    for _ in range(7):
        found, state = tracker.step(FRAME, state)
        shown.append(int(found.mask[0, 0]))
    assert shown == [0, 0, 1, 1, 1, 2, 2]
    assert len(state.inner) == 3  # the given frame and two more
    assert [t for t in range(8) if is_seen(Stress("skip", 2), t)] == [0, 3, 6]
    assert is_seen(None, 5)
    assert is_seen(Stress("blur", 1), 5)


def test_the_tracker_sees_the_worse_input_in_every_frame():
    tracker = StressedTracker(Remembers(), Stress("blur", 2), 0)
    state = tracker.init(FRAME, MASK)
    _, state = tracker.step(FRAME, state)
    blurred = stress_frame(FRAME, Stress("blur", 2), 0, 0)
    for frame, _ in state.inner:
        np.testing.assert_array_equal(frame, blurred)
    np.testing.assert_array_equal(state.inner[0][1], MASK)
    assert tracker.options == {"own": 1, "stress": "blur=2", "stress_seed": 0}


def test_half_the_size_is_a_scaled_tracker():
    tracker = stressed(Remembers(), Stress("half", 2))
    assert isinstance(tracker, ScaledTracker)
    assert tracker.scale == 0.25


def test_an_object_too_small_for_the_size_is_a_pixel():
    mask = MASK.copy()
    mask[71, 101] = 2
    with pytest.raises(UserError, match="object 2 has no pixel left"):
        ScaledTracker(Remembers(), 0.25).init(FRAME, mask)
    (_, given), *_ = stressed(Remembers(), Stress("half", 2)).init(FRAME, mask).inner
    assert np.argwhere(given == 2).tolist() == [[17, 25]]


def test_there_are_two_strengths_or_three_of_all_that_have_any():
    found = all_stresses()
    assert all(1 <= sum(s.name == name for s in found) <= 3 for name in KINDS)
    assert {s.name for s in found} == set(KINDS)
    assert all_stresses({"blur": (3,), "noise": ()})[:-1] != found
    names = [str(s) for s in all_stresses({"blur": (3,), "noise": ()})]
    assert "blur=3" in names
    assert not {"blur=1", "noise=10"} & set(names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fog=1", "stress 'fog': there is erode, "),
        ("blur", "expected NAME=STRENGTH"),
        ("blur=much", "expected NAME=STRENGTH"),
        ("blur=0", "above 0"),
        ("blur=nan", "above 0"),
        ("dark=101", "at most 100"),
        ("skip=1.5", "a whole number"),
        ("box=2", "at most 1"),
    ],
)
def test_stresses_that_there_are_not_are_one_clear_line(text, words):
    with pytest.raises(UserError, match=words):
        parse_stress(text)
