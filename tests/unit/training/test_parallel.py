"""What the processes of a training share; `tests.slow.training.test_torchrun` starts two."""

from pathlib import Path

import pytest
import torch
from torch import distributed as dist

from tests.unit.training.tiny import read, tiny_stages
from ttvos.core.errors import UserError
from ttvos.training.parallel import Group, alone


def test_shares_make_up_the_batch(davis: Path):
    stage = tiny_stages(davis, (2,))[0]
    whole = read(stage, range(2))
    shares = [read(stage, range(2), Group(rank, 2, rank, dist.HashStore())) for rank in range(2)]
    for (batch, _), *parts in zip(whole, *shares, strict=True):
        for name, values in batch.items():
            assert torch.equal(values, torch.cat([part[name] for part, _ in parts]))


def test_notes_are_new_once():
    store = dist.HashStore()
    first, second = (Group(rank, 2, rank, store) for rank in range(2))
    assert [first.note("b"), second.note("b"), second.note("a")] == [True, False, True]
    assert first.notes() == second.notes() == ["a", "b"]
    assert [second.claims_last_word(), first.claims_last_word()] == [True, False]


def test_a_process_alone_is_a_group():
    group, value = alone(), torch.ones(2)
    group.sum([value])
    assert value.tolist() == [1, 1]
    assert group.is_first
    assert group.same(lambda: "made") == "made"
    assert group.share(range(4, 8)) == range(4, 8)
    assert group.own_device(torch.device("cpu")) == torch.device("cpu")


def test_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="more processes than the 2 GPUs"):
        Group(2, 3, 2, dist.HashStore()).own_device(torch.device("cuda"))
