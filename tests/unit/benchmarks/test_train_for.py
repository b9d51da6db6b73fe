"""Planning a training of a given time: batches, steps, and a profile that `ttvos train` takes."""

import pytest

from benchmarks import train_for
from ttvos.core.errors import UserError
from ttvos.plan.run import load_config


@pytest.fixture
def options(tiny_davis, tmp_path):
    for name in ("ecssd", "stills-extra"):
        (tmp_path / name).mkdir()
    (tiny_davis.parent / "davis16").rename(tmp_path / "train")
    words = ["--data", tmp_path, "--out", tmp_path / "out", "--seconds", 100, "--workers", 0]
    words += ["--height", 32, "--width", 32, "--batches", 2, 4, 8, "--heldout", "two"]
    return train_for._parse(list(map(str, words)))


def timed(seconds_by_batch):
    """A stand-in for `time_stage`, whose step takes what is said for its batch."""

    def time_stage(model, task, stage, batch, timing):
        if seconds_by_batch[stage.batch] is None:
            raise RuntimeError("out of memory\nmore of it")
        return [seconds_by_batch[stage.batch]] * 3, 1000

    return time_stage


@pytest.mark.parametrize(
    ("seconds", "batch"),
    [
        ({2: 1.0, 4: 1.0, 8: 1.0}, 8),  # the larger is as quick
        ({2: 1.0, 4: 1.9, 8: 3.8}, 2),  # 5 % more clips a second are not worth it
        ({2: 1.0, 4: 1.0, 8: None}, 4),  # too little memory
    ],
)
def test_batch_that_is_fast_and_steps_that_fit(monkeypatch, options, seconds, batch):
    monkeypatch.setattr(train_for, "time_stage", timed(seconds))
    stage, found = train_for._planned(options, "clips")
    assert (stage.batch, found["batch"]) == (batch, batch)
    share = train_for.STAGES["clips"][1]
    assert found["steps"] * found["step_seconds"] <= share * options.seconds
    assert found["steps"] * found["step_seconds"] > 0.4 * share * options.seconds


def test_no_batch_fits(monkeypatch, options):
    monkeypatch.setattr(train_for, "time_stage", timed({2: None}))
    with pytest.raises(UserError, match="batch of 2"):
        train_for._planned(options, "clips")


def test_profile_is_what_was_planned(options):
    stage = train_for._stage(options, "large")
    path = train_for._config(options, [stage], [{"steps": 7, "step_seconds": 2.0}])
    train = load_config(path).train
    assert train.stages[0].steps == 7
    assert train.heldout == ("two",)
    assert train.checkpoint_every == 30  # a minute's steps


def test_a_training_that_fails_says_why(tmp_path):
    class Process:
        def wait(self, timeout):
            return 1

    folder = tmp_path / "exp8-hrnet-s0"
    folder.mkdir()
    (folder / "train.log").write_text("first\nttvos: no CUDA device here\n")
    ended = train_for._wait({folder: Process()}, 5)
    assert ended == {"exp8-hrnet-s0": "failed: ttvos: no CUDA device here"}


def test_a_training_that_is_stopped_too_early(tmp_path):
    (folder := tmp_path / "exp8-hrnet-s0").mkdir()
    assert train_for._snapshot(folder) == "stopped too early"


@pytest.mark.parametrize(
    ("how", "holds"),
    [("finished", True), (train_for.KEPT, True), ("failed: no memory", False)],
)
def test_a_training_without_weights_is_a_missed_bar(options, how, holds):
    (found,) = train_for._result(options, {"exp8-hrnet-s0": how}, {})["bars"].values()
    assert found["holds"] == holds
