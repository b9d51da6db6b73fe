"""The folder where the newest report is shown: what is replaced there, listed, and left alone."""

import json
from pathlib import Path

import pytest

from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.files import LISTING
from ttvos.report.shown import PLACE, TITLE, show


def make(folder: Path, run: str, *names: str) -> Path:
    """A report of a run in its results, with further files."""
    report = folder / "results" / run / "report"
    for name in ("index.html", *names):
        (report / name).parent.mkdir(parents=True, exist_ok=True)
        (report / name).write_text(f"{run} {name}")
    (report / "index.html").write_text(f"{TITLE} {run}</title>{PLACE}")
    facts = {"run": {"name": run, "title": f"<{run}>"}, "provenance": {"time": f"2026-0{len(run)}"}}
    (report / "report.json").write_text(json.dumps(facts))
    (report / ".snakemake_timestamp").write_text("")
    return report


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_report_before_goes_and_what_others_keep_stays(tmp_path: Path):
    shared = tmp_path / "reports"
    show(make(tmp_path, "one", "old/a.html", "b.csv"), shared)
    (shared / "old/mine.txt").write_text("mine")
    (shared / "notes.txt").write_text("notes")
    show(make(tmp_path, "three", "b.csv", "new/c.html"), shared)
    ours = {"index.html", "report.json", "b.csv", "new/c.html"}
    assert contents(shared) == {*ours, LISTING, "old/mine.txt", "notes.txt"}
    assert (shared / "b.csv").read_text() == "three b.csv"
    assert set(json.loads((shared / LISTING).read_text())) == ours
    (shared / "old/mine.txt").unlink()
    show(make(tmp_path, "one", "old/a.html"), shared)
    show(make(tmp_path, "three"), shared)
    assert contents(shared) == {"index.html", "report.json", LISTING, "b.csv", "notes.txt"} | {
        "new/c.html"
    }


def test_the_page_lists_the_other_runs_the_newest_first(tmp_path: Path):
    for run in ("one", "three"):
        make(tmp_path, run)
    (tmp_path / "results/unreadable/report").mkdir(parents=True)
    (tmp_path / "results/unreadable/report/index.html").write_text("")
    report = make(tmp_path, "four")
    show(report, tmp_path / "reports")
    page = (tmp_path / "reports/index.html").read_text()
    places = [page.index(name) for name in ("three: &lt;three&gt;", "one: &lt;one&gt;")]
    assert places == sorted(places)
    assert 'href="../results/three/report/index.html"' in page
    assert ">unreadable</a>" in page
    assert "four: " not in page
    assert PLACE not in page
    assert PLACE in (report / "index.html").read_text()


def test_a_run_elsewhere_lists_its_neighbours_and_those_in_results(tmp_path: Path):
    make(tmp_path, "one")
    far = make(tmp_path / "disk", "three")
    make(tmp_path / "disk", "four")
    show(far, tmp_path / "reports")
    page = (tmp_path / "reports/index.html").read_text()
    assert 'href="../results/one/report/index.html"' in page
    assert 'href="../disk/results/four/report/index.html"' in page


def test_a_single_run_lists_nothing(tmp_path: Path):
    show(make(tmp_path, "one"), tmp_path / "reports")
    assert "other" not in (tmp_path / "reports/index.html").read_text()


def test_somebodys_file_is_never_overwritten(tmp_path: Path):
    shared = tmp_path / "reports"
    shared.mkdir()
    (shared / "index.html").write_text("my own page")
    with pytest.raises(UserError, match=r"index\.html: is there and no report wrote it"):
        show(make(tmp_path, "one", "b.csv"), shared)
    assert contents(shared) == {"index.html"}


def test_a_report_without_its_listing_is_replaced(tmp_path: Path):
    shared = tmp_path / "reports"
    show(make(tmp_path, "one"), shared)
    (shared / LISTING).unlink()
    show(make(tmp_path, "one"), shared)
    assert LISTING in contents(shared)


def test_the_template_has_the_place(rendered):
    assert (rendered / "index.html").read_text().count(PLACE) == 1
    assert TITLE in (rendered / "index.html").read_text()


def test_on_the_command_line(tmp_path: Path, capsys):
    report = make(tmp_path, "one")
    shared = str(tmp_path / "reports")
    assert main(["report", "--out", str(report), "--show", shared]) == 0
    assert capsys.readouterr().out.strip() == f"{shared}/index.html"
    assert main(["report", "--out", str(tmp_path / "none"), "--show", shared]) == 1
    assert "no report in it" in capsys.readouterr().err
    assert main(["report", "--out", str(report)]) == 1
    assert "--manifest" in capsys.readouterr().err
