"""Parity with the released code: its outputs with weights made by a formula (tests/golden)."""

import numpy as np
import pytest
import torch

from tests.released import (
    CLIPS,
    FOREGROUND_BOUND,
    assert_meets_golden,
    golden_clip,
    margin,
    released_state_dict,
)
from ttvos.config.experiments import BACKBONES
from ttvos.core.errors import UserError
from ttvos.model.renaming import is_released, our_name
from ttvos.model.weights import load_released
from ttvos.tracking.readable import TTVOSTracker, track_clip


@pytest.fixture(scope="module", params=BACKBONES)
def released(request):
    """A backbone's name, and the model with the weights of its golden outputs."""
    return request.param, load_released(released_state_dict(request.param), request.param)


@pytest.mark.parametrize("clip", CLIPS)
def test_outputs_equal_the_released_codes(released, clip):
    backbone, model = released
    golden = golden_clip(backbone, clip)
    assert_meets_golden(track_clip(TTVOSTracker(model), golden.frames, golden.first_mask), golden)


@pytest.mark.parametrize("clip", CLIPS)
def test_the_goldens_can_tell(clip):
    """Feeding one object's heatmap back unaggregated (ledger item 7) is far outside the bounds.

    Several objects are aggregated either way, so that their clip must not care.
    """
    golden = golden_clip("hrnet", clip)
    model = load_released(released_state_dict("hrnet"), "hrnet")
    tracker = TTVOSTracker(model, single_object="direct")
    track = track_clip(tracker, golden.frames, golden.first_mask)
    if clip == "one_object":
        with pytest.raises(AssertionError):
            assert_meets_golden(track, golden)
    else:
        assert_meets_golden(track, golden)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("clip", CLIPS)
def test_the_golden_clips_are_no_ties(backbone, clip):
    """All labels occur and nearly all are decided, so that equal masks say something."""
    golden = golden_clip(backbone, clip)
    assert golden.frames.dtype == golden.first_mask.dtype == golden.masks.dtype == np.uint8
    assert (margin(golden.foreground) > FOREGROUND_BOUND).mean() > 0.995
    for mask in golden.masks:
        share = np.bincount(mask.ravel()) / mask.size
        assert len(share) == 1 + golden.foreground.shape[1]
        assert share.min() > 0.05


def test_another_backbones_file_is_refused():
    with pytest.raises(UserError, match="not a released resnet18 checkpoint"):
        load_released(released_state_dict("hrnet"), "resnet18")


def test_a_missing_entry_is_refused():
    weights = released_state_dict("hrnet")
    weights.pop("vos.gcq.blend.0.bias")
    with pytest.raises(UserError, match=r"query\.blend\.0\.bias"):
        load_released(weights, "hrnet")


def test_names():
    assert is_released({"module.vos.gcm.conv_key.0.bias": torch.zeros(1)})
    assert not is_released({"memory.f.0.bias": torch.zeros(1)})
    assert our_name("vos.gcm.conv_key.1.weight", "hrnet") == "memory.f.1.weight"
    last = "backbone.layer4.15.block.3.0.weight"
    assert our_name(f"vos.{last}", "mobilenetv3") == "backbone.net.blocks.5.2.conv_pwl.weight"
