"""What a training starts from, and what decides its result."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from ttvos.training.folder import deciding_hash

from tests.unit.training.tiny import EXP8, run, tiny_config
from ttvos.config.experiments import find_variant
from ttvos.config.run import TrainConfig
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.training import setup


def test_settings_follow_all_that_decides_the_weights(tiny_davis: Path, monkeypatch):
    config = tiny_config(tiny_davis)

    def settings(config: TrainConfig = config, variant=EXP8, seed: int = 0) -> dict:
        return setup.all_settings(config, variant, "hrnet", seed, "cpu")

    known = settings()
    assert settings(dataclasses.replace(config, workers=3, checkpoint_every=9)) == known
    assert settings(dataclasses.replace(config, accumulate=2)) != known  # batch-norm sees it
    assert settings(dataclasses.replace(config, freeze={"resnet18": False})) == known
    assert settings(dataclasses.replace(config, freeze={"hrnet": False})) != known
    assert settings(dataclasses.replace(config, initial={"hrnet": "imagenet"})) != known
    assert settings(dataclasses.replace(config, transition_activation="none")) != known
    assert settings(variant=find_variant("exp4")) != known
    assert settings(seed=1) != known
    image = next(tiny_davis.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"0")
    assert settings() != known
    known = settings()
    monkeypatch.setattr(setup, "code_hash", lambda *parts: "another")
    assert settings() != known
    assert deciding_hash(settings()) == deciding_hash(known), (
        "code is recorded, and decides nothing"
    )


def test_initial_backbone_file(tiny_davis: Path, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    torch.manual_seed(9)
    source = build_model(EXP8, "hrnet")
    checkpoint.save_backbone(source, file, {}, half=False)
    config = tiny_config(tiny_davis, steps=(1,), initial={"hrnet": str(file)})
    after = run(config, tmp_path / "run")
    frozen = "backbone.net.conv1.weight"
    assert torch.equal(after[frozen], source.state_dict()[frozen])
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert record["provenance"]["initial"] == {"source": str(file), "sha256": file_hash(file)}


def test_missing_initial_file(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, initial={"hrnet": "none.safetensors"})
    with pytest.raises(UserError, match=r"train\.initial: hrnet: none\.safetensors"):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_imagenet_weights_without_a_network(tiny_davis: Path, tmp_path: Path, monkeypatch):
    import timm

    def offline(*names, pretrained=False, **options):
        if pretrained:
            raise OSError("no network")
        return create(*names, **options)

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UserError, match="ImageNet weights"):
        run(tiny_config(tiny_davis, initial={"hrnet": "imagenet"}), tmp_path / "run")


def test_missing_data(tmp_path: Path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        run(tiny_config(tmp_path / "nowhere"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_stages_of_the_same_name(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis)
    with pytest.raises(UserError, match="same name: stage1, stage1"):
        run(dataclasses.replace(config, stages=config.stages[:1] * 2), tmp_path / "run")


def test_batch_that_cannot_be_split_evenly(tiny_davis: Path):
    message = "stage1: a batch of 2 cannot be split evenly into 3 parts"
    with pytest.raises(UserError, match=message):
        tiny_config(tiny_davis, accumulate=3)
    with pytest.raises(UserError, match="accumulate must be 1 or more, not 0"):
        tiny_config(tiny_davis, accumulate=0)
    with pytest.raises(UserError, match="in each of 2 processes"):
        tiny_config(tiny_davis, accumulate=2).check_parts(2)
    tiny_config(tiny_davis, accumulate=2).check_parts(1)
