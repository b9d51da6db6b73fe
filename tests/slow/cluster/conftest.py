"""The Slurm that the tests of this folder need."""

import os
from pathlib import Path

import pytest

from tests.slow.cluster.submitting import command

SLURM_CONF = Path("/etc/slurm/slurm.conf")


@pytest.fixture(scope="session")
def slurm_nodes() -> int:
    """Nodes of start_slurm.sh's Slurm; skips where none is up, fails if TTVOS_SLURM=required."""
    ours = SLURM_CONF.is_file() and "TTVOS" in SLURM_CONF.read_text()
    if ours and "is UP" in command("scontrol", "ping"):
        return len(command("sinfo", "--noheader", "--Node").splitlines())
    reason = "no Slurm is running here; as root: tests/slow/cluster/start_slurm.sh"
    if os.environ.get("TTVOS_SLURM") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
