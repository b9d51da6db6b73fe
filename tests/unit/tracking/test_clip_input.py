"""What Python callers give as clip, mask, model and device: it works, or is one clear line."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import ttvos
from ttvos.config.experiments import Variant
from ttvos.core.errors import UserError
from ttvos.core.video import davis_palette
from ttvos.model.ttvos import build_model
from ttvos.tracking.clip_input import as_frames, as_mask
from ttvos.tracking.protocol import Prediction
from ttvos.tracking.readable import track_clip

FRAMES = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
MASK = np.zeros((32, 48), np.uint8)
MASK[8:24, 10:30] = 1


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model(Variant("exp8"), "hrnet").eval()


@pytest.fixture(scope="module")
def expected(model) -> np.ndarray:
    return ttvos.track(model, FRAMES, MASK).masks


def palette_image() -> Image.Image:
    image = Image.fromarray(MASK)
    image.putpalette(davis_palette())
    return image


@pytest.mark.parametrize(
    "mask",
    [
        MASK > 0,
        MASK * 255 > 0,
        MASK.astype(np.int64),
        MASK.tolist(),
        torch.from_numpy(MASK),
        torch.from_numpy(MASK).bool(),
        Image.fromarray(MASK),
        Image.fromarray(MASK > 0),
        palette_image(),
    ],
    ids=lambda mask: type(mask).__name__,
)
def test_any_kind_of_mask_tracks_alike(model, expected, mask):
    assert np.array_equal(ttvos.track(model, FRAMES, mask).masks, expected)


@pytest.mark.parametrize(
    "frames",
    [
        list(FRAMES),
        tuple(FRAMES),
        torch.from_numpy(FRAMES),
        list(torch.from_numpy(FRAMES)),
        [Image.fromarray(frame) for frame in FRAMES],
    ],
    ids=["arrays", "tuple", "tensor", "tensors", "images"],
)
def test_any_kind_of_clip_tracks_alike(model, expected, frames):
    assert np.array_equal(ttvos.track(model, frames, MASK).masks, expected)


def test_a_device_may_be_torchs_own(model, expected):
    masks = ttvos.track(model, FRAMES, MASK, device=torch.device("cpu")).masks
    assert np.array_equal(masks, expected)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, "the first mask is of type NoneType"),
        ("first.png", "the first mask is the path 'first.png': read it first"),
        (Path("a/first.png"), "the first mask is the path 'a/first.png': read it first"),
        (object(), "the first mask is of type object"),
        ({"mask": MASK}, "the first mask is of type dict"),
        ([MASK, MASK[:4]], "the first mask is of type list"),
        (np.array(["a"]), "the first mask is of type ndarray"),
        (MASK / 2, r"must be \(H, W\) uint8 ids, this is \(32, 48\) float64"),
        (MASK.astype(int) + 255, "ids from 255 to 256; they run from 0 to 255"),
        (MASK.astype(int) - 1, "ids from -1 to 0"),
        (np.dstack([MASK] * 3), r"must be \(H, W\) uint8 ids, this is \(32, 48, 3\)"),
        (MASK[:0], r"differ in size"),
        (MASK * 0, "the first mask is empty"),
        (MASK > 1, "the first mask is empty"),
        (MASK * 255, r"empty but for 255, which is void: .*pass `mask > 0`"),
        (np.full_like(MASK, 255), r"pass `mask > 0`"),
    ],
)
def test_what_is_no_mask_is_one_clear_line(model, mask, message):
    with pytest.raises(UserError, match=message) as caught:
        ttvos.track(model, FRAMES, mask)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (None, "frames is of type NoneType"),
        ("clip.mp4", "frames is the path 'clip.mp4'"),
        (["00000.jpg", "00001.jpg"], "a frame is the path '00000.jpg': read it first"),
        ([None, None], "a frame is of type NoneType"),
        (iter(FRAMES), "pass an array .* or a list of frames"),
        (FRAMES[0], r"must be \(T, H, W, 3\)"),
        ([], r"with T > 0, these are \(0,\)"),
        ([FRAMES[0], FRAMES[1][:-1]], "all be of one size"),
        (FRAMES / 255, "uint8 RGB, this is .* float64"),
        (FRAMES.transpose(0, 3, 1, 2), r"uint8 RGB, this is \(3, 32, 48\)"),
    ],
)
def test_what_is_no_clip_is_one_clear_line(model, frames, message):
    with pytest.raises(UserError, match=message) as caught:
        ttvos.track(model, frames, MASK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"device": torch.device("meta")}, "unknown device"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"device": None}, "unknown device None"),
        ({"device": torch.device("cuda:1")}, "CUDA_VISIBLE_DEVICES picks a GPU"),
        ({"input_scale": "half"}, "input_scale 'half': a number above 0"),
        ({"precision": None}, "unknown precision None"),
        ({"compile": True}, "compile True: one of auto, on, off"),
        ({"engine": "slow"}, "engine 'slow': one of fast, reference"),
        ({"single_object": None}, "single_object None: aggregated or direct"),
    ],
)
def test_what_is_no_option_is_one_clear_line(model, changed, message):
    with pytest.raises(UserError, match=message):
        ttvos.track(model, FRAMES, MASK, **changed)


@pytest.mark.parametrize("model", ["ttvos-hrnet-davis", None, Path("x.safetensors"), {}])
def test_a_name_is_no_model(model):
    with pytest.raises(UserError, match=rf"model is of type {type(model).__name__}: pass what ttv"):
        ttvos.track(model, FRAMES, MASK)


@pytest.mark.parametrize("checkpoint", [None, 3, FRAMES])
def test_what_is_no_checkpoint_is_one_clear_line(checkpoint):
    with pytest.raises(UserError, match="a checkpoint is a file or a name of weights, not"):
        ttvos.load(checkpoint)


def test_errors_in_python_name_arguments_and_on_the_command_line_options(
    model, monkeypatch, tmp_path
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    torch.save({"net": {"vos.a": torch.zeros(1)}}, tmp_path / "theirs.pth")
    for call, argument, option in (
        (lambda: ttvos.track(model, FRAMES, MASK, "cuda"), 'device="cpu"', "--device cpu"),
        (lambda: ttvos.load(tmp_path / "theirs.pth"), "backbone=", "--backbone"),
    ):
        with pytest.raises(UserError) as caught:
            call()
        assert argument in str(caught.value)
        assert " --" not in str(caught.value)
        assert option in caught.value.on_command_line


def test_arrays_are_taken_as_they_are():
    """No copy of a long clip is made."""
    assert as_frames(FRAMES) is FRAMES
    assert np.shares_memory(as_frames(torch.from_numpy(FRAMES)), FRAMES)
    assert as_mask(MASK).dtype == np.uint8


class Diverged:
    """A tracker whose probabilities are none."""

    name = "diverged"

    def init(self, frame, mask):
        return SimpleNamespace(ids=(1,))

    def step(self, frame, state):
        return Prediction(MASK, foreground=np.full((1, 32, 48), np.nan, np.float32)), state


def test_weights_that_give_no_numbers_are_an_error():
    with pytest.raises(UserError, match="foreground is not a number"):
        track_clip(Diverged(), FRAMES, MASK)
