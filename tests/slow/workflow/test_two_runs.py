"""Two runs in one folder: each keeps its report, reports/ shows the newest; and what Snakemake's
own reporters make of a run."""

import importlib.util
import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.slow.workflow.running import PATIENCE, copy_repository, dry_run, snakemake

RUN = "{{run: {0}, title: Run {0}, caution: none, results: results/{0}, rows: [], datasets: {{}}}}"
PLUGIN = "snakemake_report_plugin_fairscape"

pytestmark = pytest.mark.timeout(PATIENCE)


def options(run: str) -> tuple[str, ...]:
    return ("--configfile", f"{run}.yaml", "--", "reports/")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the repository with two runs that measure nothing, of which "one" has run."""
    folder = copy_repository(tmp_path_factory.mktemp("project"))
    for run in ("one", "two"):
        (folder / f"{run}.yaml").write_text(RUN.format(run))
    snakemake(folder, *options("one")).must_do()
    return folder


def shown(project: Path) -> str:
    return json.loads((project / "reports/report.json").read_text())["run"]["name"]


def others(project: Path) -> list[str]:
    page = (project / "reports/index.html").read_text()
    list_ = re.search(r'<p id="other-runs">.*?</p>', page)
    return re.findall(r'href="([^"]+)"', list_[0]) if list_ else []


def test_each_run_keeps_its_report_and_the_newest_is_shown(project):
    assert (shown(project), others(project)) == ("one", [])
    own = project / "results/one/report/index.html"
    before = own.read_bytes()
    (project / "reports/mine.txt").write_text("mine")
    snakemake(project, *options("two")).must_do()
    assert shown(project) == "two"
    assert others(project) == ["../results/one/report/index.html"]
    assert own.read_bytes() == before
    assert dry_run(project, *options("two")).jobs == {}
    assert dry_run(project, *options("one")).jobs == {"show": 1}  # and renders nothing
    snakemake(project, *options("one")).must_do()
    assert (shown(project), others(project)) == ("one", ["../results/two/report/index.html"])
    assert dry_run(project, *options("one")).jobs == {}
    assert (project / "reports/mine.txt").read_text() == "mine"


def test_a_run_that_cannot_show_its_report_leaves_the_one_before(project):
    """And the next one goes on, also after a killed one, of which Snakemake's copy was left."""
    (project / "results/one/report/peers").mkdir(exist_ok=True)
    page = project / "reports/index.html"
    (project / "reports/.files.json").write_text("[]")
    before = page.read_bytes()
    done = snakemake(project, *options("two"))
    assert done.code == 1
    assert "is there and no report wrote it" in done.said
    assert page.read_bytes() == before
    assert (project / "reports/mine.txt").is_file()
    (project / "reports/.files.json").unlink()
    (project / ".snakemake/backups/reports").mkdir(parents=True)
    snakemake(project, *options("two")).must_do()
    assert shown(project) == "two"


def test_snakemakes_report_has_the_page_and_the_tables(project, tmp_path):
    run = shown(project)
    snakemake(project, "--report", str(tmp_path / "run.zip"), *options(run), cores="1").must_do()
    names = zipfile.ZipFile(tmp_path / "run.zip").namelist()
    last = {name.rpartition("/")[2] for name in names}
    assert {"report.html", "index.html", "report.json", "table3.csv", "figure1.png"} <= last
    assert dry_run(project, *options(run)).jobs == {}


@pytest.mark.skipif(not importlib.util.find_spec(PLUGIN), reason=f"{PLUGIN} is not installed")
def test_a_crate_names_every_job_and_its_files(project):
    run = shown(project)
    snakemake(project, "--reporter", "fairscape", *options(run), cores="1").must_do()
    graph = json.loads((project / "ro-crate-metadata.json").read_text())["@graph"]
    assert graph[0]["conformsTo"]["@id"].startswith("https://w3id.org/ro/crate/")
    places = {entity.get("contentUrl") for entity in graph}
    assert f"results/{run}/manifest.json" in places or f"results/{run}/report" in places
    commands = [entity["command"] for entity in graph if entity.get("command")]
    assert any("ttvos report" in str(command) for command in commands)
