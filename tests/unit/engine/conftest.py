"""Models whose batch-norms do something, and a clip to run them on."""

import numpy as np
import pytest
import torch
from torch import nn

import ttvos
from ttvos.config.experiments import Variant
from ttvos.measure.clip import disc_clip
from ttvos.model.ttvos import TTVOS, build_model


def lively(variant: Variant, backbone: str = "hrnet") -> TTVOS:
    """A model with seeded random weights, and batch-norm statistics that are not 0 and 1."""
    torch.manual_seed(0)
    model = build_model(variant, backbone).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return model


@pytest.fixture(scope="session")
def exp8() -> TTVOS:
    return lively(Variant("exp8"))


@pytest.fixture(scope="session")
def shipped() -> TTVOS:
    """Trained weights, whose heatmaps are certain nearly everywhere."""
    return ttvos.load("ttvos-hrnet-davis")


@pytest.fixture(scope="session")
def clip() -> tuple[np.ndarray, np.ndarray]:
    """Four frames (4, 70, 90, 3), which need padding, and the mask of one disc."""
    return disc_clip(4, 70, 90)


@pytest.fixture(scope="session")
def pair_clip() -> tuple[np.ndarray, np.ndarray]:
    """The same with two discs."""
    return disc_clip(4, 70, 90, objects=2)
