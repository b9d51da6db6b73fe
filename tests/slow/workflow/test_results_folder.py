"""Results may lie anywhere: the notebook, which runs in a folder of its own, finds them."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.slow.workflow.running import copy_repository, dry_run

PROFILE = "{profile: p, title: t, caution: '', results: x, rows: [], references: [], datasets: {}}"


@pytest.mark.parametrize("where", ["results/other", "scratch disk"])
def test_the_notebook_is_told_the_manifest_in_full(tmp_path, where):
    project = copy_repository(tmp_path / "project")
    results = Path(where) if "/" in where else tmp_path / where
    page = str(results / "notebook/adaptive_weight.html")
    (project / "p.yaml").write_text(PROFILE)
    options = ("--configfile", "p.yaml", "--config", f"results={results}")
    done = dry_run(project, "-p", page, *options).must_do()
    (project / results).mkdir(parents=True)
    setting = re.search(r"TTVOS_MANIFEST=.*?(?= jupyter)", done.said)[0]
    command = ["bash", "-c", f'{setting}; cd notebooks; echo "$TTVOS_MANIFEST"']
    told = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(project / results / "manifest.json")
