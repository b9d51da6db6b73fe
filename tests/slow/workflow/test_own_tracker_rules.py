"""A class of the user's own through the workflow: a row of experiments.tsv; its file changes."""

import json
from pathlib import Path

import pytest

from tests.slow.workflow.running import copy_repository, dry_run, snakemake

CLASS = """
class Mine:
    def init(self, frame, mask):
        self.mask = mask * (mask != 255)

    def step(self, frame):
        return self.mask
"""
ROW = ["mine", "my_tracker:Mine", *["-"] * 8, ""]
NAMES = ("evaluate/mine/davis17", "trackers/cost/mine", "live/mine/davis17")
TARGETS = [f"results/own/{name}.json" for name in NAMES]

OPTIONS = (*TARGETS, "--configfile", "tests/slow/workflow/own.yaml")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = copy_repository(tmp_path_factory.mktemp("own"))
    with open(folder / "data/experiments.tsv", "a") as handle:
        handle.write("\t".join(ROW) + "\n")
    (folder / "my_tracker.py").write_text(CLASS)
    snakemake(folder, *OPTIONS).must_do()
    return folder


def test_it_is_tracked_scored_and_counted(project):
    scores, cost, live = (json.loads((project / target).read_text()) for target in TARGETS)
    assert 0 < scores["global"]["J&F-Mean"] < 1
    assert (cost["tracker"], cost["macs"]["frame"]) == ("Mine", 0)
    assert live["offline"] == scores["global"]
    predicted = project / "results/own/predict/mine/davis17/predict.json"
    assert json.loads(predicted.read_text())["tracker"] == "Mine"


def test_a_change_of_its_file_runs_its_own_jobs_anew(project):
    assert "Nothing to be done" in dry_run(project, *OPTIONS).said
    (project / "my_tracker.py").write_text(CLASS.replace("!= 255", "< 2"))
    jobs = dry_run(project, *OPTIONS).jobs
    assert jobs == {"track": 1, "evaluate": 1, "tracker_cost": 1, "live": 1}
