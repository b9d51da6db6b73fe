"""The page: complete, self-contained, honest about its data."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ttvos.evaluation.compare import RULE
from ttvos.evaluation.judge import RULES
from ttvos.report.figure_weights import conclusion, load_weights
from ttvos.report.inputs import load_inputs
from ttvos.report.report import FIGURES, TABLES, expected_files, render

VOID_TAGS = {"meta", "link", "img", "br", "hr", "input"}


class Checker(HTMLParser):
    """Collects ids, links and loaded resources, and checks that tags are nested."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.alts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID_TAGS:
            self.stack.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        elif "href" in values:
            self.loads.append(values["href"])
        if "src" in values:
            self.loads.append(values["src"])
        if tag == "img":
            self.alts.append(values["alt"])

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def check(path: Path) -> Checker:
    checker = Checker()
    checker.feed(path.read_text(encoding="utf-8"))
    assert checker.stack == []
    return checker


@pytest.fixture(scope="module")
def page(rendered) -> Checker:
    return check(rendered / "index.html")


def files_of(folder: Path) -> list[str]:
    """Every file below a folder, by its path from there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_every_expected_file_is_there_and_no_other(rendered, records):
    assert files_of(rendered) == sorted(expected_files(notebook=True, records=records))


def test_nothing_is_loaded_and_no_script_runs(rendered, page):
    assert all(load.startswith("data:") for load in page.loads)
    assert "script" not in page.tags
    text = (rendered / "index.html").read_text()
    assert not re.search(r"@import|url\(", text)


def test_links_lead_somewhere(rendered, page):
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (rendered / link).is_file()
    assert "peers/stm.html" in page.links
    assert len(page.ids) == len(set(page.ids))


def test_tables_and_figures_have_their_place(page):
    assert set(TABLES) | set(FIGURES) <= set(page.ids)
    assert len(page.alts) == len(FIGURES)
    assert all(page.alts)


def test_profile_is_said_first_and_last(rendered):
    text = (rendered / "index.html").read_text()
    caution = "Numbers from generated clips; not DAVIS numbers."
    first = text.index(caution)
    assert first < text.index("<table")
    assert text.rindex(caution) > text.rindex("</table>")
    assert "<title>TTVOS report: Made-up run (mini)</title>" in text


def test_text_of_result_files_is_escaped(rendered):
    text = (rendered / "index.html").read_text()
    assert "Imaginary CPU &lt;2 cores&gt;" in text
    assert "<2 cores>" not in text


def test_provenance_of_every_result_file_is_listed(rendered, report):
    text = (rendered / "index.html").read_text()
    for result in report.results():
        assert f"<code>{result.name}</code>: 0123456789ab, Imaginary CPU" in text


def test_verdict_rules_are_on_the_page(rendered):
    text = unescape((rendered / "index.html").read_text())
    for rule in RULES.values():
        assert rule.text in text
    assert RULE in text
    assert "not compared: built-in clips on a laptop" in text


def test_the_two_questions_are_asked_apart(rendered):
    text = (rendered / "index.html").read_text()
    first = text.partition("<nav")[0]
    assert first.count("Does the paper's number hold?") == 2  # a sentence, and the counts
    assert "every accuracy and every speed of TTVOS among them" in first
    for name in ("table2", "table3", "table4", "table5", "table6"):
        section = text[text.index(f'<section id="{name}">') :].partition("</section>")[0]
        assert "does it hold?" in section
        assert ("is it better?" in section) == (name == "table5")  # what the loss adds


def test_accuracies_have_their_interval_and_what_their_sequences_can_show(rendered):
    text = (rendered / "index.html").read_text()
    for name in ("summary", "table2", "table3", "table4", "table5", "table6"):
        section = text[text.index(f'<section id="{name}">') :].partition("</section>")[0]
        assert re.search(r'(?:[0-9]|</abbr>)<span class="ci">\[[0-9]', section)
        assert "davis16: 6 sequences can show that one entry is better" in section
        shows_both = "davis17: 6 sequences can show" in section
        assert shows_both == (name != "table2")  # which has no column of DAVIS17


def test_job_times_are_shown(rendered):
    assert ">61.5</td><td>61.5</td><td>812</td>" in (rendered / "index.html").read_text()


def test_a_run_that_measured_nothing_still_gives_every_file(change, tmp_path):
    def strip(manifest):
        none = {name: [] for name in ("rows", "references", "masks", "live")}
        manifest |= {**none, "maps": None, "provenance": {}}

    out = tmp_path / "reports"
    render(load_inputs(change("manifest.json", strip)), out)
    assert files_of(out) == sorted(expected_files())
    found = check(out / "index.html")
    assert len(found.alts) == 1  # Figure 1 has the paper's points
    text = (out / "index.html").read_text()
    assert "Times of the jobs are not shown" in text
    assert text.count("Not measured here") >= len(FIGURES) - 1
    assert (out / "summary.csv").read_text().startswith("profile,entry")


def test_the_page_concludes_from_figure9_in_the_notebooks_words(report, rendered):
    text = " ".join(unescape((rendered / "index.html").read_text()).split())
    located = report.located
    assert conclusion(load_weights(located), located.manifest) in text


def test_notebook_page_is_self_contained_and_names_its_data(rendered):
    checker = check(rendered / "adaptive_weight.html")
    assert all(load.startswith("data:") for load in checker.loads)
    assert "script" not in checker.tags
    text = (rendered / "adaptive_weight.html").read_text()
    assert "Run: mini." in text
    assert "<h1>The adaptive weight</h1>" in text
