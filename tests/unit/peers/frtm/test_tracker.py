"""FRTM as a tracker, on drawn clips; the target model alone has to find a moving disc."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ttvos.core.errors import UserError
from ttvos.measure.clip import disc_clip, disc_mask
from ttvos.peers.frtm.settings import EVALUATION, FAST, TRAINING_FIT, FitSettings, Settings
from ttvos.peers.frtm.tracker import FRTM, merge

HEIGHT, WIDTH, FRAMES = 96, 144, 10


@pytest.fixture(scope="module")
def tracker() -> FRTM:
    """Random weights: the masks are the target models' own scores."""
    return FRTM(labels="condensed")


def run(tracker: FRTM, frames: np.ndarray, mask: np.ndarray) -> tuple[list, list]:
    """Predictions of the frames after the first, and what the first target was after each."""
    state = tracker.init(frames[0], mask)
    predictions, seen = [], []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        predictions.append(prediction)
        target = state.targets[0]
        seen.append((target.weights.filter, target.memory.filled))
    return predictions, seen


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return (found & truth).sum() / (found | truth).sum()


def test_the_target_model_alone_finds_a_moving_disc(tracker):
    """On features of random weights, as scores at 1/16: a disc of 32 pixels is two cells."""
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    predictions, _ = run(tracker, frames[:4], mask)
    for t, prediction in enumerate(predictions, start=1):
        truth = disc_mask(t / FRAMES, HEIGHT, WIDTH, 1) > 0
        assert overlap(prediction.mask == 1, truth) > 0.6
        assert overlap(prediction.foreground[0] > 0.5, truth) > 0.6


def test_two_objects_are_told_apart(tracker):
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH, objects=2)
    ids = np.array([0, 3, 9], dtype=np.uint8)
    predictions, _ = run(tracker, frames[:3], ids[mask])
    for t, prediction in enumerate(predictions, start=1):
        truth = ids[disc_mask(t / FRAMES, HEIGHT, WIDTH, 2)]
        assert prediction.foreground.shape == (2, HEIGHT, WIDTH)
        for number in (3, 9):
            assert overlap(prediction.mask == number, truth == number) > 0.4
        assert not ((prediction.mask == 3) & (truth == 9)).any()


def test_the_filter_is_fitted_again_on_every_8th_frame_only(tracker):
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    _, seen = run(tracker, frames, mask)
    filters = [weights for weights, _ in seen]
    assert all(torch.equal(filters[0], weights) for weights in filters[:7])
    assert not torch.equal(filters[6], filters[7])
    assert torch.equal(filters[7], filters[8])
    assert [filled for _, filled in seen] == list(range(6, 6 + len(seen)))


def test_an_object_that_is_gone_is_neither_remembered_nor_learned(tracker):
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    state = tracker.init(frames[0], mask)
    target = state.targets[0]
    before, weights = target.memory.filled, target.weights.filter
    gone = torch.zeros(1, 1, HEIGHT, WIDTH)
    gone[..., 0, :9] = 1
    projected = torch.zeros_like(target.memory.projected[:1])
    tracker._remember(target, projected, gone, 8)
    assert target.memory.filled == before
    assert target.weights.filter is weights
    gone[..., 0, 9] = 1
    tracker._remember(target, projected, gone, 8)
    assert target.memory.filled == before + 1
    assert target.weights.filter is not weights


def test_full_and_condensed_labels_track_alike(tracker):
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    condensed, _ = run(tracker, frames[:3], mask)
    full, _ = run(FRTM(), frames[:3], mask)
    for one, two in zip(condensed, full, strict=True):
        assert overlap(one.mask > 0, two.mask > 0) > 0.98


def test_labels_may_be_of_a_lower_resolution():
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    tracker = FRTM(label_scale=0.25)
    state = tracker.init(frames[0], mask)
    assert state.targets[0].memory.labels[0].shape == (80, 1, HEIGHT // 4, WIDTH // 4)
    prediction, _ = tracker.step(frames[1], state)
    assert overlap(prediction.mask == 1, disc_mask(1 / FRAMES, HEIGHT, WIDTH, 1) > 0) > 0.6


def test_two_trackers_are_equal_and_torchs_seed_is_left_alone(tracker):
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    other = FRTM(labels="condensed")
    assert torch.equal(torch.rand(3), expected)
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    one, two = (run(t, frames[:2], mask)[0][0] for t in (tracker, other))
    assert (one.foreground == two.foreground).all()


def test_a_trained_refinement_gives_the_masks(tracker):
    """Set as if weights had been given: the target model's score is only its input."""
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH)
    other = FRTM(labels="condensed")
    other.is_refined = True
    found = run(other, frames[:2], mask)[0][0].foreground
    alone = run(tracker, frames[:2], mask)[0][0].foreground
    assert 0.4 < found.min() < found.max() < 0.6  # an untrained network says nothing
    assert alone.max() - alone.min() > 0.8


def test_the_fast_schedule_is_chosen_by_its_option():
    assert FRTM(fast=True).optimiser.settings == FAST.fit
    assert FRTM().optimiser.settings == EVALUATION.fit


def test_merging_is_a_softmax_of_odds():
    own = torch.tensor([0.6, 0.3]).view(2, 1, 1)
    labels, stored = merge(own)
    odds = torch.tensor([0.4 / 0.6, 0.6 / 0.4, 0.3 / 0.7])
    assert labels.item() == 1
    torch.testing.assert_close(
        stored.flatten(), torch.stack([odds.softmax(0)[1], torch.tensor(0.0)])
    )


def test_merging_bears_certainty():
    labels, stored = merge(torch.tensor([[1.0, 0.0], [1.0, 0.0]]).view(2, 1, 2))
    assert labels.tolist() == [[1, 0]]
    assert stored.isfinite().all()
    assert stored.max() <= 1


def test_one_object_alone_is_thresholded_at_a_half():
    own = torch.linspace(0, 1, 40).view(1, 1, 40)
    labels, stored = merge(own)
    assert torch.equal(labels == 1, own[0] > 0.5)
    assert torch.equal(stored[0] > 0.5, own[0] > 0.5)


def test_the_published_values():
    assert (EVALUATION.fit.channels, TRAINING_FIT.channels) == (96, 32)
    assert EVALUATION.fit.forgotten == pytest.approx(4.8e-35, rel=0.01)
    assert TRAINING_FIT.forgotten == pytest.approx(3.7e-4, rel=0.01)
    assert (EVALUATION.slots, EVALUATION.samples, EVALUATION.interval) == (80, 5, 8)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (FitSettings, {"channels": 0}),
        (FitSettings, {"regularisers": (0.0, 1.0)}),
        (FitSettings, {"joint": ()}),
        (FitSettings, {"update": (0,)}),
        (FitSettings, {"forget": 1.0}),
        (FitSettings, {"labels": "half"}),
        (Settings, {"learning_rate": 1.0}),
        (Settings, {"interval": 0}),
        (Settings, {"slots": 4}),
        (Settings, {"min_pixels": -1}),
        (Settings, {"label_scale": 0.0}),
    ],
)
def test_settings_that_mean_nothing_are_refused(kind, change):
    with pytest.raises(UserError, match=next(iter(change))):
        replace(kind(), **change)
