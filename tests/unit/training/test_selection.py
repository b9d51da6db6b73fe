"""The weights of the best-scored step are the result, and scoring leaves the training alone."""

import csv
import dataclasses
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import (
    EXP8,
    Toy,
    board_points,
    record,
    rows,
    run,
    run_task,
    same,
    tiny_config,
)
from ttvos.config.run import TrainConfig
from ttvos.config.training import Selection
from ttvos.core.code_hash import sources
from ttvos.core.errors import UserError
from ttvos.evaluation.davis import evaluate
from ttvos.model import weights as checkpoint
from ttvos.tracking.predict import predict
from ttvos.tracking.readable import TTVOSTracker
from ttvos.training import step as stepping
from ttvos.training.selection import Selector
from ttvos.training.ttvos import TTVOSTask


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


def run_selecting(config: TrainConfig, out: Path) -> dict[str, torch.Tensor]:
    return run_task(Toy(config, EXP8, "hrnet", 0), out)


@pytest.fixture
def scripted(monkeypatch):
    """scripted(0.1, ...): scoring happens, but these are the J&F that come of it."""

    def arrange(*values: float) -> list[dict[str, torch.Tensor]]:
        seen: list[dict[str, torch.Tensor]] = []

        def score(self, network, weights):
            found = original(self, network, weights)
            found["J&F"] = values[len(seen)]
            seen.append({name: value.clone() for name, value in weights.items()})
            return found

        monkeypatch.setattr(Selector, "_track_and_score", score)
        return seen

    original = Selector._track_and_score
    return arrange


def test_the_result_is_the_best_of_all_steps_and_not_the_last(
    davis: Path, tmp_path: Path, monkeypatch
):
    """The last step spoils the weights; the masks of the result score as was recorded."""

    def spoiling(optimizer, *arguments):
        descend(optimizer, *arguments)
        calls.append(1)
        if len(calls) == 3:
            for parameter in optimizer.param_groups[0]["params"]:
                parameter.data.zero_()

    calls, descend = [], stepping.descend
    monkeypatch.setattr(stepping, "descend", spoiling)
    config = selecting(davis, how={"every": 2})
    out = tmp_path / "run"
    run(config, out)
    found = record(out)["selection"]
    assert found["by"] == "heldout"
    assert found["data"]["sequences"] == ["two"]
    assert (found["chosen"]["step"], found["last"]["step"], found["scorings"]) == (2, 3, 2)
    assert found["chosen"]["J&F"] > found["last"]["J&F"]
    tracker = TTVOSTracker(checkpoint.load(out / "checkpoint.safetensors"))
    predict(tracker, davis, 2017, "train", tmp_path / "masks", only=("two",))
    scored = evaluate(tmp_path / "masks", davis, 2017, "train", only=("two",)).means
    for name in ("J&F", "J", "F"):
        assert found["chosen"][name] == scored[f"{name}-Mean"]


@pytest.mark.parametrize("average", [None, 0.9])
def test_the_best_weights_are_kept(davis: Path, tmp_path: Path, scripted, average):
    seen = scripted(0.2, 0.6, 0.6, 0.1)
    result = run_selecting(selecting(davis, (4,), average=average), tmp_path)
    assert same(result, seen[1])
    assert not same(result, seen[3])
    assert record(tmp_path)["selection"]["chosen"]["step"] == 2
    assert [line["J&F"] for line in scores(tmp_path)] == ["20.000", "60.000", "60.000", "10.000"]


@pytest.mark.parametrize(
    ("kind", "by", "changes"),
    [
        ("ttvos", "heldout", {"freeze": {"hrnet": False}, "how": {"input_scale": 0.5}}),
        ("toy", "heldout", {"average": 0.9}),
        ("toy", "released", {}),
    ],
)
def test_scoring_leaves_the_training_alone(
    davis: Path, tmp_path: Path, scripted, kind: str, by: str, changes: dict
):
    """The last of the scored weights are those of a training without scoring, bit for bit.

    Also where the loss draws random numbers, as the toy's does.
    """
    scripted(0.1, 0.2)
    config = selecting(davis, (2,), by=by, **changes)
    build = Toy if kind == "toy" else TTVOSTask
    chosen = run_task(build(config, EXP8, "hrnet", 0), tmp_path / "scored")
    found = record(tmp_path / "scored")["selection"]
    assert found["chosen"] == found["last"]
    plain = dataclasses.replace(config, selection=Selection())
    assert same(chosen, run_task(build(plain, EXP8, "hrnet", 0), tmp_path / "plain"))
    losses = [[line["total"] for line in rows(tmp_path / name)] for name in ("scored", "plain")]
    assert losses[0] == losses[1]
    assert record(tmp_path / "plain")["selection"] == {"by": "last"}
    assert not (tmp_path / "plain/selection.csv").exists()


