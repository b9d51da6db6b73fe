"""The workflow through a real one-node Slurm: submitted, cancelled, retried, the same report.

`tests/slow/cluster/start_slurm.sh` starts the Slurm; `tests/slow/cluster/ci.sh` does all of it.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slow.cluster.submitting import (
    BY_SLURM,
    PATIENCE,
    SlurmJob,
    change_settings,
    command,
    copy_project,
    jobs_of,
    rows_of,
    said,
    start,
    stop,
    wait_until,
)

pytestmark = pytest.mark.timeout(2 * PATIENCE)


@dataclass(frozen=True)
class Finished:
    """A run of the workflow that has ended well: its folder, and its Slurm jobs in order."""

    folder: Path
    jobs: list[SlurmJob]


@pytest.fixture(scope="module")
def folders(slurm_nodes, tmp_path_factory) -> tuple[Path, Path]:
    """Two equal copies of the repository's workflow: for the run by Slurm, and the one without.

    Nothing is timed in them: that takes a node of its own, and time.
    """
    first, second = (tmp_path_factory.mktemp(name) / "project" for name in ("slurm", "local"))
    change_settings(copy_project(first), speed=None)
    shutil.copytree(first, second)
    return first, second


@pytest.fixture(scope="module")
def local_run(folders) -> Iterator[subprocess.Popen]:
    """The same workflow without Slurm; it goes on while Slurm's jobs do."""
    process = start(folders[1])
    yield process
    stop(process)


@pytest.fixture(scope="module")
def by_slurm(folders, local_run) -> Finished:
    """The whole workflow through sbatch; its training is cancelled once, in mid-command."""
    folder = folders[0]
    process = start(folder, *BY_SLURM)
    try:
        log = folder / "results/tiny/logs/train/exp8-hrnet-s0.log"
        wait_until(log.exists, process, "the training")
        (training,) = [job for job in jobs_of(folder) if job.rule == "train"]
        assert training.state == "RUNNING"
        subprocess.run(["scancel", training.number], check=True, timeout=60)
        code = process.wait(timeout=PATIENCE)
    finally:
        stop(process)
    assert code == 0, said(folder)
    return Finished(folder, jobs_of(folder))


@pytest.fixture(scope="module")
def local(folders, local_run) -> Path:
    """The folder in which the workflow has run without Slurm."""
    assert local_run.wait(timeout=PATIENCE) == 0, said(folders[1])
    return folders[1]


def test_every_job_goes_through_sbatch(by_slurm):
    counts = Counter(job.rule for job in by_slurm.jobs)
    once = ["mini_clips", "predict", "reference", "cost", "explore", "notebook", "reports"]
    twice = ["evaluate", "failures", "live", "train"]
    assert counts == {**dict.fromkeys(once, 1), **dict.fromkeys(twice, 2)}


def test_a_cancelled_job_is_retried_with_more_memory(by_slurm):
    first, second = [job for job in by_slurm.jobs if job.rule == "train"]
    assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
    assert second.memory == 2 * first.memory
    others = {job.state for job in by_slurm.jobs if job.number != first.number}
    assert others == {"COMPLETED"}


def test_jobs_ask_for_memory_and_time(by_slurm):
    assert all(job.memory >= 2000 and job.minutes >= 30 for job in by_slurm.jobs)


def test_the_report_is_that_of_a_local_run(by_slurm, local):
    here, there = local / "reports", by_slurm.folder / "reports"
    names = sorted(path.name for path in here.iterdir())
    assert sorted(path.name for path in there.iterdir()) == names
    for name in names:
        if name.endswith(".csv"):
            assert same(rows_of(there / name), name) == same(rows_of(here / name), name), name
    (model,) = [row for row in rows_of(here / "summary.csv") if row["kind"] == "model"]
    assert float(model["jf"]) > 0


def same(rows: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    """What two runs share: of live accuracy only what does not hang on measured latencies."""
    if name != "live.csv":
        return rows
    return [{key: row[key] for key in ("entry", "dataset", "rate", "offline_jf")} for row in rows]


def test_training_and_masks_are_those_of_a_local_run(by_slurm, local):
    twin = by_slurm.folder
    losses = "results/tiny/train/exp8-hrnet-s0/loss.csv"
    assert rows_of(twin / losses) == rows_of(local / losses)
    masks = sorted(local.glob("results/tiny/predict/exp8-hrnet-s0/davis17/*/*.png"))
    assert len(masks) > 8
    for path in masks:
        assert (twin / path.relative_to(local)).read_bytes() == path.read_bytes(), path


def test_a_second_run_submits_nothing(by_slurm):
    assert start(by_slurm.folder, *BY_SLURM).wait(timeout=PATIENCE) == 0
    assert "Nothing to be done" in said(by_slurm.folder)


def test_a_job_on_cuda_asks_for_a_gpu(slurm_nodes, tmp_path):
    """It is asked for; whether there is one is not looked at."""
    folder = copy_project(tmp_path / "project")
    change_settings(folder, device="cuda", speed={"height": 64, "width": 96})
    process = start(folder, *BY_SLURM, target="results/tiny/speed/exp8-hrnet.json")
    try:
        wait_until(lambda: jobs_of(folder), process, "the job")
        (timing,) = jobs_of(folder)
        description = command("scontrol", "show", "job", timing.number)
    finally:
        stop(process)
    assert "gres/gpu=1" in description or "gres:gpu:1" in description
    assert "OverSubscribe=NO" in description  # --exclusive
