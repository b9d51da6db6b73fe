"""Trainings on a pretended CUDA device."""

from pathlib import Path

import pytest

from tests.pretended_cuda import pretended_cuda
from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.tiny import make_task, run_task, same


@pytest.mark.parametrize("kind", ["ttvos", "frtm"])
def test_a_pretended_gpu_gives_the_same_weights(
    davis: Path,
    tmp_path: Path,
    kind: str,
):
    """No devices are mixed, and nothing between pixels and gradient waits for the device."""
    changes = {"accumulate": 2, "clip_norm": 1.0, "average": 0.9} if kind == "ttvos" else {}
    with pretended_cuda() as cuda:
        there = run_task(make_task(kind, davis, (1,), **changes), tmp_path / "a", device="cuda")
    assert same(there, run_task(make_task(kind, davis, (1,), **changes), tmp_path / "b"))
    places = {wait.where.partition(":")[0] for wait in cuda.waits if "host" in wait.kind}
    assert not places & {"data/augment.py", "training/unroll.py"}
