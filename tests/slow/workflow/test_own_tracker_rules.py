"""A class of the user's own through the workflow: a row of experiments.tsv; its file changes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow.workflow.test_end_to_end import copy_repository

CLASS = """
class Mine:
    def init(self, frame, mask):
        self.mask = mask * (mask != 255)

    def step(self, frame):
        return self.mask
"""
ROW = ["mine", "my_tracker:Mine", *["-"] * 8, ""]
TARGETS = [f"results/own/{name}.json" for name in ("evaluate/mine/davis17", "trackers/cost/mine")]


def snakemake(folder: Path, *arguments: str) -> str:
    """Make TARGETS; what snakemake wrote on standard error."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = ["--cores", "1", *TARGETS, "--configfile", "tests/slow/workflow/own.yaml", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    copy_repository(folder)
    with open(folder / "data/experiments.tsv", "a") as handle:
        handle.write("\t".join(ROW) + "\n")
    (folder / "my_tracker.py").write_text(CLASS)
    snakemake(folder)
    return folder


def test_it_is_tracked_scored_and_counted(project):
    scores, cost = (json.loads((project / target).read_text()) for target in TARGETS)
    assert 0 < scores["global"]["J&F-Mean"] < 1
    assert (cost["tracker"], cost["macs"]["frame"]) == ("Mine", 0)
    predicted = project / "results/own/predict/mine/davis17/predict.json"
    assert json.loads(predicted.read_text())["tracker"] == "Mine"


def test_a_change_of_its_file_runs_its_own_jobs_anew(project):
    assert "Nothing to be done" in snakemake(project, "-n")
    (project / "my_tracker.py").write_text(CLASS.replace("!= 255", "< 2"))
    planned = snakemake(project, "-n")
    table = re.search(r"job +count\n-+ +-+\n(.*?)total", planned, re.DOTALL)[1]
    jobs = dict(re.findall(r"(\w+) +(\d+)\n", table))
    assert jobs == {"track": "1", "evaluate": "1", "tracker_cost": "1"}
