"""Anchors of rows, columns without a number, and the texts that the page copies."""

import json

from tests.unit.report.test_page import DATASETS, check
from ttvos.report.page_table import (
    clipboard_script,
    row_anchors,
    row_groups,
    split_notes,
    without_number,
)
from ttvos.report.report import CLIPBOARD
from ttvos.report.table import Cell, Column, Table

COLUMNS = (
    Column("who", "Who"),
    Column("of", "Of"),
    Column("jf", "J&F", "measured"),
    Column("other", "elsewhere", "other"),
    Column("verdict", "holds?", "verdict"),
    Column("said", "said", "remark"),
)


def table(rows: list[dict], sections: str = "of") -> Table:
    texts = {"name": "t", "title": "T", "caption": "", "profile": "p", "caution": ""}
    cells = tuple({key: Cell(value) for key, value in row.items()} for row in rows)
    return Table(columns=COLUMNS, rows=cells, sections=sections, **texts)


def test_rows_have_anchors_that_say_what_they_are():
    rows = [("FRTM-VOS", "x"), ("J & F (2)", "x"), ("twice", "x"), ("twice", "y"), ("twice", "y")]
    made = table([{"who": who, "of": of} for who, of in rows])
    anchors = ["t-frtm-vos", "t-j-f-2", "t-twice-x", "t-twice-y", "t-twice-y-2"]
    assert row_anchors(made) == anchors
    groups = row_groups(made)
    assert [(group.heading, len(group.rows)) for group in groups] == [("x", 3), ("y", 2)]
    assert [anchor for group in groups for anchor, _ in group.rows] == anchors


def test_a_column_with_one_number_is_not_bare():
    rows = [{"who": "a", "of": "x", "jf": 1.0, "verdict": "not measured", "said": "words"}]
    assert without_number(table(rows)) == {"verdict"}  # "other" has no cell at all, so no column
    rows += [{"who": "b", "of": "x", "jf": None, "verdict": "reproduced"}]
    assert without_number(table(rows)) == set()


def test_a_reason_is_no_number():
    made = table([{"who": "a", "of": "x"}])
    refused = {"who": Cell("a"), "of": Cell("x"), "jf": Cell(reason="untrained")}
    made = Table(**{**vars(made), "rows": (refused,)})
    assert without_number(made) == {"jf", "verdict"}


def test_every_text_to_copy_is_that_of_its_file(rendered):
    script = (rendered / CLIPBOARD).read_text()
    texts = json.loads(script.removeprefix("window.ttvosTexts = ").removesuffix(";\n"))
    files = {p.name for p in rendered.iterdir() if p.suffix in (".csv", ".md", ".tex")}
    assert {f"{name}.{ending}" for name, of in texts.items() for ending in of} == files
    for name in files:
        stem, _, ending = name.rpartition(".")
        assert texts[stem][ending] == (rendered / name).read_text()


def test_notes_beyond_the_third_are_folded_but_for_those_that_a_reader_needs():
    few = ["a", "b", "c", "d"]
    assert split_notes(few) == (few, [])  # one is not worth a click
    needed = [
        "run: measured in this run, kept: measured by us before, and kept in the repository.",
        "x: the repeats lie 29% apart: do not use these figures",
        "Read a score against 72.2 to 91.2, not against the paper's numbers.",
    ]
    assert split_notes([*few, *needed, "e"]) == (["a", "b", "c", *needed], ["d", "e"])
    assert split_notes([]) == ([], [])


def test_the_script_holds_any_text():
    texts = {"t": {"csv": 'a,"b"\n</script>\\ ü\n'}}
    script = clipboard_script(texts)
    assert json.loads(script.removeprefix("window.ttvosTexts = ").removesuffix(";\n")) == texts


def test_rows_can_be_linked_to(rendered):
    ids = check(rendered / "index.html").ids
    assert {"table3-stm", "table4-8", "summary-own-davis17"} <= set(ids)
    assert {f"sequences-{dataset}-own" for dataset in DATASETS} <= set(ids)
