"""The precision that a record names is one that the tracker has."""

import numpy as np
import pytest
import torch

from ttvos.tracking.adapters import OwnTracker, ScaledTracker
from ttvos.tracking.precision import precision_of


class Own:
    """A user's class: what it holds decides."""

    def __init__(self, **held) -> None:
        self.__dict__.update(held)

    def init(self, frame, mask): ...

    def step(self, frame): ...


def half(layer: torch.nn.Module) -> torch.nn.Module:
    return layer.half()


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({}, None),
        ({"histogram": np.zeros(3, np.float32)}, None),
        ({"ids": torch.tensor([1, 2])}, None),
        ({"network": torch.nn.Linear(2, 2)}, "float32"),
        ({"networks": [half(torch.nn.Linear(2, 2))]}, "float16"),
        ({"networks": (torch.nn.Linear(2, 2), half(torch.nn.Linear(2, 2)))}, "float16, float32"),
        ({"memory": {"key": torch.zeros(2, dtype=torch.bfloat16)}}, "bfloat16"),
        ({"network": torch.nn.Linear(2, 2), "precision": "int8"}, "int8"),
    ],
)
def test_it_is_the_stated_one_or_that_of_the_tensors(held, expected):
    own = Own(**held)
    assert precision_of(own) == expected
    assert precision_of(OwnTracker(own)) == expected
    assert precision_of(ScaledTracker(OwnTracker(own), 0.5)) == expected
