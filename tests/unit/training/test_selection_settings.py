"""What a selection by scores is asked to do, and what it refuses before any training."""

import dataclasses
from pathlib import Path

import pytest
import torch
from ttvos.training.setup import all_settings

from tests.unit.training.test_selection import selecting
from tests.unit.training.tiny import EXP8, run, tiny_config
from ttvos.config.run import TrainConfig
from ttvos.config.training import Selection
from ttvos.core.code_hash import sources
from ttvos.core.errors import UserError
from ttvos.plan.run import parse_config
from ttvos.training.selection import Selector


def due(steps: int, clips: int, stage: int = 1, batch: int = 2, **how) -> list[int]:
    """Which steps of a stage are scored, without the data to score on."""
    config = tiny_config(Path("x"), (5, steps))
    stages = tuple(dataclasses.replace(each, batch=batch) for each in config.stages)
    selector = object.__new__(Selector)
    chosen = Selection("released", "x", **how)
    selector.config = dataclasses.replace(config, stages=stages, selection=chosen)
    selector._scorer = object()
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


def test_the_last_step_is_taken_without_data(tmp_path: Path):
    selector = Selector(tiny_config(tmp_path), tmp_path, torch.device("cpu"))
    assert selector.due(1, 10, 5) == frozenset()
    assert selector.record() == {"by": "last"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"by": "best"}, "'best' is not one of last, heldout, released"),
        ({"by": "last", "root": "x"}, "last step is taken without scoring"),
        ({"every": 5}, "last step is taken without scoring"),
        ({"by": "released"}, "selection by released: give root"),
        ({"by": "released", "root": "x", "split": "test-dev"}, "no public ground truth"),
        ({"by": "released", "root": "x", "every": 0}, "every must be 1 or more"),
        ({"by": "released", "root": "x", "start": 1.0}, "start must be a share"),
        ({"by": "released", "root": "x", "input_scale": 0.0}, "input_scale 0.0: above 0"),
        ({"by": "released", "root": "x", "colour": 1}, "unknown key 'colour'"),
        ({"by": "heldout", "root": "x"}, "name the training sequences under heldout"),
        ({"by": "heldout", "root": "x", "heldout": ["one"], "split": "val"}, "no split of train"),
    ],
)
def test_bad_settings(values: dict, message: str):
    values = dict(values)
    heldout = values.pop("heldout", [])
    train = {"recipe": "mini", "heldout": heldout, "selection": values}
    profile = {"profile": "p", "title": "", "caution": "", "results": "r", "rows": []}
    with pytest.raises(UserError, match=message) as caught:
        parse_config({**profile, "datasets": {}, "train": train})
    assert "\n" not in str(caught.value)


def refused(config: TrainConfig, out: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run(config, out)
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
        return all_settings(config, EXP8, "hrnet", 0, "cpu")

    known = settings(config)
    every = dataclasses.replace(config, selection=dataclasses.replace(chosen, every=2))
    assert settings(every) != known
    image = next(other.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"0")
    assert settings(config) != known
