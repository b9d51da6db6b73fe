"""The benchmark of training: its logic on tiny clips, not its figures."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import training
from tests.unit.training.tiny import EXP8, batches_of, tiny_config
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import build_model
from ttvos.training.step import gradient
from ttvos.training.ttvos import TTVOSTask

TINY = ["--height", "64", "--width", "96", "--clips", "2", "--repeats", "1", "--steps", "1"]
TINY += ["--threads", "1"]


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "whole"])
def test_the_plain_loop_gives_our_loss_and_gradient(tiny_davis: Path, frozen: bool):
    """To rounding, with batch-norms in eval mode: no frame or clip depends on another's."""
    batch, config = batches_of(tiny_config(tiny_davis).stages[0], 1)[0], TrainConfig(())
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet")
    if frozen:
        model.freeze()
    model.eval()
    expected = training.frame_by_frame(model, batch, config)
    expected["total"].backward()
    plain = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.to(memory_format=torch.channels_last)
    task = TTVOSTask(config, EXP8, "hrnet")
    losses = gradient(task, task.prepare(model), batch)
    ours = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert set(losses) == {"heatmap", "transition", "template", "total"}
    assert {name: v.item() for name, v in losses.items()} == pytest.approx(
        {name: v.item() for name, v in expected.items()}, rel=1e-4
    )
    assert set(ours) == set(plain)
    difference = sum((ours[name] - plain[name]).square().sum() for name in plain).sqrt()
    assert difference < 1e-3 * sum(value.square().sum() for value in plain.values()).sqrt()


def test_writes_every_repeat_the_bars_and_their_origin(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(training, "LENGTHS", (3,))
    monkeypatch.setattr(training, "WORKERS", (0, 1))
    assert training.main([*TINY, "--out", str(tmp_path / "training.json")]) == 0
    found = json.loads((tmp_path / "training.json").read_text())
    cases = [(line["backbone"], line["precision"]) for line in found["speed"]]
    assert cases == [(b, p) for b in ("frozen", "whole") for p in ("float32", "bfloat16")]
    for line in found["speed"]:
        assert all(len(values) == 1 for values in line["seconds"].values())
        assert line["ratio"] == line["medians"]["plain"] / line["medians"]["ours"]
        assert line["frames_per_second"]["ours"] == pytest.approx(6 / line["medians"]["ours"])
    assert {line["workers"] for line in found["waiting"]} == {0, 1}
    for line in found["waiting"]:
        assert 0 < line["share"] + line["making_pixels_share"] < 1
    assert [line["checkpointing"] for line in found["memory"]] == [False, True] * 2
    assert all(line["peak_bytes"] > 0 for line in found["memory"])
    assert set(found["bars"]) == set(training.BARS)
    assert found["bars"]["frozen_float32_over_plain"]["value"] == found["speed"][0]["ratio"]
    assert found["provenance"]["threads"] == 1
    assert capsys.readouterr().out.count("bar ") == len(training.BARS)


def test_only_the_part_that_is_wanted(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(training, "WORKERS", (0,))
    out = tmp_path / "training.json"
    assert training.main([*TINY, "--parts", "waiting", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["bars"] == {}
    assert not {"speed", "memory"} & set(found)


def test_no_such_device_is_one_line(capsys):
    assert training.main([*TINY, "--device", "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
