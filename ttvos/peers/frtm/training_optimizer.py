"""FRTM's optimizer: Adam with amsgrad, a learning rate that falls in steps.

Facts: docs/peers.md, section 3.8.
"""

import torch

from ttvos.config_frtm import FRTMTraining
from ttvos.config_training import Stage
from ttvos.peers.frtm.training_learner import Learner


def make_optimizer(config: FRTMTraining, learner: Learner, rate: float) -> torch.optim.Optimizer:
    """Adam with amsgrad and weight decay over what learns (docs/peers.md, section 3.8)."""
    learning = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    return torch.optim.Adam(
        learning, lr=rate, weight_decay=config.weight_decay, amsgrad=True, fused=True
    )


def learning_rate(config: FRTMTraining, stage: Stage, step: int, steps: int) -> float:
    """Of step 0 .. steps-1: a tenth of it after each of `config.drops`."""
    passed = sum(step >= share * steps for share in config.drops)
    return stage.learning_rate * 0.1**passed
