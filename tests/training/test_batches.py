"""Batches: a pure function of their number."""

import dataclasses
from pathlib import Path

import torch

from tests.training.tiny import batches_of, tiny_config
from ttvos.training import batches


def test_batches_are_the_same_from_any_start(tiny_davis: Path):
    """Also beyond the first epoch."""
    stage = tiny_config(tiny_davis).stages[0]
    whole, rest = batches_of(stage, 5), batches_of(stage, 5, first=3)
    assert (len(whole), len(rest)) == (5, 2)
    for expected, batch in zip(whole[3:], rest, strict=True):
        assert torch.equal(expected["frames"], batch["frames"])
        assert torch.equal(expected["labels"], batch["labels"])
    assert whole[0]["frames"].shape == (2, 3, 3, 32, 64)
    assert whole[0]["labels"].shape == (2, 3, 32, 64)
    assert not torch.equal(whole[0]["frames"], whole[1]["frames"])


def test_epochs_are_rounded_up_to_whole_steps(tiny_davis: Path):
    stage = tiny_config(tiny_davis).stages[0]
    by_epochs = dataclasses.replace(stage, steps=None, epochs=3, batch=4)
    assert batches.count_steps(by_epochs, clips=9) == 7
    assert batches.count_steps(stage, clips=9) == 2
