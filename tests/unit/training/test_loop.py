"""The training loop: reproducible, resumed to the same bits, honest about what it did.

What is the loop's alone is tested with a toy network; with TTVOS and FRTM-VOS, that they fit in.
"""

import dataclasses
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.tiny import (
    board_points,
    damage,
    make_task,
    record,
    rows,
    run_task,
    run_toy,
    same,
)
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.training import loop, task
from ttvos.training.curves import COLUMNS
from ttvos.training.state import snapshot

STEPS = {"toy": (2, 2), "ttvos": (2, 2), "extras": (2, 2), "frtm": (1, 1)}


@pytest.fixture(scope="module")
def unbroken(davis: Path, tmp_path_factory):
    """unbroken(kind): the folder of a training of that kind that nothing interrupted."""
    made: dict[str, Path] = {}

    def train(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            run_task(make_task(kind, davis, STEPS[kind]), made[kind], profile="mini")
        return made[kind]

    return train


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "checkpoint.safetensors")


@pytest.mark.parametrize(
    ("kind", "step"), [("toy", 1), ("toy", 2), ("ttvos", 3), ("extras", 3), ("frtm", 1)]
)
def test_an_interrupted_run_goes_on_to_the_same_bits(
    davis: Path, tmp_path: Path, interrupt, unbroken, capsys, kind: str, step: int
):
    """Within a stage, between two, and in the second; the weights are those of the same seed."""
    torch.rand(5)  # whatever the process did before must not matter
    made = make_task(kind, davis, STEPS[kind])
    interrupt(step, run_task, made, tmp_path)
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert same(weights(unbroken(kind)), run_task(made, tmp_path))
    assert "going on from" in capsys.readouterr().err
    assert not (tmp_path / "state.pt").exists()
    for column in ("stage", "step", "total", "learning_rate"):
        assert [line[column] for line in rows(unbroken(kind))] == [
            line[column] for line in rows(tmp_path)
        ]


def test_another_seed_gives_other_weights(davis: Path, tmp_path: Path, unbroken):
    assert not same(weights(unbroken("toy")), run_toy(davis, tmp_path, seed=1))


@pytest.mark.parametrize("kind", ["ttvos", "frtm"])
def test_what_is_written(davis: Path, unbroken, kind: str):
    out = unbroken(kind)
    written = {"checkpoint.safetensors", "train.json", "loss.csv", "tensorboard"}
    assert {path.name for path in out.iterdir()} == written
    lines, found = rows(out), record(out)
    assert tuple(lines[0]) == COLUMNS
    trained, each = make_task(kind, davis, STEPS[kind]), STEPS[kind][0]
    steps = [(f"stage{stage}", str(step)) for stage in (1, 2) for step in range(each)]
    assert [(line["stage"], line["step"]) for line in lines] == steps
    terms = ("heatmap", "transition", "template")
    for line in lines:
        parts = sum(float(line[term] or 0) for term in terms)
        assert float(line["total"]) == pytest.approx(parts, rel=1e-4)
        rate = trained.learning_rate(trained.config.stages[0], int(line["step"]), each)
        assert float(line["learning_rate"]) == rate
        assert 0 < float(line["waiting"]) < float(line["seconds"])
    assert (lines[0]["template"] == "") == (kind == "frtm")
    assert [step for step, _ in board_points(out)] == list(range(2 * each))
    assert [(stage["name"], stage["steps"]) for stage in found["stages"]] == [
        ("stage1", each),
        ("stage2", each),
    ]
    last = [float(line["total"]) for line in lines[each:]]
    assert found["stages"][1]["losses"]["total"] == pytest.approx(sum(last) / each)
    assert 0 < found["stages"][0]["waiting_share"] < 1
    assert (found["seed"], found["steps"], found["skipped"]) == (0, 2 * each, [])
    assert found["selection"] == {"by": "last"}
    assert found["seconds"] > 0
    origin = found["provenance"]
    assert (origin["processes"], origin["accumulate"], origin["precision"]) == (1, 1, "float32")
    assert origin["data"]["profile"] == "mini"
    assert origin["initial"] == {"source": "random", "sha256": None}
    facts = checkpoint.metadata(out / "checkpoint.safetensors")
    assert facts["provenance"]["seed"] == 0


def test_steps_after_the_last_save_are_done_again_and_recorded_once(
    davis: Path, tmp_path: Path, interrupt
):
    training = {"steps": (5,), "checkpoint_every": 2}
    expected, out = run_toy(davis, tmp_path / "unbroken", **training), tmp_path / "broken"
    interrupt(3, run_toy, davis, out, **training)
    assert [line["step"] for line in rows(out)] == ["0", "1", "2"]
    assert same(expected, run_toy(davis, out, **training))
    assert [line["step"] for line in rows(out)] == ["0", "1", "2", "3", "4"]
    assert [step for step, _ in board_points(out)] == [0, 1, 2, 3, 4]


