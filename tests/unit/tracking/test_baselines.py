"""The reference trackers: the first mask held still, and carried by optical flow."""

import cv2
import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.tracking.baselines import FlowCarried, HeldStill

HEIGHT, WIDTH = 120, 160
DISCS = [(35, 35, 4, 20), (85, 125, -4, 20)]  # row, column, columns a frame, radius


def disc_frame(t, discs):
    """Frame t and mask of discs with a texture of their own, as flow needs something to match."""
    texture = np.random.default_rng(0).integers(0, 255, (HEIGHT // 4, 2 * WIDTH // 4, 3), np.uint8)
    texture = texture.repeat(4, axis=0).repeat(4, axis=1)
    frame, mask = texture[:, :WIDTH] // 3, np.zeros((HEIGHT, WIDTH), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for number, (row, column, speed, radius) in enumerate(discs, start=1):
        inside = (rows - row) ** 2 + (columns - column - speed * t) ** 2 <= radius**2
        moved = np.roll(texture, speed * t, axis=1)[:, :WIDTH]
        frame = np.where(inside[..., None], moved, frame)
        mask[inside] = number
    return frame, mask


def run(tracker, frames, mask):
    state = tracker.init(frames[0], mask)
    masks = []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        masks.append(prediction.mask)
    return masks


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.fixture
def clip():
    pairs = [disc_frame(t, DISCS) for t in range(6)]
    return [frame for frame, _ in pairs], [mask for _, mask in pairs]


def test_still_repeats_the_first_mask_without_void(clip):
    frames, masks = clip
    given = masks[0].copy()
    given[:3] = 255
    for mask in run(HeldStill(), frames, given):
        np.testing.assert_array_equal(mask, np.where(given == 255, 0, given))
        assert mask.dtype == np.uint8


def test_flow_follows_every_object_under_its_own_id(clip):
    frames, masks = clip
    names = np.array([0, 3, 7], dtype=np.uint8)
    carried = run(FlowCarried(), frames, names[masks[0]])[-1]
    still = names[masks[0]]
    assert carried.dtype == np.uint8
    assert set(np.unique(carried)) == {0, 3, 7}
    for number in (3, 7):
        truth = names[masks[-1]] == number
        assert iou(carried == number, truth) > 0.7
        assert iou(carried == number, truth) > iou(still == number, truth) + 0.3


def test_flow_keeps_the_mask_where_nothing_moves(clip):
    frames, masks = clip
    for mask in run(FlowCarried(), [frames[0]] * 4, masks[0]):
        np.testing.assert_array_equal(mask, masks[0])


def test_what_flows_in_from_outside_the_frame_is_background(clip, monkeypatch):
    frames, masks = clip

    class FromTheRight:
        def calc(self, new, previous, start):
            return np.tile(np.array([WIDTH / 2, 0], np.float32), (HEIGHT, WIDTH, 1))

    monkeypatch.setattr(cv2, "DISOpticalFlow_create", lambda preset: FromTheRight())
    (carried,) = run(FlowCarried(), frames[:2], masks[0])
    expected = np.zeros_like(masks[0])
    expected[:, : WIDTH // 2] = masks[0][:, WIDTH // 2 :]
    np.testing.assert_array_equal(carried, expected)


@pytest.mark.parametrize("tracker", [HeldStill(), FlowCarried()])
@pytest.mark.parametrize("filling", [0, 255])
def test_a_mask_without_object_is_refused(tracker, filling, clip):
    frames, masks = clip
    with pytest.raises(UserError, match="empty"):
        tracker.init(frames[0], np.full_like(masks[0], filling))


@pytest.mark.parametrize("tracker", [HeldStill(), FlowCarried()])
def test_a_mask_of_another_size_is_refused(tracker, clip):
    frames, masks = clip
    with pytest.raises(UserError, match="size"):
        tracker.init(frames[0], masks[0][:-1])
