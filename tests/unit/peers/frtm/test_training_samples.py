"""Target models in training: fitted to the first frame alone, found again in a cache."""

import dataclasses
from pathlib import Path

import pytest
import torch

from tests.unit.peers.frtm.tiny_training import first_batch, frtm_task, made, run
from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.tiny import same
from ttvos.config.frtm import TargetFit
from ttvos.peers.frtm.learner import Learner
from ttvos.peers.frtm.samples import TargetScores, fit_settings
from ttvos.peers.frtm.settings import TRAINING_FIT


def scores_of(learner: Learner, scores: TargetScores, batch: dict) -> torch.Tensor:
    images = learner.pixels(batch["frames"])
    return scores(images, batch["labels"], learner.features(images[:, 1:].flatten(0, 1)))


def test_pixels_are_the_frames_before_normalising(davis: Path):
    task = frtm_task(davis)
    learner, _ = made(task)
    images = torch.randint(0, 256, (1, 2, 3, 32, 32)).float()
    mean, std = learner.backbone.mean, learner.backbone.std
    torch.testing.assert_close(learner.pixels((images / 255 - mean) / std), images)


def test_later_labels_are_not_looked_at(davis: Path):
    task = frtm_task(davis)
    learner, scores = made(task)
    batch = first_batch(task)
    before = scores_of(learner, scores, batch)
    assert before.shape == (4, 1, 4, 6)
    assert not before.requires_grad
    batch["labels"][:, 1:] = 1 - batch["labels"][:, 1:].clamp(0, 1)
    assert torch.equal(before, scores_of(learner, scores, batch))
    batch["labels"][:, 0] = batch["labels"][:, 0].flip(-1)
    assert not torch.equal(before, scores_of(learner, scores, batch))


def test_scores_find_the_object(davis: Path):
    task = frtm_task(davis, target=TargetFit(8, 2, (10, 10), (2,)))
    learner, scores = made(task)
    batch = first_batch(task)
    found = torch.nn.functional.interpolate(scores_of(learner, scores, batch), (64, 96))
    labels = batch["labels"][:, 1:].flatten(0, 1)[:, None]
    assert found[labels == 1].mean() > found[labels == 0].mean() + 0.2


def test_an_empty_first_mask_is_no_trouble(davis: Path):
    task = frtm_task(davis)
    learner, scores = made(task)
    batch = first_batch(task)
    batch["labels"][0, 0] = 0
    assert scores_of(learner, scores, batch).isfinite().all()


def test_a_learning_backbone_scores_as_in_tracking(davis: Path):
    """In eval mode, and without leaving traces in the batch-norms' statistics."""
    task = frtm_task(davis, freeze_backbone=False)
    learner, scores = made(task)
    batch = first_batch(task)
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


def test_cache_gives_the_same_training(davis: Path, tmp_path: Path):
    fits = tmp_path / "fits"
    expected = run(davis, tmp_path / "plain")
    assert same(expected, run(davis, tmp_path / "filled", target_cache=str(fits)))
    assert same(expected, run(davis, tmp_path / "read", target_cache=str(fits), workers=1))
    files = sorted(fits.rglob("*.safetensors"))
    assert len(files) == 2
    files[0].write_bytes(b"cut")  # a damaged file is made anew
    assert same(expected, run(davis, tmp_path / "mended", target_cache=str(fits)))
    assert files[0].stat().st_size > 100


def test_cache_keeps_backbones_and_settings_apart(davis: Path, tmp_path: Path):
    def folder(**changes) -> Path:
        return made(frtm_task(davis, target_cache=str(tmp_path), **changes))[1].cache.folder

    folders = {folder(), folder()}
    assert len(folders) == 1
    folders |= {folder(seed=1), folder(target=TargetFit(8, 2, (4,), (2,)))}
    assert len(folders) == 3


def test_fit_settings_are_the_training_s_but_for_the_form(davis: Path):
    config = frtm_task(davis, target=TargetFit()).config
    assert fit_settings(config) == dataclasses.replace(TRAINING_FIT, labels="condensed")
    assert config.target.samples == 15


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_results_are_float32(davis: Path, precision: str):
    task = frtm_task(davis, True, precision=precision)
    learner, scores = made(task)
    batch = first_batch(task)
    images = learner.pixels(batch["frames"])
    features = learner.features(images[:, 1:].flatten(0, 1))
    logits, transition = learner(features, scores(images, batch["labels"], features), (64, 96))
    assert (logits.dtype, transition.dtype) == (torch.float32, torch.float32)
    assert (logits.shape, transition.shape) == ((4, 64, 96), (4, 2, 16, 24))
    assert features["layer2"].dtype == getattr(torch, precision)
