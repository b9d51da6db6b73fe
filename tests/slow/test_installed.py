"""The package as a wheel installs it, away from the repository: its commands find their data."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ttvos.core.folders import FOLDERS, shipped
from ttvos.core.provenance import REPOSITORY

SIZE = ("--height", "32", "--width", "48")
PROGRAM = """
import json, sys
from pathlib import Path
import ttvos
from ttvos.cli.main import main
from ttvos.config.experiments import RUNS
from ttvos.core.shipped_weights import known_weights
assert Path(ttvos.__file__).is_relative_to(sys.argv[1]), ttvos.__file__
assert RUNS.is_relative_to(sys.argv[1]), RUNS
assert all(path.is_relative_to(sys.argv[1]) for path in known_weights().values())
for words in json.loads(sys.argv[2]):
    print("rc", main(words), words[0], file=sys.stderr)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """site-packages, with the package as pyproject.toml says, and strangers' packages beside it."""
    site = tmp_path_factory.mktemp("site-packages")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "ttvos", site / "ttvos", ignore=ignored)
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    for source, target in build["targets"]["wheel"]["force-include"].items():
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, site / target, dirs_exist_ok=True)
        else:
            (site / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / source, site / target)
    for stranger in (
        "data/experiments.tsv",
        "data/peers/stm.yaml",
        "weights/x.safetensors",
    ):
        (site / stranger).parent.mkdir(parents=True, exist_ok=True)
        (site / stranger).write_text("not ours")
    return site


def run(site: Path, folder: Path, *commands: list[str]) -> list[str]:
    """Run commands one after another in `folder`; what they say on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(site), json.dumps(commands)],
        cwd=folder,
        env={"PYTHONPATH": str(site), "PATH": "", "TTVOS_THREADS": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    return [line for line in lines if line.startswith(("rc ", "ttvos: "))]


def test_commands_work_away_from_the_repository(site, tiny_davis, tmp_path):
    data = ["--dataset", str(tiny_davis), "--year", "2017", "--only", "one"]
    manifest = '{"profile": "p", "title": "t", "caution": "c", "datasets": {}, "rows": []}'
    (tmp_path / "manifest.json").write_text(manifest)
    told = run(
        site,
        tmp_path,
        ["cost", "--rows", "exp8-hrnet", *SIZE, "--out", "cost"],
        ["cost", "--tracker", "osmn", *SIZE, "--out", "osmn.json"],
        ["predict", "--checkpoint", "ttvos-hrnet-davis", *data, "--out", "masks"],
        ["evaluate", "--masks", "masks", *data, "--out", "scores.json"],
        ["report", "--manifest", "manifest.json", "--out", "page"],
        ["fill", "page.md"],
        ["train", "--row", "exp9", "--config", "none.yaml", "--out", "x"],
    )
    assert told[:5] == [
        f"rc 0 {name}" for name in ("cost", "cost", "predict", "evaluate", "report")
    ]
    assert told[5].startswith("ttvos: ttvos fill needs the checkout of the repository")
    assert told[6] == "rc 1 fill"
    assert told[7].startswith("ttvos: unknown row 'exp9'; experiments.tsv has: exp1-hrnet")


def test_all_that_is_read_beside_the_package_is_in_the_wheel(site):
    for folder in FOLDERS:
        there, packed = (
            {path.name for path in place.iterdir() if path.is_file()}
            for place in (shipped(folder), site / "ttvos/shipped" / folder)
        )
        assert packed == there
