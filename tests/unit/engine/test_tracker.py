"""FastTracker: options, precision, streams, and what it shares with the reference."""

import numpy as np
import pytest
import torch
from torch import nn

import ttvos
from ttvos.core.errors import UserError
from ttvos.engine.precision import choose_precision
from ttvos.engine.tracker import FastTracker, make_tracker
from ttvos.measure.clip import disc_clip
from ttvos.tracking.precision import matrix_precision
from ttvos.tracking.readable import TTVOSTracker


def test_a_stream_gives_what_steps_give(exp8, clip):
    frames, mask = clip
    tracker = FastTracker(exp8)
    state, masks = tracker.init(frames[0], mask), []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        masks.append(prediction.mask)
    streamed = tracker.stream(iter(frames[1:]), tracker.init(frames[0], mask))
    assert np.array_equal(np.stack(masks), np.stack([p.mask for p in streamed]))


def test_ids_are_those_of_the_first_mask(exp8, pair_clip):
    frames, mask = pair_clip
    renamed = np.array([0, 7, 3], dtype=np.uint8)[mask]
    track = ttvos.track(exp8, frames, renamed)
    assert track.objects == (3, 7)
    assert set(np.unique(track.masks)) <= {0, 3, 7}


def test_without_details_there_is_the_mask_and_the_weight_alone(exp8, clip):
    frames, mask = clip
    tracker = FastTracker(exp8)
    prediction, _ = tracker.step(frames[1], tracker.init(frames[0], mask))
    assert prediction.foreground is None
    assert prediction.attention is None
    assert prediction.update_weight.shape == (1,)
    detailed = tracker.detailed()
    more, _ = detailed.step(frames[1], detailed.init(frames[0], mask))
    assert more.foreground.shape == (1, *mask.shape)
    assert np.array_equal(more.mask, prediction.mask)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_stays_near(shipped, clip, precision):
    frames, mask = clip
    exact = ttvos.track(shipped, frames, mask, engine="reference")
    near = ttvos.track(shipped, frames, mask, precision=precision)
    assert not np.array_equal(exact.foreground, near.foreground)
    assert near.foreground.dtype == np.float32
    assert np.abs(exact.foreground - near.foreground).max() < 0.05


def test_shipped_weights_keep_their_masks_in_bfloat16(shared, shipped):
    """A few real frames; benchmarks/masks.py does it over whole sequences."""
    from ttvos.core.video import read_frame
    from ttvos.data.davis import first_mask, load_sequences

    root = shared / "data/davis2016-val8"
    sequence = load_sequences(root, 2016, "val", only=("blackswan",))[0]
    frames = np.stack([read_frame(path) for path in sequence.frames[:4]])
    given = first_mask(sequence, 2016)
    exact = ttvos.track(shipped, frames, given, engine="reference").masks
    near = ttvos.track(shipped, frames, given, precision="bfloat16").masks
    assert (exact == near).mean() > 0.999


def test_automatic_precision(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    monkeypatch.setattr("ttvos.engine.precision.joins", lambda layers: True)
    assert choose_precision("auto", cpu) == "bfloat16"
    monkeypatch.setattr("ttvos.engine.precision.joins", lambda layers: False)
    assert choose_precision("auto", cpu) == "float32"
    monkeypatch.setattr("ttvos.engine.precision.joins", lambda layers: True)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    assert choose_precision("auto", cpu) == "float32"
    assert choose_precision("auto", torch.device("cuda")) == "float16"
    assert choose_precision("float16", cpu) == "float16"


def test_masks_are_tracked_in_float32_unless_told_otherwise(exp8, monkeypatch):
    """Whatever the processor would be fastest in, so that scores do not depend on it."""
    monkeypatch.setattr("ttvos.engine.precision._fastest", lambda device: "float16")
    assert make_tracker(exp8).precision == FastTracker(exp8).precision == "float32"
    assert make_tracker(exp8, engine="reference").precision == "float32"
    assert make_tracker(exp8, precision="auto").precision == "float16"


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_tf32_is_off_while_a_clip_is_tracked(exp8, clip, engine):
    """It is CUDA's alone, but the switches that decide it can be read anywhere."""
    seen = []

    def look(*_):
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))

    with matrix_precision("tf32"):
        handles = nn.modules.module.register_module_forward_pre_hook(look)
        try:
            ttvos.track(exp8, *clip, engine=engine)
        finally:
            handles.remove()
        assert torch.backends.cudnn.allow_tf32
    assert set(seen) == {(False, False)}


def test_tf32_flags_are_put_back():
    before = torch.backends.cuda.matmul.allow_tf32
    with matrix_precision("tf32"):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32 == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "half"}, "unknown precision 'half'"),
        ({"precision": "tf32"}, "CUDA only"),
        ({"compile": "yes"}, "compile 'yes': one of"),
        ({"engine": "slow"}, "engine 'slow': one of"),
        ({"engine": "reference", "compile": "on"}, "reference engine is float32"),
        ({"engine": "reference", "precision": "bfloat16"}, "reference engine is float32"),
        ({"input_scale": 0}, "input_scale 0"),
        ({"single_object": "both"}, "single_object 'both'"),
    ],
)
def test_wrong_options(exp8, options, message):
    with pytest.raises(UserError, match=message):
        make_tracker(exp8, **options)


def test_engines(exp8):
    assert isinstance(make_tracker(exp8), FastTracker)
    assert isinstance(make_tracker(exp8, engine="reference"), TTVOSTracker)


def test_a_frame_of_another_size_is_refused(exp8, clip):
    frames, mask = clip
    tracker = FastTracker(exp8)
    state = tracker.init(frames[0], mask)
    with pytest.raises(UserError, match="frame of size"):
        tracker.step(frames[1][:-2], state)


def test_the_model_is_left_as_it_was(exp8, clip):
    frames, mask = clip
    before = {name: value.clone() for name, value in exp8.state_dict().items()}
    ttvos.track(exp8, frames, mask, precision="bfloat16")
    assert all(torch.equal(value, before[name]) for name, value in exp8.state_dict().items())


def test_many_sizes_do_not_pile_up(exp8):
    tracker = FastTracker(exp8)
    for side in range(32, 32 + 8 * 6, 8):
        frames, mask = disc_clip(2, side, side)
        tracker.step(frames[1], tracker.init(frames[0], mask))
    assert len(tracker._steps) == len(tracker._runners) == 4
    frames, mask = disc_clip(2, 32, 32)  # dropped, and made anew
    prediction, _ = tracker.step(frames[1], tracker.init(frames[0], mask))
    assert prediction.mask.shape == (32, 32)


def test_tracking_leaves_the_random_numbers_alone(exp8, clip):
    frames, mask = clip
    torch.manual_seed(5)
    before = torch.get_rng_state()
    ttvos.track(exp8, frames, mask)
    assert torch.equal(before, torch.get_rng_state())
