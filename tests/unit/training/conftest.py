"""Fixtures of the training tests."""

import pytest
import torch

from tests.unit.training.tiny import Interrupted
from ttvos.training import loop as training


@pytest.fixture(autouse=True)
def one_thread():
    """The same arithmetic here and in the subprocess."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def stop_at(monkeypatch):
    """stop_at(n) makes the n-th learning step of this process fail (n from 0)."""

    def arrange(wanted: int | None) -> None:
        count = iter(range(10**6))

        def learn(*arguments):
            if next(count) == wanted:
                raise Interrupted
            return original(*arguments)

        monkeypatch.setattr(training, "_learn", learn)

    original = training._learn
    return arrange
