"""What the tests of the command line share: tiny weights, a tiny profile, and `refused`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ttvos.cli.main import main
from ttvos.config.experiments import find_variant
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model


@pytest.fixture(scope="package")
def weights(tmp_path_factory) -> Path:
    """A checkpoint of the full model with random weights."""
    path = tmp_path_factory.mktemp("weights") / "exp8.safetensors"
    torch.manual_seed(0)
    checkpoint.save(build_model(find_variant("exp8"), "hrnet"), path, {"seed": 0})
    return path


@pytest.fixture
def profile(tmp_path: Path, tiny_davis: Path) -> Path:
    """A profile with small built-in clips, and one training stage of one step on tiny_davis."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        f"""{{profile: tiny, title: "", caution: "", results: results, rows: [], datasets: {{}},
        mini: {{height: 96, width: 160, frames: 2, train_clips: 1, val_clips: 1, stills: 1,
        ytvos_clips: 1}},
        train: {{stages: [{{name: clips, source: davis, roots: ["{tiny_davis}"], height: 64,
        width: 96, frames: 2, batch: 2, learning_rate: 0.001, steps: 1}}]}}}}"""
    )
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with an older result of each kind, which no failure may touch."""
    folder = tmp_path / "results"
    for name in ("masks/predict.json", "mini/mini.json", "scores.json", "backbone.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("older")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files and empty folders too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def refused(capsys, results: Path) -> Callable[..., None]:
    """Run a command that must fail in one line that says `words`, and change no result."""

    def run(arguments: list[object], *words: str) -> None:
        before = contents(results)
        assert main([str(argument) for argument in arguments]) == 1
        told = capsys.readouterr().err.splitlines()
        lines = [line for line in told if ", epoch " not in line]  # what `train` says of epochs
        assert len(lines) == 1, told
        assert lines[0].startswith("ttvos: ")
        for word in words:
            assert word in lines[0]
        assert contents(results) == before

    return run


def predict(dataset: Path, out: Path, *tracker: object, year: int = 2017) -> list[object]:
    """Arguments that predict; by default with the mask held still, which reads all files too."""
    tracker = tracker or ("--reference", "still")
    return ["predict", "--dataset", dataset, "--year", year, "--out", out, *tracker]


def evaluate(masks: Path, dataset: Path, out: Path, *more: object) -> list[object]:
    """Arguments that score masks of DAVIS 2017."""
    paths = ["--masks", masks, "--dataset", dataset, "--out", out]
    return ["evaluate", *paths, "--year", 2017, *more]


def train(profile: Path, out: Path, *more: object) -> list[object]:
    """Arguments that train experiment 8 with HRNet."""
    return ["train", "--backbone", "hrnet", "--config", profile, "--out", out, *more]
