"""Training as a whole: reproducible, frozen where it should be, honest about what it did."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.tiny import EXP8, board_steps, damage, rows, run, same, tiny_config
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.training import gradient, setup
from ttvos.training.curves import COLUMNS
from ttvos.training.unroll import clip_loss


def test_same_seed_same_weights_and_another_seed_others(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis)
    first = run(config, tmp_path / "a")
    torch.rand(5)  # whatever the process did before must not matter
    assert same(first, run(config, tmp_path / "b"))
    assert not same(first, run(config, tmp_path / "c", seed=1))


def test_what_is_written(tiny_davis: Path, tmp_path: Path):
    out = tmp_path / "run"
    run(tiny_config(tiny_davis, steps=(2, 1)), out, profile="mini")
    names = {path.name for path in out.iterdir()}
    assert names == {"checkpoint.safetensors", "train.json", "loss.csv", "tensorboard"}
    lines = rows(out)
    assert tuple(lines[0]) == COLUMNS
    assert [(line["stage"], line["step"]) for line in lines] == [
        ("stage1", "0"),
        ("stage1", "1"),
        ("stage2", "0"),
    ]
    for line in lines:
        parts = sum(float(line[term]) for term in ("heatmap", "transition", "template"))
        assert float(line["total"]) == pytest.approx(parts, rel=1e-4)
        assert float(line["learning_rate"]) == 1e-3
        assert 0 < float(line["waiting"]) < float(line["seconds"])
    assert board_steps(out) == [0, 1, 2]
    record = json.loads((out / "train.json").read_text())
    assert (record["variant"], record["backbone"], record["seed"]) == ("exp8", "hrnet", 0)
    assert [(stage["name"], stage["steps"]) for stage in record["stages"]] == [
        ("stage1", 2),
        ("stage2", 1),
    ]
    assert record["stages"][1]["losses"]["total"] == pytest.approx(float(lines[2]["total"]))
    assert record["steps"] == 3
    assert 0 < record["stages"][0]["waiting_share"] < 1
    assert record["skipped"] == []
    assert (record["provenance"]["processes"], record["provenance"]["accumulate"]) == (1, 1)
    assert record["provenance"]["data"]["profile"] == "mini"
    assert record["provenance"]["precision"] == "float32"
    assert record["provenance"]["initial"] == {"source": "random", "sha256": None}
    assert checkpoint.metadata(out / "checkpoint.safetensors")["provenance"]["seed"] == 0
    assert checkpoint.load(out / "checkpoint.safetensors").variant == EXP8


def test_frozen_parts_stay_and_every_other_changes(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, steps=(3,))
    model, _ = setup.initial_model(config, EXP8, "hrnet", 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.freeze()
    learning = {name for name, value in model.named_parameters() if value.requires_grad}
    learning |= {
        f"backbone.net.stage4.{name}" for name, _ in model.backbone.net.stage4.named_buffers()
    }
    after = run(config, tmp_path)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == learning
    assert 0 < len(learning) < len(after)


def test_whole_backbone_learns_where_configured(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, steps=(3,), freeze={"hrnet": False})
    before = setup.initial_model(config, EXP8, "hrnet", 0)[0].state_dict()
    after = run(config, tmp_path)
    assert [name for name in after if torch.equal(before[name], after[name])] == []


def test_stages_start_from_the_weights_of_the_one_before(tiny_davis: Path, tmp_path: Path):
    both = tiny_config(tiny_davis, steps=(2, 2))
    tiny = tuple(dataclasses.replace(stage, learning_rate=1e-12) for stage in both.stages[1:])
    first = run(tiny_config(tiny_davis, steps=(2,)), tmp_path / "a")
    second = run(dataclasses.replace(both, stages=both.stages[:1] + tiny), tmp_path / "b")
    for name, value in first.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(value, second[name], atol=1e-6, rtol=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_no_cuda(tiny_davis: Path, tmp_path: Path):
    with pytest.raises(UserError, match="CUDA"):
        run(tiny_config(tiny_davis), tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_clip_is_one_line_and_not_a_hang(tiny_davis: Path, tmp_path: Path, workers: int):
    for image in tiny_davis.rglob("*.jpg"):
        image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(UserError, match="jpg") as caught:
        run(tiny_config(tiny_davis, workers=workers), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_workers_do_not_change_the_result(tiny_davis: Path, tmp_path: Path):
    expected = run(tiny_config(tiny_davis, steps=(3,)), tmp_path / "a")
    assert same(expected, run(tiny_config(tiny_davis, steps=(3,), workers=2), tmp_path / "b"))


def test_loss_that_is_not_finite_stops_and_names_the_step(
    tiny_davis: Path, tmp_path: Path, monkeypatch
):
    def unstable(*arguments) -> dict[str, torch.Tensor]:
        losses = clip_loss(*arguments)
        calls.append(1)
        return losses if len(calls) < 4 else {**losses, "total": losses["total"] * float("nan")}

    calls: list[int] = []
    monkeypatch.setattr(gradient, "clip_loss", unstable)
    with pytest.raises(UserError, match=r"stage stage2, step 1.*not finite"):
        run(tiny_config(tiny_davis), tmp_path)
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert len(rows(tmp_path)) == 3


def test_full_disk_is_one_clear_line(tiny_davis: Path, tmp_path: Path, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"cannot write .*state\.pt: No space left"):
        run(tiny_config(tiny_davis), tmp_path / "run")


def test_training_goes_on_without_damaged_clips_and_records_them(
    tiny_davis: Path, tmp_path: Path, capsys
):
    """Also one that ended at the damage before: skipping is no other training."""
    damage(tiny_davis, "two")
    config = tiny_config(tiny_davis, steps=(4,))
    with pytest.raises(UserError, match="two"):
        run(config, tmp_path)
    config = dataclasses.replace(config, skip_damaged=True)
    run(config, tmp_path)
    told = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    record = json.loads((tmp_path / "train.json").read_text())
    assert record["skipped"] == sorted(line.removeprefix("ttvos: skipped: ") for line in told)
    assert all("/two/" in text for text in record["skipped"])
    assert record["skipped"]
    assert record["steps"] == 4
