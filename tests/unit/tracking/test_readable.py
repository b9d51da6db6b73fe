"""Frames and masks in, masks out: aggregation, sizes, and bad input."""

import numpy as np
import pytest
import torch

import ttvos
from ttvos.config.experiments import find_variant
from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.model.ttvos import build_model
from ttvos.tracking.readable import TTVOSTracker, aggregate, label


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model(find_variant("exp8"), "hrnet").eval()


def clip(frames: int, height: int, width: int, ids=(1,)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    mask = np.zeros((height, width), np.uint8)
    for place, name in enumerate(ids):
        left = 2 + place * (width // len(ids))
        mask[2 : height - 2, left : left + max(2, width // len(ids) - 4)] = name
    return rng.integers(0, 256, (frames, height, width, 3), dtype=np.uint8), mask


@pytest.mark.parametrize("objects", [1, 2, 4])
def test_aggregation_shares_one(objects):
    generator = torch.Generator().manual_seed(1)
    raw = torch.rand(objects, 2, 5, 7, generator=generator)
    raw = raw / raw.sum(dim=1, keepdim=True)
    shares = aggregate(raw)
    assert torch.allclose(shares.sum(dim=1), torch.ones(objects, 5, 7))
    assert (shares[:, 1].sum(dim=0) <= 1 + 1e-6).all()
    assert label(shares).max() <= objects


def test_aggregation_of_one_object_is_the_squared_ratio():
    """fg^2 / (fg^2 + bg^2), docs/facts.md, section 2."""
    foreground = torch.tensor([0.1, 0.5, 0.8]).view(1, 1, 1, 3)
    raw = torch.cat([1 - foreground, foreground], dim=1)
    expected = foreground**2 / (foreground**2 + (1 - foreground) ** 2)
    assert torch.allclose(aggregate(raw)[:, 1:], expected, atol=1e-6)


def test_certain_pixels_stay_finite():
    raw = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).view(2, 2, 1, 1)
    shares = aggregate(raw)
    assert torch.isfinite(shares).all()
    assert label(shares).item() == 1


@pytest.mark.parametrize("size", [(8, 9), (37, 53), (64, 96)])
def test_any_frame_size_and_ids(model, size):
    frames, mask = clip(3, *size, ids=(3, 7))
    track = ttvos.track(model, frames, mask)
    assert track.masks.shape == (3, *size)
    assert track.masks.dtype == np.uint8
    assert set(np.unique(track.masks)) <= {0, 3, 7}
    assert track.objects == (3, 7)
    assert track.foreground.shape == (3, 2, *size)
    assert track.update_weights.shape == (2, 2)
    assert ((track.update_weights > 0) & (track.update_weights < 1)).all()
    assert np.array_equal(track.masks[0], mask)


def test_void_is_no_object(model):
    frames, mask = clip(2, 32, 48)
    mask[:2] = 255
    track = ttvos.track(model, frames, mask)
    assert track.objects == (1,)
    assert 255 not in track.masks


def test_one_frame_is_a_clip(model):
    frames, mask = clip(1, 32, 48)
    track = ttvos.track(model, frames, mask)
    assert track.masks.shape == (1, 32, 48)
    assert track.update_weights.shape == (0, 1)


def test_objects_do_not_depend_on_their_numbers(model):
    frames, mask = clip(4, 48, 64, ids=(1, 2))
    one = ttvos.track(model, frames, mask)
    swapped = ttvos.track(model, frames, np.select([mask == 1, mask == 2], [2, 1], 0).astype("u1"))
    assert np.allclose(one.foreground, swapped.foreground[:, ::-1], atol=1e-5)


def test_single_object_option_changes_what_is_fed_back(model):
    frames, mask = clip(4, 32, 48)
    a = ttvos.track(model, frames, mask)
    b = ttvos.track(model, frames, mask, single_object="direct")
    assert np.array_equal(a.foreground[1], b.foreground[1])
    assert not np.array_equal(a.foreground[2], b.foreground[2])


def test_the_network_may_see_smaller_frames_than_it_labels(model):
    frames, mask = clip(3, 61, 95, ids=(1, 4))
    whole, half = (ttvos.track(model, frames, mask, input_scale=scale) for scale in (1, 0.5))
    assert half.masks.shape == whole.masks.shape == (3, 61, 95)
    assert half.foreground.shape == whole.foreground.shape
    assert not np.array_equal(half.foreground[1:], whole.foreground[1:])
    tracker = TTVOSTracker(model, input_scale=0.5)
    assert tracker.options["input_scale"] == 0.5
    seen = []
    hook = model.backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    tracker.init(frames[0], mask)
    hook.remove()
    assert seen == [(1, 3, 32, 48)]  # 30 x 48 (61 / 2 rounds to even), padded to 16
    with pytest.raises(UserError, match="input_scale 0"):
        TTVOSTracker(model, input_scale=0)


def test_bad_input_is_one_clear_line(model):
    frames, mask = clip(2, 32, 48)
    tracker = TTVOSTracker(model)
    with pytest.raises(UserError, match="first mask is empty"):
        tracker.init(frames[0], np.zeros_like(mask))
    with pytest.raises(UserError, match="differ in size"):
        tracker.init(frames[0], mask[:-1])
    with pytest.raises(UserError, match="uint8 RGB"):
        tracker.init(frames[0].astype(float), mask)
    with pytest.raises(UserError, match="in a clip of size"):
        tracker.step(frames[1][:-1], tracker.init(frames[0], mask))
    with pytest.raises(UserError, match="frames must be"):
        ttvos.track(model, frames[0], mask)
    with pytest.raises(UserError, match="single_object 'Direct': aggregated or direct"):
        ttvos.track(model, frames, mask, single_object="Direct")


def test_no_cuda_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device"):
        find_device("cuda")


def test_a_list_of_frames_is_a_clip(model):
    frames, mask = clip(3, 32, 48)
    listed = ttvos.track(model, list(frames), mask)
    assert np.array_equal(listed.masks, ttvos.track(model, frames, mask).masks)
    with pytest.raises(UserError, match="all be of one size"):
        ttvos.track(model, [frames[0], frames[1][:-1]], mask)
