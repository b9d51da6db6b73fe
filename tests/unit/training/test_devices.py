"""Trainings on a pretended CUDA device: no devices are mixed, and the weights are the CPU's."""

from collections import Counter
from pathlib import Path

import pytest

from tests.pretended_cuda import pretended_cuda
from tests.unit.peers.frtm import tiny_training as frtm
from tests.unit.training.tiny import run, same, tiny_config


@pytest.mark.parametrize(
    "changes", [{}, {"accumulate": 2, "clip_norm": 1.0, "average": 0.9}], ids=str
)
def test_ttvos(tiny_davis: Path, tmp_path: Path, changes: dict):
    """Nothing between the pixels and the gradient waits for the device."""
    config = tiny_config(tiny_davis, (1,), **changes)
    with pretended_cuda() as cuda:
        there = run(config, tmp_path / "cuda", device="cuda")
    assert same(there, run(config, tmp_path / "cpu"))
    places = Counter(wait.where.partition(":")[0] for wait in cuda.waits if "host" in wait.kind)
    assert not set(places) & {"data/pixels.py", "training/gradient.py", "training/unroll.py"}


def test_frtm(tiny_davis: Path, tmp_path: Path):
    config = frtm.tiny_config(tiny_davis, steps=1)
    with pretended_cuda():
        there = frtm.run(config, tmp_path / "cuda", device="cuda")
    assert frtm.same(there, frtm.run(config, tmp_path / "cpu"))
