"""One made-up run and its report, rendered once for all tests of this folder."""

import json
from pathlib import Path

import pytest

from tests.unit.report.fake_peers import write_records
from tests.unit.report.fake_results import write_run
from tests.unit.report.whole_run import write_whole_run
from ttvos.report.inputs import ReportInput, load_inputs
from ttvos.report.publication import form
from ttvos.report.report import render


@pytest.fixture(scope="session", autouse=True)
def _keeps_nothing(tmp_path_factory: pytest.TempPathFactory):
    """What the repository keeps is no part of a made-up run; tests of it name a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "FOLDER", tmp_path_factory.mktemp("nothing") / "results-published")
        yield


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of a made-up run with two seeds; not to be changed."""
    return write_whole_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the made-up peers' records."""
    return write_records(tmp_path_factory.mktemp("records") / "peers")


@pytest.fixture(scope="session")
def report(run: Path, records: Path) -> ReportInput:
    """The made-up run, loaded."""
    return load_inputs(run, records=records)


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
