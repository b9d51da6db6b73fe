"""The fast step against the readable one: every variant and backbone, sizes, objects, options."""

import numpy as np
import pytest
import torch

from tests.unit.engine.conftest import lively
from ttvos.config.experiments import BACKBONES, Variant, load_variants
from ttvos.engine.fuse import widen
from ttvos.engine.step import FastStep, StepOptions, shares_heads
from ttvos.engine.tracker import FastTracker
from ttvos.tracking.readable import TTVOSTracker

TIE = 1e-4  # labels whose probabilities are closer than this may differ by rounding


def tracks(tracker, clip) -> list:
    frames, mask = clip
    state, predictions = tracker.init(frames[0], mask), []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        predictions.append(prediction)
    return predictions


def assert_same(model, clip, atol=1e-4, **options) -> None:
    """Maps within atol; labels equal, but for near ties (and their neighbours, once resized)."""
    reference = tracks(TTVOSTracker(model, **options), clip)
    fast = tracks(FastTracker(model, precision="float32", details=True, **options), clip)
    for expected, given in zip(reference, fast, strict=True):
        assert np.abs(expected.foreground - given.foreground).max() < atol
        assert np.abs(expected.attention - given.attention).max() < atol * max(
            1, np.abs(expected.attention).max()
        )
        assert (expected.transition is None) == (given.transition is None)
        if expected.transition is not None:
            assert np.abs(expected.transition - given.transition).max() < atol
        assert (expected.update_weight is None) == (given.update_weight is None)
        if expected.update_weight is not None:
            assert np.abs(expected.update_weight - given.update_weight).max() < atol
        decided = _distance(expected.foreground) > TIE
        assert given.mask.dtype == np.uint8
        share = 0.999 if "input_scale" in options else 1
        assert (expected.mask == given.mask)[decided].mean() >= share


def _distance(foreground: np.ndarray) -> np.ndarray:
    background = (1 - foreground).min(axis=0, keepdims=True)
    ordered = np.sort(np.concatenate([background, foreground]), axis=0)
    return ordered[-1] - ordered[-2]


@pytest.mark.parametrize("name", sorted(load_variants()))
def test_every_variant(name, clip):
    assert_same(lively(load_variants()[name]), clip)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone(backbone, pair_clip):
    assert_same(lively(Variant("exp8"), backbone), pair_clip)


@pytest.mark.parametrize("name", ["exp1", "exp6", "exp7"])
def test_several_objects(name, pair_clip):
    assert_same(lively(load_variants()[name]), pair_clip)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_scaled_input(shipped, pair_clip, scale):
    assert_same(shipped, pair_clip, input_scale=scale)


def test_single_object_fed_back_as_it_is(exp8, clip):
    assert_same(exp8, clip, single_object="direct")


def test_what_shares_heads():
    shared = {name for name, variant in load_variants().items() if shares_heads(variant)}
    assert shared == {"exp5", "exp6", "exp8"}


def test_inputs_are_left_alone(exp8, clip):
    """A graph replays on the same buffers, and a state may be stepped twice on the CPU."""
    frames, mask = (torch.from_numpy(array) for array in clip)
    step = FastStep(exp8, StepOptions(tuple(mask.shape)))
    memory = step.first(frames[0], (mask == 1).float()[None])
    before = [tensor.clone() for tensor in memory]
    once, _ = step(frames[1], *memory)
    twice, _ = step(frames[1], *memory)
    assert all(torch.equal(a, b) for a, b in zip(before, memory, strict=True))
    assert torch.equal(once[0], twice[0])


def test_memory_does_not_grow(exp8, clip):
    frames, mask = (torch.from_numpy(array) for array in clip)
    step = FastStep(exp8, StepOptions(tuple(mask.shape), torch.bfloat16))
    memory = step.first(frames[0], (mask == 1).float()[None])
    for frame in frames[1:]:
        _, after = step(frame, *memory)
        assert [(t.shape, t.dtype) for t in after] == [(t.shape, t.dtype) for t in memory]
        memory = after


def test_wider_groups_compute_the_same():
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(24, 24, 5, padding=2, groups=6).requires_grad_(False)
    wide = widen(conv)
    assert wide.groups == 3  # six groups go together by twos, not by fours
    x = torch.randn(2, 24, 7, 9)
    assert torch.allclose(conv(x), wide(x), atol=1e-6)
