"""FRTM's training: Table 5's two arms differ in the loss alone.

What holds for every training stands in `tests.unit.training.test_loop`.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.peers.frtm.tiny_training import first_batch, frtm_task, run
from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.tiny import frtm_config, record, rows, same, started
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.peers.frtm.tracker import FRTM
from ttvos.peers.frtm.training import FRTMTask
from ttvos.training.step import Stepper

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def arms(davis: Path, tmp_path_factory) -> dict[bool, tuple[Path, Weights]]:
    """By whether there is the transition loss: the folder and the weights, all of it learnt."""
    outs = {loss: tmp_path_factory.mktemp("tm" if loss else "plain") for loss in (False, True)}
    return {loss: (out, run(davis, out, loss, freeze_backbone=False)) for loss, out in outs.items()}


def test_both_arms_start_alike_and_see_the_same_clips(arms):
    (plain_out, plain), (loss_out, with_loss) = arms[False], arms[True]
    assert set(plain) == set(with_loss)  # nothing of the transition loss is kept
    first, second = rows(plain_out)[0], rows(loss_out)[0]
    assert first["heatmap"] == second["heatmap"]  # BCE of step 0
    assert first["transition"] == ""
    assert float(second["transition"]) > 0
    assert first["total"] == first["heatmap"]
    assert not same(plain, with_loss)


def test_what_is_written_of_frtm_alone(arms):
    out, _ = arms[True]
    found = record(out)
    assert (found["tracker"], found["backbone"]) == ("frtm", "resnet18")
    assert found["transition_loss"] is True
    assert found["target_fits"] == {"fitted": 2, "from_cache": 0}
    assert found["provenance"]["backbone_learns"] is True
    facts = checkpoint.metadata(out / "checkpoint.safetensors")
    assert (facts["format"], facts["backbone"]) == ("ttvos-frtm-1", "resnet18")


@pytest.mark.parametrize("frozen", [True, False])
def test_what_learns(davis: Path, tmp_path: Path, arms, frozen: bool):
    before = started(frtm_task(davis, True)).state_dict()
    after = run(davis, tmp_path) if frozen else arms[True][1]
    kept = {name for name in after if torch.equal(before[name], after[name])}
    backbone = {name for name in after if name.startswith("backbone.")}
    fixed = {name for name in kept if name.endswith((".mean", ".std"))}
    assert kept - fixed == (backbone - fixed if frozen else set())
    assert backbone < set(after)


def test_the_tracker_takes_the_checkpoint(arms):
    out, trained = arms[True]
    tracker = FRTM(weights=out / "checkpoint.safetensors")
    for part in ("backbone", "refiner"):
        for name, value in getattr(tracker, part).state_dict().items():
            assert torch.equal(value, trained[f"{part}.{name}"])
    mask = np.zeros((64, 96), dtype=np.uint8)
    mask[20:40, 30:60] = 3
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    prediction, _ = tracker.step(frame, tracker.init(frame, mask))
    assert set(np.unique(prediction.mask)) <= {0, 3}


def test_learning_rate_falls_in_steps(davis: Path):
    task = frtm_task(davis, drops=(0.5, 0.9))
    rates = [task.learning_rate(task.config.stages[0], step, 10) for step in range(10)]
    assert rates == pytest.approx([1e-3] * 5 + [1e-4] * 4 + [1e-5])


def test_optimizer_is_adam_with_amsgrad(davis: Path):
    task = frtm_task(davis, True)
    learner = task.network()
    optimizer = task.optimizer(learner, 1e-3)
    assert isinstance(optimizer, torch.optim.Adam)
    (group,) = optimizer.param_groups
    assert group["amsgrad"]
    assert (group["weight_decay"], group["betas"]) == (1e-5, (0.9, 0.999))
    learning = sum(p.numel() for p in learner.refiner.parameters())
    assert sum(p.numel() for p in group["params"]) == learning + 64 * 2 * 9 + 2


def test_loss_falls_on_one_batch(davis: Path, tmp_path: Path):
    task = frtm_task(davis, True, target_cache=str(tmp_path))
    network, batch = started(task).train(), first_batch(task)
    stepper, optimizer = Stepper(task, network), task.optimizer(network, 1e-3)
    losses = [stepper.step(optimizer, batch, 1e-3) for _ in range(9)]
    assert losses[-1]["heatmap"] < 0.4 * losses[0]["heatmap"]
    assert losses[-1]["transition"] < losses[0]["transition"]


def test_unknown_backbone(davis: Path):
    with pytest.raises(UserError, match="unknown backbone 'resnet50' of FRTM"):
        FRTMTask(frtm_config(davis), "resnet50", True)
