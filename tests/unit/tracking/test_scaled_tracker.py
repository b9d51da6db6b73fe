"""A tracker on smaller frames: what it sees, and that its masks have the frame's size."""

import json
from pathlib import Path

import numpy as np
import pytest

from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.video import read_mask
from ttvos.tracking.adapters import ScaledTracker
from ttvos.tracking.protocol import Prediction, check_prediction

FRAME = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
MASK = np.zeros((48, 80), dtype=np.uint8)
MASK[8:24, 10:40] = 3
MASK[30:42, 50:70] = 7
MASK[:4] = 255


class Moves:
    """Gives back its first mask, one row lower at each step."""

    name, device, precision = "moves", "cpu", "float32"
    options = {"rows": 1}  # noqa: RUF012

    def init(self, frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert frame.shape[:2] == mask.shape == (24, 40)
        return np.where(mask == 255, 0, mask)

    def step(self, frame: np.ndarray, state: np.ndarray) -> tuple[Prediction, np.ndarray]:
        assert frame.shape == (24, 40, 3)
        state = np.roll(state, 1, axis=0)
        foreground = np.stack([(state == number) * np.float32(0.75) for number in (3, 7)])
        return Prediction(state, foreground), state


def test_masks_and_probabilities_have_the_frame_s_size():
    tracker = ScaledTracker(Moves(), 0.5)
    state = tracker.init(FRAME, MASK)
    prediction, state = tracker.step(FRAME, state)
    check_prediction(prediction, FRAME, (3, 7))
    expected = np.roll(np.where(MASK == 255, 0, MASK), 2, axis=0)  # one row of half the size
    assert (prediction.mask == expected).mean() > 0.98
    assert prediction.foreground[:, 40, 60] == pytest.approx([0, 0.75])
    again, _ = tracker.step(FRAME, state)
    assert (again.mask == np.roll(expected, 2, axis=0)).mean() > 0.98


def test_what_it_says_of_itself():
    tracker = ScaledTracker(Moves(), 0.5)
    assert (tracker.name, tracker.device, tracker.precision) == ("moves", "cpu", "float32")
    assert tracker.options == {"rows": 1, "input_scale": 0.5}
    assert (tracker.parts, tracker.cycle) == ({}, 1)


@pytest.mark.parametrize("scale", [0, -1, 4.5, float("nan")])
def test_scales_that_are_refused(scale: float):
    with pytest.raises(UserError, match="above 0 and at most 4"):
        ScaledTracker(Moves(), scale)


def test_trouble_is_one_line():
    tracker = ScaledTracker(Moves(), 0.5)
    state = tracker.init(FRAME, MASK)
    with pytest.raises(UserError, match="clip of size"):
        tracker.step(FRAME[:40], state)
    point = np.zeros_like(MASK)
    point[11, 11] = 5
    point[20:30, 20:30] = 6
    with pytest.raises(UserError, match="object 5 has no pixel left"):
        tracker.init(FRAME, point)


OWN = """
class Held:
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        assert frame.shape[:2] == self.mask.shape == (32, 48)
        return self.mask
"""


def test_predict_hands_the_scale_to_any_tracker(tiny_davis: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "own_scaled.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--dataset", str(tiny_davis), "--year", "2017", "--out", "masks"]
    assert main(["predict", "--tracker", "own_scaled:Held", "--input-scale", "0.5", *words]) == 0
    record = json.loads((tmp_path / "masks/predict.json").read_text())
    assert record["provenance"]["tracker"]["input_scale"] == 0.5
    mask = read_mask(tmp_path / "masks/one/00003.png", 2017)
    assert mask.shape == (64, 96)
