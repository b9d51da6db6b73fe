"""One training over two nodes of a real Slurm: `tests/slow/cluster/start_slurm.sh 2` makes them."""

import json

import pytest

from tests.slow.cluster.submitting import (
    ONE_MACHINE,
    PATIENCE,
    copy_project,
    jobs_of,
    rows_of,
    said,
    start,
)

PROFILES = (
    *("--profile", "workflow/profiles/slurm"),
    *("--workflow-profile", "workflow/profiles/slurm-nodes"),
)
RUN = "results/tiny/train/exp8-hrnet-s0"

pytestmark = pytest.mark.timeout(2 * PATIENCE)


def test_a_training_over_two_nodes_is_that_of_two_processes(slurm_nodes, tmp_path):
    if slurm_nodes < 2:
        pytest.skip("this Slurm has one node; as root: tests/slow/cluster/start_slurm.sh 2")
    folders = [copy_project(tmp_path / name) for name in ("slurm", "local")]
    for folder, options in zip(folders, ((*PROFILES, *ONE_MACHINE), ()), strict=True):
        words = (*options, "--config", "train={processes: 2}")
        process = start(folder, *words, target=f"{RUN}/checkpoint.safetensors")
        assert process.wait(timeout=PATIENCE) == 0, said(folder)
    by_slurm, local = folders
    (training,) = [job for job in jobs_of(by_slurm) if job.rule == "train"]
    assert training.nodes == 2
    record = json.loads((by_slurm / RUN / "train.json").read_text())
    assert record["provenance"]["processes"] == 2
    assert rows_of(by_slurm / RUN / "loss.csv") == rows_of(local / RUN / "loss.csv")
