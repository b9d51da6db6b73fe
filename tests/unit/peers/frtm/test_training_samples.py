"""Target models in training: fitted to the first frame alone, found again in a cache."""

import dataclasses
from pathlib import Path

import pytest
import torch

from tests.unit.peers.frtm.tiny_training import first_batch, run, same, tiny_config
from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from ttvos.config.frtm import TargetFit
from ttvos.peers.frtm.learner import Learner
from ttvos.peers.frtm.samples import TargetScores, fit_settings
from ttvos.peers.frtm.settings import TRAINING_FIT
from ttvos.peers.frtm.training import initial_learner


def made(config, seed: int = 0) -> tuple[Learner, TargetScores]:
    learner, _ = initial_learner(config, "resnet18", False, seed)
    return learner.train(), TargetScores(config, learner)


def scores_of(learner: Learner, scores: TargetScores, batch: dict) -> torch.Tensor:
    images = learner.pixels(batch["frames"])
    return scores(images, batch["labels"], learner.features(images[:, 1:].flatten(0, 1)))


def test_pixels_are_the_frames_before_normalising(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    learner, _ = made(config)
    images = torch.randint(0, 256, (1, 2, 3, 32, 32)).float()
    mean, std = learner.backbone.mean, learner.backbone.std
    torch.testing.assert_close(learner.pixels((images / 255 - mean) / std), images)


def test_later_labels_are_not_looked_at(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    learner, scores = made(config)
    batch = first_batch(config)
    before = scores_of(learner, scores, batch)
    assert before.shape == (4, 1, 4, 6)
    assert not before.requires_grad
    batch["labels"][:, 1:] = 1 - batch["labels"][:, 1:].clamp(0, 1)
    assert torch.equal(before, scores_of(learner, scores, batch))
    batch["labels"][:, 0] = batch["labels"][:, 0].flip(-1)
    assert not torch.equal(before, scores_of(learner, scores, batch))


def test_scores_find_the_object(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    config = dataclasses.replace(config, target=dataclasses.replace(config.target, first=(10, 10)))
    learner, scores = made(config)
    batch = first_batch(config)
    found = torch.nn.functional.interpolate(scores_of(learner, scores, batch), (64, 96))
    labels = batch["labels"][:, 1:].flatten(0, 1)[:, None]
    assert found[labels == 1].mean() > found[labels == 0].mean() + 0.2


def test_an_empty_first_mask_is_no_trouble(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    learner, scores = made(config)
    batch = first_batch(config)
    batch["labels"][0, 0] = 0
    assert scores_of(learner, scores, batch).isfinite().all()


def test_a_learning_backbone_scores_as_in_tracking(tiny_davis: Path):
    """In eval mode, and without leaving traces in the batch-norms' statistics."""
    config = tiny_config(tiny_davis, freeze_backbone=False)
    learner, scores = made(config)
    batch = first_batch(config)
    images = learner.pixels(batch["frames"])
    features = learner.features(images[:, 1:].flatten(0, 1))
    before = {name: value.clone() for name, value in learner.backbone.state_dict().items()}
    found = scores(images, batch["labels"], features)
    assert same(before, learner.backbone.state_dict())
    assert learner.backbone.training
    assert features["layer4"].requires_grad
    learner.eval()
    frozen = learner.features(images[:, 1:].flatten(0, 1))
    assert torch.equal(found, scores(images, batch["labels"], frozen))


def test_cache_gives_the_same_training(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis)
    cached = dataclasses.replace(config, target_cache=str(tmp_path / "fits"))
    expected = run(config, tmp_path / "plain")
    assert same(expected, run(cached, tmp_path / "filled"))
    assert same(expected, run(cached, tmp_path / "read"))
    files = sorted((tmp_path / "fits").rglob("*.safetensors"))
    assert len(files) == 4
    assert same(expected, run(dataclasses.replace(cached, workers=1), tmp_path / "other"))
    files[0].write_bytes(b"cut")  # a damaged file is made anew
    assert same(expected, run(cached, tmp_path / "mended"))
    assert files[0].stat().st_size > 100


def test_cache_keeps_backbones_and_settings_apart(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, target_cache=str(tmp_path / "fits"))
    other = dataclasses.replace(config, target=dataclasses.replace(config.target, first=(4,)))
    folders = {made(config)[1].cache.folder, made(config)[1].cache.folder}
    assert len(folders) == 1
    folders |= {made(config, seed=1)[1].cache.folder, made(other)[1].cache.folder}
    assert len(folders) == 3


def test_fit_settings_are_the_training_s_but_for_the_form(tiny_davis: Path):
    config = dataclasses.replace(tiny_config(tiny_davis), target=TargetFit())
    expected = dataclasses.replace(TRAINING_FIT, labels="condensed")
    assert fit_settings(config) == expected
    assert config.target.samples == 15


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_results_are_float32(tiny_davis: Path, precision: str):
    config = tiny_config(tiny_davis, precision=precision)
    learner, scores = made(config)
    learner.add_transition(0)
    batch = first_batch(config)
    images = learner.pixels(batch["frames"])
    features = learner.features(images[:, 1:].flatten(0, 1))
    logits, transition = learner(features, scores(images, batch["labels"], features), (64, 96))
    assert (logits.dtype, transition.dtype) == (torch.float32, torch.float32)
    assert (logits.shape, transition.shape) == ((4, 64, 96), (4, 2, 16, 24))
    assert features["layer2"].dtype == getattr(torch, precision)
