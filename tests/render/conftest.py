"""One made-up run and its report, rendered once for all tests of this folder."""

import json
from pathlib import Path

import pytest

from tests.render.fake_results import write_run
from ttvos.render.inputs import ReportInput, load_inputs
from ttvos.render.report import render

NOTEBOOK_BODY = (
    '<script src="https://example.org/mathjax.js"></script><link href="https://example.org/a.css">'
    "<h1>The adaptive weight</h1>"
)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of a made-up run with two seeds; not to be changed."""
    folder = tmp_path_factory.mktemp("run")
    manifest = write_run(folder)
    (folder / "notebook.html").write_text(NOTEBOOK_BODY)
    values = json.loads(manifest.read_text()) | {"notebook": "notebook.html"}
    manifest.write_text(json.dumps(values))
    return manifest


@pytest.fixture(scope="session")
def report(run: Path) -> ReportInput:
    """The made-up run, loaded."""
    return load_inputs(run)


@pytest.fixture(scope="session")
def rendered(report: ReportInput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up run's report."""
    out = tmp_path_factory.mktemp("reports")
    render(report, out)
    return out


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """Manifest of a made-up run with one seed, private to the test."""
    return write_run(tmp_path, seeds=(0,))


@pytest.fixture
def change(small_run: Path):
    """change(name, function): rewrite a JSON file of small_run; returns the manifest's path."""

    def rewrite(name: str, function) -> Path:
        path = small_run.parent / name
        values = json.loads(path.read_text())
        function(values)
        path.write_text(json.dumps(values))
        return small_run

    return rewrite