def test_resuming_does_not_need_the_loss_file(davis: Path, tmp_path: Path, interrupt):
    """Snakemake deletes a failed job's outputs, but not state.pt."""
    interrupt(2, run_toy, davis, tmp_path)
    (tmp_path / "loss.csv").unlink()
    run_toy(davis, tmp_path)
    assert len(rows(tmp_path)) == 4


def test_stages_start_from_the_weights_of_the_one_before(davis: Path, tmp_path: Path):
    first = run_toy(davis, tmp_path / "one", (2,))
    both = make_task("toy", davis)
    still = dataclasses.replace(both.config.stages[1], learning_rate=1e-12)
    both.config = dataclasses.replace(both.config, stages=(both.config.stages[0], still))
    second = run_task(both, tmp_path / "two")
    for name in ("backbone.0.weight", "head.weight"):
        torch.testing.assert_close(first[name], second[name], atol=1e-6, rtol=0)


def test_finished_training_returns_at_once(davis: Path, tmp_path: Path, stop_at, capsys):
    run_toy(davis, tmp_path)
    before = os.stat(tmp_path / "checkpoint.safetensors").st_mtime_ns
    stop_at(0)
    run_toy(davis, tmp_path)
    run_toy(davis, tmp_path, checkpoint_every=7, workers=1)
    assert os.stat(tmp_path / "checkpoint.safetensors").st_mtime_ns == before
    assert "already trained" in capsys.readouterr().err


def test_lost_or_exchanged_checkpoint_is_trained_again(davis: Path, tmp_path: Path, unbroken):
    path = tmp_path / "checkpoint.safetensors"
    expected = run_toy(davis, tmp_path)
    path.unlink()
    assert same(expected, run_toy(davis, tmp_path))
    path.write_bytes((unbroken("ttvos") / path.name).read_bytes())
    assert same(expected, run_toy(davis, tmp_path))


def test_other_settings_start_anew(davis: Path, tmp_path: Path, interrupt, capsys):
    out = tmp_path / "run"
    interrupt(2, run_toy, davis, out)
    result = run_toy(davis, out, clip_norm=0.1)
    assert "starting anew" in capsys.readouterr().err
    assert len(list(out.glob("state-*.pt"))) == 1
    assert same(result, run_toy(davis, tmp_path / "fresh", clip_norm=0.1))
    assert [step for step, _ in board_points(out)] == [0, 1, 2, 3]


def test_state_of_older_code_is_kept_aside(davis: Path, tmp_path: Path, interrupt, capsys):
    interrupt(2, run_toy, davis, tmp_path)
    path = tmp_path / "state.pt"
    old = torch.load(path, weights_only=True)
    old.pop("skipped")
    torch.save({**old, "format": "ttvos-training-1", "settings": "older"}, path)
    run_toy(davis, tmp_path)
    assert "kept as state-older.pt; starting anew" in capsys.readouterr().err
    assert (tmp_path / "state-older.pt").exists()


def test_changed_code_goes_on_and_is_told_of(
    davis: Path, tmp_path: Path, interrupt, stop_at, unbroken, capsys, monkeypatch
):
    """It took days: whoever changed the code knows whether it matters."""
    monkeypatch.setattr(task, "code_hash", lambda *_: "first")
    interrupt(2, run_toy, davis, tmp_path)
    monkeypatch.setattr(task, "code_hash", lambda *_: "second")
    assert same(weights(unbroken("toy")), run_toy(davis, tmp_path))
    assert "other code began it (first, now second): going on" in capsys.readouterr().err
    found = record(tmp_path)
    assert (found["codes"], found["settings"]["code"]) == (["first", "second"], "second")
    monkeypatch.setattr(task, "code_hash", lambda *_: "third")
    stop_at(0)
    run_toy(davis, tmp_path)
    assert "but by other code (second, now third): kept" in capsys.readouterr().err


def test_damaged_state_is_a_clear_message(davis: Path, tmp_path: Path, interrupt):
    interrupt(2, run_toy, davis, tmp_path)
    path = tmp_path / "state.pt"
    whole = path.read_bytes()
    for content in (b"", b"PK", b"no state", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"state\.pt: damaged.*delete it"):
            run_toy(davis, tmp_path)
    torch.save({"model": {}}, path)
    with pytest.raises(UserError, match="damaged"):
        run_toy(davis, tmp_path)


def test_scale_of_the_gradient_goes_on(davis: Path, tmp_path: Path, interrupt, monkeypatch):
    """Through an interruption and from stage to stage; it doubles after every two steps."""
    scalers = []

    def make_scaler(*_):
        scalers.append(torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2))
        return scalers[-1]

    expected = run_toy(davis, tmp_path / "unscaled", (3, 2))
    monkeypatch.setattr(loop, "make_scaler", make_scaler)
    interrupt(3, run_toy, davis, tmp_path / "scaled", (3, 2))
    result = run_toy(davis, tmp_path / "scaled", (3, 2))
    assert [scaler.get_scale() for scaler in scalers] == [8.0, 16.0]
    assert same(expected, result)  # powers of two change no bit


