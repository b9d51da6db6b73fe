"""The rules are read, and plan the default run; tests/slow/workflow runs them."""

from tests.slow.workflow.running import copy_repository, snakemake
from ttvos.config.experiments import RUNS
from ttvos.plan.needs import planned_jobs
from ttvos.plan.run import load_config


def test_the_default_run_is_planned_from_nothing(tmp_path):
    """On the built-in clips: it fetches nothing, and planning writes nothing."""
    project = copy_repository(tmp_path / "project")
    before = sorted(path.name for path in project.iterdir())
    jobs = snakemake(project, "-n", "reports/").jobs
    assert jobs["train"] > 0
    assert jobs["reports"] == jobs["show"] == jobs["mini_clips"] == 1
    assert not {"fetch", "fetch_by_hand"} & set(jobs)
    assert jobs == planned_jobs(load_config(RUNS / "mini.yaml"))
    assert sorted({path.name for path in project.iterdir()} - {".snakemake"}) == before


def test_the_run_of_stresses_is_planned_from_nothing(tmp_path):
    project = copy_repository(tmp_path / "project")
    jobs = snakemake(project, "-n", "reports/", "--configfile", "workflow/runs/stress.yaml").jobs
    assert jobs == planned_jobs(load_config(RUNS / "stress.yaml"))
    assert jobs["stress"] == 3
    assert "train" not in jobs
