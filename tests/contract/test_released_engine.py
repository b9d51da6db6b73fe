"""The fast engine in float32 meets the released code's outputs too (tests/golden)."""

import pytest

from tests.released import CLIPS, assert_meets_golden, golden_clip, released_state_dict
from ttvos.config.experiments import BACKBONES
from ttvos.engine.tracker import FastTracker
from ttvos.model.weights import load_released
from ttvos.tracking.readable import track_clip


@pytest.mark.parametrize("backbone", BACKBONES)
def test_outputs_equal_the_released_codes(backbone):
    model = load_released(released_state_dict(backbone), backbone)
    tracker = FastTracker(model, precision="float32", compile="off", details=True)
    for clip in CLIPS:
        golden = golden_clip(backbone, clip)
        assert_meets_golden(track_clip(tracker, golden.frames, golden.first_mask), golden)
