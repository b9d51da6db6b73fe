"""Fixtures of the training tests."""

from functools import cache
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import EXP8, Interrupted, Weights, batches_of, tiny_stages
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.training import loop, task


@pytest.fixture(autouse=True)
def one_thread():
    """The same arithmetic here and in the subprocess."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def code_read_once():
    """Hashing the code that trains costs more than a toy's training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "code_hash", cache(task.code_hash))
        yield


@pytest.fixture(scope="session")
def two_clips(davis: Path) -> Weights:
    """A batch, which no test changes."""
    return batches_of(tiny_stages(davis, (1,))[0], 1)[0]


@pytest.fixture(scope="session")
def hrnet() -> TTVOS:
    """The full model in eval mode; a test may take its gradients, and changes nothing else."""
    torch.manual_seed(0)
    return build_model(EXP8, "hrnet").eval()


@pytest.fixture
def stop_at(monkeypatch):
    """stop_at(n) makes the n-th learning step of this process fail (n from 0)."""

    def arrange(wanted: int | None) -> None:
        count = iter(range(10**6))

        def learn(*arguments):
            if next(count) == wanted:
                raise Interrupted
            return original(*arguments)

        monkeypatch.setattr(loop, "_learn", learn)

    original = loop._learn
    return arrange


@pytest.fixture
def interrupt(stop_at):
    """interrupt(n, train, ...) calls train(...), which ends at its n-th step."""

    def arrange(step: int, train, *arguments, **options) -> None:
        stop_at(step)
        with pytest.raises(Interrupted):
            train(*arguments, **options)
        stop_at(None)

    return arrange