@pytest.mark.parametrize("kind", ["ttvos", "frtm"])
def test_trouble_is_told_before_anything_is_written(davis: Path, tmp_path: Path, kind: str):
    section, out = {"ttvos": "train"}.get(kind, kind), tmp_path / "run"
    backbone = "hrnet" if kind == "ttvos" else "resnet18"
    nowhere = tmp_path / "nowhere"
    wrong = {
        "seed must be 0 or more": lambda: make_task(kind, davis, seed=-1),
        "nowhere: no such folder": lambda: make_task(kind, nowhere),
        rf"{section}\.initial: {backbone}: none\.pt: no such file": lambda: make_task(
            kind, davis, initial={backbone: "none.pt"}
        ),
    }
    for message, made in wrong.items():
        with pytest.raises(UserError, match=message) as caught:
            run_task(made(), out)
        assert "\n" not in str(caught.value)
        assert not out.exists()
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no CUDA"):
            run_task(make_task(kind, davis), out, device="cuda")
        assert not out.exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_clip_is_one_line_and_not_a_hang(tiny_davis: Path, tmp_path: Path, workers: int):
    for image in tiny_davis.rglob("*.jpg"):
        image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(UserError, match="jpg") as caught:
        run_toy(tiny_davis, tmp_path / "run", workers=workers)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_workers_do_not_change_the_result(davis: Path, tmp_path: Path, unbroken):
    assert same(weights(unbroken("toy")), run_toy(davis, tmp_path, workers=2))


def test_loss_that_is_not_finite_stops_and_names_the_step(davis: Path, tmp_path: Path):
    class Unstable(type(make_task("toy", davis))):
        def losses(self, *arguments) -> dict[str, torch.Tensor]:
            found = super().losses(*arguments)
            calls.append(1)
            return found if len(calls) < 4 else {**found, "total": found["total"] * float("nan")}

    calls: list[int] = []
    unstable = make_task("toy", davis)
    unstable.__class__ = Unstable
    with pytest.raises(UserError, match=r"stage stage2, step 1.*not finite.*state\.pt"):
        run_task(unstable, tmp_path)
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert len(rows(tmp_path)) == 3


def test_full_disk_is_one_clear_line(davis: Path, tmp_path: Path, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"cannot write .*state\.pt: No space left"):
        run_toy(davis, tmp_path / "run")


def test_training_goes_on_without_damaged_clips_and_records_them(
    tiny_davis: Path, tmp_path: Path, capsys
):
    """Also one that ended at the damage before: skipping is no other training."""
    damage(tiny_davis, "two")
    with pytest.raises(UserError, match="two"):
        run_toy(tiny_davis, tmp_path, (4,))
    run_toy(tiny_davis, tmp_path, (4,), skip_damaged=True)
    told = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    skipped = record(tmp_path)["skipped"]
    assert skipped == sorted(line.removeprefix("ttvos: skipped: ") for line in told)
    assert all("/two/" in text for text in skipped)
    assert skipped
    assert record(tmp_path)["steps"] == 4


def test_accumulated_training_is_another_and_as_reproducible(davis: Path, tmp_path: Path):
    """It is another because each part has its own batch-norm statistics, and random numbers."""
    parts = run_toy(davis, tmp_path / "parts", accumulate=2)
    assert not same(run_toy(davis, tmp_path / "whole"), parts)
    assert same(parts, run_toy(davis, tmp_path / "again", accumulate=2))


def test_a_snapshot_holds_what_the_training_would_give_now(
    davis: Path, tmp_path: Path, interrupt, unbroken
):
    interrupt(4, run_task, make_task("ttvos", davis, (2, 2, 1)), tmp_path)
    snapshot(tmp_path / "state.pt", make_task("ttvos", davis), tmp_path / "now.safetensors")
    assert same(load_file(tmp_path / "now.safetensors"), weights(unbroken("ttvos")))
    facts = checkpoint.metadata(tmp_path / "now.safetensors")["provenance"]["training"]
    assert (facts["stage"], facts["step"]) == (2, 0)


def test_a_snapshot_of_a_running_mean(davis: Path, tmp_path: Path, interrupt):
    whole = run_toy(davis, tmp_path / "whole", (2,), average=0.9)
    interrupt(2, run_toy, davis, tmp_path, (2, 2), average=0.9)
    snapshot(tmp_path / "state.pt", make_task("toy", davis), tmp_path / "now.safetensors")
    assert same(load_file(tmp_path / "now.safetensors"), whole)


def test_no_snapshot_is_one_clear_line(davis: Path, tmp_path: Path, interrupt):
    state, out = tmp_path / "state.pt", tmp_path / "x.safetensors"
    with pytest.raises(UserError, match="no such file; a finished training keeps none"):
        snapshot(state, make_task("toy", davis), out)
    state.write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged, or no training state"):
        snapshot(state, make_task("toy", davis), out)
    state.unlink()
    interrupt(1, run_toy, davis, tmp_path)
    with pytest.raises(UserError, match="does not fit exp8 with hrnet"):
        snapshot(state, make_task("ttvos", davis), out)
