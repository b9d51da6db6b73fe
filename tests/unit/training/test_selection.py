"""The weights of the best-scored step are the result, and scoring leaves the training alone."""

import csv
import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from ttvos.training.scoring import Scorer

from tests.unit.training.test_state import SCRIPT, interrupt
from tests.unit.training.tiny import rows, run, same, tiny_config
from ttvos.config.training import Selection
from ttvos.core.provenance import REPOSITORY
from ttvos.evaluation.davis import evaluate
from ttvos.model import weights as checkpoint
from ttvos.tracking.predict import predict
from ttvos.tracking.readable import TTVOSTracker
from ttvos.training import gradient
from ttvos.training import loop as training
from ttvos.training.unroll import clip_loss


def selecting(root: Path, steps: tuple[int, ...] = (3,), by: str = "heldout", **changes):
    """A tiny training that is scored after every step on sequence `two`, or on all of val."""
    how = {"every": 1, "start": 0.0, **changes.pop("how", {})}
    heldout = ("two",) if by == "heldout" else ()
    return tiny_config(
        root, steps, heldout=heldout, selection=Selection(by, str(root), **how), **changes
    )


def scores(out: Path) -> list[dict[str, str]]:
    with open(out / "selection.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def without_seconds(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def record(out: Path) -> dict:
    return json.loads((out / "train.json").read_text())["selection"]


def board_points(out: Path) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(out / "tensorboard")).Reload()
    return [(point.step, point.value) for point in board.Scalars("selection/J&F")]


@pytest.fixture
def scripted(monkeypatch):
    """scripted(0.1, ...): scoring happens, but these are the J&F that come of it."""

    def arrange(*values: float) -> list[dict[str, torch.Tensor]]:
        seen: list[dict[str, torch.Tensor]] = []

        def score(self, model, weights, *arguments):
            found = original(self, model, weights, *arguments)
            found["J&F"] = values[len(seen)]
            seen.append({name: value.clone() for name, value in weights.items()})
            return found

        monkeypatch.setattr(Scorer, "score", score)
        return seen

    original = Scorer.score
    return arrange


def test_the_result_is_the_best_of_all_steps_and_not_the_last(
    tiny_davis: Path, tmp_path: Path, monkeypatch
):
    """The last step spoils the weights; the masks of the result score as was recorded."""

    def spoiling(optimizer, *arguments):
        descend(optimizer, *arguments)
        calls.append(1)
        if len(calls) == 3:
            for parameter in optimizer.param_groups[0]["params"]:
                parameter.data.zero_()

    calls, descend = [], training.descend
    monkeypatch.setattr(training, "descend", spoiling)
    config = selecting(tiny_davis, how={"every": 2})
    out = tmp_path / "run"
    run(config, out)
    found = record(out)
    assert found["by"] == "heldout"
    assert found["data"]["sequences"] == ["two"]
    assert (found["chosen"]["step"], found["last"]["step"], found["scorings"]) == (2, 3, 2)
    assert found["chosen"]["J&F"] > found["last"]["J&F"]
    tracker = TTVOSTracker(checkpoint.load(out / "checkpoint.safetensors"))
    predict(tracker, tiny_davis, 2017, "train", tmp_path / "masks", only=("two",))
    scored = evaluate(tmp_path / "masks", tiny_davis, 2017, "train", only=("two",))["global"]
    for name in ("J&F", "J", "F"):
        assert found["chosen"][name] == scored[f"{name}-Mean"]