@pytest.mark.parametrize("step", [2, 3, 4])
def test_an_interrupted_run_selects_the_same(
    davis: Path, tmp_path: Path, interrupt, scripted, step: int
):
    """It breaks before the best is scored, right after, and later; states are saved seldom."""
    config = selecting(davis, (1, 4), how={"every": 2}, checkpoint_every=100)
    scripted(0.5, 0.4)
    expected = run_selecting(config, tmp_path / "unbroken")
    scripted(0.5, 0.4)
    broken = tmp_path / "broken"
    interrupt(step, run_selecting, config, broken)
    (broken / "selection.csv").unlink(missing_ok=True)  # as Snakemake may
    assert same(expected, run_selecting(config, broken))
    assert record(broken)["selection"]["chosen"]["step"] == 2
    lines = without_seconds(scores(broken))
    assert lines == without_seconds(scores(tmp_path / "unbroken"))
    assert [(line["stage"], line["step"]) for line in lines] == [("stage2", "2"), ("stage2", "4")]
    assert [point[0] for point in board_points(broken, "selection/J&F")] == [2, 4]


def test_what_is_written(davis: Path, tmp_path: Path):
    config = selecting(davis, (1, 2), by="released", how={"split": "val"})
    run_selecting(config, tmp_path)
    found, lines = record(tmp_path)["selection"], scores(tmp_path)
    assert found["by"] == "released"
    assert found["data"] == {
        "root": str(davis),
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
    points = board_points(tmp_path, "selection/J&F")
    assert [step for step, _ in points] == [1, 2]
    assert [value for _, value in points] == pytest.approx(
        [float(line["J&F"]) / 100 for line in lines], abs=1e-4
    )


def due(steps: int, clips: int, stage: int = 1, batch: int = 2, **how) -> list[int]:
    """Which steps of a stage are scored, without the data to score on."""
    config = tiny_config(Path("x"), (5, steps))
    stages = tuple(dataclasses.replace(each, batch=batch) for each in config.stages)
    selector = object.__new__(Selector)
    chosen = Selection("released", "x", **how)
    config = dataclasses.replace(config, stages=stages, selection=chosen)
    selector.task = TTVOSTask(config, EXP8, "hrnet")
    return sorted(selector.due(stage, steps, clips))


def test_which_steps_are_scored():
    assert due(10, 100, every=3, start=0) == [3, 6, 9, 10]
    assert due(10, 100, every=3, start=0.5) == [6, 9, 10]
    assert due(10, 100, every=50) == [10]
    # epochs of 5 clips, 2 a step, end within steps 3, 5, 8, 10
    assert due(10, 5, start=0) == [3, 5, 8, 10]
    assert due(10, 5) == [8, 10]
    assert due(10, 100, start=0) == [10]
    assert due(10, 5, stage=0, start=0) == []


def refused(config: TrainConfig, out: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run_selecting(config, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_missing_data_is_found_before_training(tiny_davis: Path, tmp_path: Path):
    out = tmp_path / "run"
    config = selecting(tiny_davis)
    chosen = dataclasses.replace(config.selection, root=str(tmp_path / "none"))
    refused(dataclasses.replace(config, selection=chosen), out, "none: no such folder")
    other = selecting(tiny_davis, by="released", how={"split": "trainval"})
    refused(other, out, "trainval.txt: no such split file")
    (tiny_davis / "JPEGImages/480p/two/00004.jpg").unlink()
    refused(selecting(tiny_davis, by="released"), out, "00004")


def test_heldout_sequence_that_the_scored_data_lacks(tiny_davis: Path, tmp_path: Path):
    """The training data has it, but the data to score on does not."""
    other = tiny_davis.parent / "davis16"
    for year in ("2016", "2017"):
        (other / f"ImageSets/{year}/train.txt").write_text("one\n")
    config = selecting(tiny_davis)
    chosen = dataclasses.replace(config.selection, root=str(other), year=2016)
    refused(dataclasses.replace(config, selection=chosen), tmp_path / "run", "has no two")


def test_evaluation_is_code_of_a_training_that_selects():
    config = tiny_config(Path("x"))
    assert "evaluation/metrics.py" not in sources(*config.modules)
    selects = dataclasses.replace(config, selection=Selection("released", "x"))
    assert {"evaluation/metrics.py", "tracking/readable.py"} < set(sources(*selects.modules))
    assert set(sources(*config.modules)) < set(sources(*selects.modules))


def test_the_scored_data_is_part_of_what_decides_the_weights(tiny_davis: Path):
    other = tiny_davis.parent / "davis16"
    config = selecting(tiny_davis)
    chosen = dataclasses.replace(config.selection, root=str(other), year=2016)
    config = dataclasses.replace(config, selection=chosen)
    assert config.all_roots() == (str(tiny_davis), str(other))

    def settings(config: TrainConfig) -> dict:
        return TTVOSTask(config, EXP8, "hrnet").settings("cpu")

    known = settings(config)
    every = dataclasses.replace(config, selection=dataclasses.replace(chosen, every=2))
    assert settings(every) != known
    image = next(other.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"0")
    assert settings(config) != known
