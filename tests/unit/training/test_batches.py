"""Batches: a pure function of their number."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import batches_of, damage, read, tiny_stages
from ttvos.core.errors import UserError
from ttvos.data.clips import Clips
from ttvos.training import batches
from ttvos.training.parallel import alone


def test_batches_are_the_same_from_any_start(davis: Path):
    """Also beyond the first epoch."""
    stage = tiny_stages(davis, (2,))[0]
    whole, rest = batches_of(stage, 5), batches_of(stage, 5, first=3)
    assert (len(whole), len(rest)) == (5, 2)
    for expected, batch in zip(whole[3:], rest, strict=True):
        assert torch.equal(expected["frames"], batch["frames"])
        assert torch.equal(expected["labels"], batch["labels"])
    assert whole[0]["frames"].shape == (2, 3, 3, 32, 64)
    assert whole[0]["labels"].shape == (2, 3, 32, 64)
    assert not torch.equal(whole[0]["frames"], whole[1]["frames"])


def test_epochs_are_rounded_up_to_whole_steps(davis: Path):
    stage = tiny_stages(davis, (2,))[0]
    by_epochs = dataclasses.replace(stage, steps=None, epochs=3, batch=4)
    assert batches.count_steps(by_epochs, clips=9) == 7
    assert batches.count_steps(stage, clips=9) == 2


@pytest.mark.parametrize("workers", [0, 1])
def test_damaged_clip_is_replaced_by_the_next_and_told_once(tiny_davis: Path, capsys, workers: int):
    """Of each two clips one is of `one`, the other of `two`."""
    stage = tiny_stages(tiny_davis, (2,))[0]
    whole = [batch for batch, _ in read(stage, range(3))]
    damage(tiny_davis, "two")
    group = alone()
    found = read(stage, range(3), group, skip_damaged=True, workers=workers)
    clips = torch.cat([batch["frames"] for batch in whole])
    replaced = torch.cat([batch["frames"] for batch, _ in found])
    kept = [torch.equal(*pair) for pair in zip(clips, replaced, strict=True)]
    assert kept.count(True) == 3
    assert all(torch.equal(replaced[n], replaced[n + 1]) for n in range(5) if not kept[n])
    told = capsys.readouterr().err.splitlines()
    assert sorted(line.removeprefix("ttvos: skipped: ") for line in told) == group.notes()
    assert len(told) == len(set(told)) > 0
    assert all("480p/two/" in line and "damaged" in line for line in told)


def test_nothing_is_skipped_unless_asked(tiny_davis: Path):
    stage = tiny_stages(tiny_davis, (2,))[0]
    damage(tiny_davis, "two")
    with pytest.raises(UserError, match="480p/two/"):
        read(stage, range(1))


def test_where_all_is_damaged_the_first_reason_is_raised(tiny_davis: Path):
    stage = tiny_stages(tiny_davis, (2,))[0]
    damage(tiny_davis, "one")
    damage(tiny_davis, "two")
    with pytest.raises(UserError, match="damaged"):
        read(stage, range(1), skip_damaged=True)


def test_waiting_is_measured(davis: Path, monkeypatch):
    stage, get = tiny_stages(davis, (2,))[0], Clips.__getitem__

    def slow(clips, number):
        time.sleep(0.1)
        return get(clips, number)

    monkeypatch.setattr(Clips, "__getitem__", slow)
    assert all(waited > 0.2 for _, waited in read(stage, range(2)))


def test_a_reader_that_dies_is_one_line(davis: Path, monkeypatch):
    stage = tiny_stages(davis, (2,))[0]
    monkeypatch.setattr(Clips, "__getitem__", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    message = "stage1: a process that reads training clips died"
    with pytest.raises(UserError, match=message), batches.reading(stage):
        read(stage, range(1), workers=1)


def test_readers_make_the_same_pixels(davis: Path):
    stage = tiny_stages(davis, (2,))[0]
    here, beside = read(stage, range(3)), read(stage, range(3), workers=2)
    for (batch, _), (other, _) in zip(here, beside, strict=True):
        assert set(batch) == {"frames", "labels"}
        assert all(torch.equal(batch[name], other[name]) for name in batch)