@pytest.mark.parametrize("average", [None, 0.9])
def test_the_best_weights_are_kept(tiny_davis: Path, tmp_path: Path, scripted, average):
    seen = scripted(0.2, 0.6, 0.6, 0.1)
    result = run(selecting(tiny_davis, (4,), average=average), tmp_path)
    assert same(result, seen[1])
    assert not same(result, seen[3])
    assert record(tmp_path)["chosen"]["step"] == 2
    assert [line["J&F"] for line in scores(tmp_path)] == ["20.000", "60.000", "60.000", "10.000"]


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        ("heldout", {}),
        ("heldout", {"average": 0.9}),
        ("heldout", {"freeze": {"hrnet": False}, "how": {"input_scale": 0.5}}),
        ("released", {}),
    ],
)
def test_scoring_leaves_the_training_alone(
    tiny_davis: Path, tmp_path: Path, scripted, monkeypatch, by: str, changes: dict
):
    """The last of the scored weights are those of a training without scoring, bit for bit.

    The loss draws random numbers, as dropout would.
    """

    def noisy(*arguments):
        losses = clip_loss(*arguments)
        return {**losses, "total": losses["total"] * (1 + torch.rand(()))}

    monkeypatch.setattr(gradient, "clip_loss", noisy)
    scripted(0.1, 0.2, 0.3)
    config = selecting(tiny_davis, by=by, **changes)
    chosen = run(config, tmp_path / "scored")
    assert record(tmp_path / "scored")["chosen"] == record(tmp_path / "scored")["last"]
    plain = dataclasses.replace(config, selection=Selection())
    assert same(chosen, run(plain, tmp_path / "plain"))
    losses = [[line["total"] for line in rows(tmp_path / name)] for name in ("scored", "plain")]
    assert losses[0] == losses[1]
    assert record(tmp_path / "plain") == {"by": "last"}
    assert not (tmp_path / "plain/selection.csv").exists()


@pytest.mark.parametrize("step", [2, 3, 4])
def test_an_interrupted_run_selects_the_same(
    tiny_davis: Path, tmp_path: Path, stop_at, scripted, step: int
):
    """It breaks before the best is scored, right after, and later; states are saved seldom."""
    config = selecting(tiny_davis, (1, 4), how={"every": 2}, checkpoint_every=100)
    scripted(0.5, 0.4)
    expected = run(config, tmp_path / "unbroken")
    scripted(0.5, 0.4)
    broken = tmp_path / "broken"
    interrupt(stop_at, step, config, broken)
    (broken / "selection.csv").unlink(missing_ok=True)  # as Snakemake may
    assert same(expected, run(config, broken))
    assert record(broken)["chosen"]["step"] == 2
    lines = without_seconds(scores(broken))
    assert lines == without_seconds(scores(tmp_path / "unbroken"))
    assert [(line["stage"], line["step"]) for line in lines] == [("stage2", "2"), ("stage2", "4")]
    assert [point[0] for point in board_points(broken)] == [2, 4]


def test_killed_while_selecting(tiny_davis: Path, tmp_path: Path):
    """kill -9 after the first scoring, then the same settings again."""
    config = selecting(tiny_davis, (8,), checkpoint_every=100)
    expected = run(config, tmp_path / "unbroken")
    out = tmp_path / "killed"
    text = json.dumps(dataclasses.asdict(config))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, text, str(out)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (out / "state.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (out / ".selection.leaving.part").mkdir()
    assert same(expected, run(config, out))
    assert without_seconds(scores(out)) == without_seconds(scores(tmp_path / "unbroken"))
    kept = {path.name for path in out.iterdir()}
    assert kept == {
        "checkpoint.safetensors",
        "loss.csv",
        "selection.csv",
        "tensorboard",
        "train.json",
    }


def test_what_is_written(tiny_davis: Path, tmp_path: Path):
    config = selecting(tiny_davis, (1, 2), by="released", how={"split": "val"})
    run(config, tmp_path)
    found, lines = record(tmp_path), scores(tmp_path)
    assert found["by"] == "released"
    assert found["data"] == {
        "root": str(tiny_davis),
        "year": 2017,
        "split": "val",
        "sequences": ["one", "two"],
    }
    assert list(lines[0]) == ["stage", "step", "J&F", "J", "F", "one", "two", "seconds"]
    assert [(line["stage"], line["step"]) for line in lines] == [("stage2", "1"), ("stage2", "2")]
    for line in lines:
        parts = float(line["J"]), float(line["F"])
        assert float(line["J&F"]) == pytest.approx(sum(parts) / 2, abs=0.01)
        # `two` has two of the three objects
        whole = float(line["one"]) / 3 + float(line["two"]) * 2 / 3
        assert float(line["J&F"]) == pytest.approx(whole, abs=0.01)
        assert float(line["seconds"]) > 0
    points = board_points(tmp_path)
    assert [step for step, _ in points] == [1, 2]
    assert [value for _, value in points] == pytest.approx(
        [float(line["J&F"]) / 100 for line in lines], abs=1e-4
    )
