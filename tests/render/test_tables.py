"""Tables: every number of the paper, in every format, with the data profile."""

import csv
import re
from collections import Counter

import pytest

from ttvos.render.comparisons import build
from ttvos.render.cost_tables import speed
from ttvos.render.headline import data_facts, verdict_counts
from ttvos.render.inputs import ReportInput, load_inputs
from ttvos.render.ledger import LEDGER_COLUMNS, ledger
from ttvos.render.measurements import summary
from ttvos.render.paper import read_paper
from ttvos.render.paper_tables import COMPARISONS
from ttvos.render.report import TABLES, build_tables
from ttvos.render.table import Cell, Column, Table
from ttvos.render.verdicts import STATUSES
from ttvos.render.writers import latex, to_csv, to_latex, to_markdown

NUMBERS = (2, 3, 4, 5, 6)


def table_of(report: ReportInput, number: int) -> Table:
    return build(next(c for c in COMPARISONS if c.number == number), report)


def read_csv(path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_of_the_paper_is_there_with_a_verdict(rendered, number):
    paper, rows = read_paper(f"table{number}"), read_csv(rendered / f"table{number}.csv")
    own = rows[len(paper) :]
    assert len(own) == (2 if number == 3 else 0)
    assert not any(value for row in own for key, value in row.items() if "verdict" in key)
    comparison = next(c for c in COMPARISONS if c.number == number)
    quantities = [quantity.key for quantity in comparison.quantities]
    for printed, row in zip(paper, rows, strict=False):
        for key, text in printed.items():
            if key in quantities:
                assert row[f"{key}_paper"] == text
                assert row[f"{key}_verdict"] in STATUSES
                assert row[f"{key}_verdict_reason"]
            else:
                assert row[key] == {"1": "✓", "0": "–"}.get(text, text) or key in comparison.texts
    assert set(quantities) | set(comparison.texts) | set(comparison.flags) == set(paper[0])


@pytest.mark.parametrize("number", NUMBERS)
def test_markdown_latex_and_page_show_the_papers_numbers(rendered, number):
    comparison = next(c for c in COMPARISONS if c.number == number)
    markdown = (rendered / f"table{number}.md").read_text()
    tex = (rendered / f"table{number}.tex").read_text()
    page = (rendered / "index.html").read_text()
    section = page[page.index(f'<section id="table{number}">') :].partition("</section>")[0]
    for printed in read_paper(f"table{number}"):
        for quantity in comparison.quantities:
            text = printed[quantity.key]
            assert f"| {text or '–'} |" in markdown
            assert f" {text or '--'} " in tex
            assert f">{text or '–'}</td>" in section


def test_costs_are_compared_and_reproduced(report):
    table = table_of(report, 6)
    for row in table.rows:
        assert row["gmac_two_frame_clip_verdict"].value == "reproduced"
        assert row["params_m_verdict"].value == "reproduced"
    hrnet = table.rows[0]
    assert hrnet["gmac_two_frame_clip_measured"].value == pytest.approx(10.524)
    assert hrnet["frame_gmac"].value == pytest.approx(5.556)


def test_streaming_speeds_name_device_and_precision(report):
    here = "Streaming FPS: Imaginary CPU <2 cores>, "
    assert f"{here}bfloat16, compiled." in table_of(report, 6).notes
    both = "float32, plain PyTorch; Imaginary CPU <2 cores>, bfloat16, compiled."
    assert here + both in table_of(report, 3).notes
    hrnet = next(row for row in report.rows if row.name == "exp8-hrnet")
    streamed = hrnet.speed.data["streaming"]["fps"]
    assert table_of(report, 6).rows[0]["streaming_fps"].value == pytest.approx(streamed)


def test_the_speed_table_has_the_roofline_and_the_ratio(report):
    row = speed(report).rows[0]
    assert row["device"].value == "Imaginary CPU <2 cores>, bfloat16, compiled"
    assert row["roofline_percent"].value == pytest.approx(60)
    assert row["matrix_rate_percent"].value == pytest.approx(55)
    assert row["over_released"].value == pytest.approx(2.0)
    assert row["released_warm_fps"].value == pytest.approx(row["fps"].value / 2)
    assert (row["latencies"].value, row["p90_ms"].value, row["p99_ms"].value) == (25, None, None)
    assert "pipelined_fps" not in [column.key for column in speed(report).shown()]


def test_segmentation_counts_what_precedes_the_refinement(change):
    def split(values):
        values["macs"] |= {"short_term": 145_000_000, "attention": 5_000_000}

    row = table_of(load_inputs(change("cost/exp8-hrnet.json", split)), 2).rows[1]
    assert row["segmentation_gmac_measured"].value == pytest.approx(5.332)
    assert row["refine_gmac"].value == pytest.approx(0.159)
    assert row["whole_segmentation_gmac"].value == pytest.approx(5.491)
    assert row["segmentation_gmac_verdict"].value == "reproduced"


def test_built_in_clips_stand_in_their_own_column_only(report):
    for number in (3, 4, 6):
        table = table_of(report, number)
        row = table.rows[{3: 13, 4: 7, 6: 0}[number]]
        for key in ("davis17_jf", "davis16_jf"):
            assert f"{key}_measured" not in row
            assert 40 < row[f"{key}_not_comparable"].value < 80
            assert row[f"{key}_not_comparable"].spread is not None
            assert row[f"{key}_verdict"].value == "not measured here"
        heads = {column.label for column in table.shown() if column.kind == "other"}
        assert "on built-in clips" in heads
        assert not [c for c in table.shown() if c.key.endswith("jf_measured")]


def test_full_real_davis_is_compared(change, small_run):
    def claim(manifest):
        manifest |= {"profile": "paper", "comparable": {"accuracy": True, "speed": True}}

    def real(values):
        values["objects"] = {f"clip{index}_1": {"J-Mean": 0.9} for index in range(20)}
        values["global"]["J&F-Mean"] = 0.815
        values["provenance"]["data"]["profile"] = "paper"

    change("manifest.json", claim)
    report = load_inputs(change("evaluate/exp8-hrnet-s0/davis16.json", real))
    row = table_of(report, 3).rows[13]
    assert row["davis16_jf_measured"].value == pytest.approx(81.5)
    assert row["davis16_jf_verdict"].value == "reproduced"
    assert row["davis17_jf_verdict"].value == "not measured here"  # its file is of mini clips
    assert row["fps_verdict"].value == "differs"


def test_foreign_masks_named_like_a_peer_fill_its_row(change):
    report = load_inputs(
        change("manifest.json", lambda values: values["masks"][0].update(name="STM"))
    )
    row = next(row for row in table_of(report, 3).rows if row["method"].value == "STM")
    assert row["davis16_jf_masks_not_comparable"].value == pytest.approx(79.6)


def test_summary_has_rows_references_masks_and_gain(report):
    table = summary(report)
    entries = Counter(str(row["entry"].value) for row in table.rows)
    assert entries["First mask held still"] == entries["OSVOS masks"] == 2
    assert entries["STM, published masks"] == entries["SegFlow, published masks"] == 1
    assert entries["stm"] == 1
    assert len(table.rows) == 2 * (len(report.rows) + 3) + 3
    for row in table.rows:
        if row["entry"].value == "First mask held still":
            assert row["gain"].value is None
        else:
            assert row["gain"].value == pytest.approx(row["jf"].value - 42.0)


def test_ledger_is_complete(report):
    table = ledger(report)
    assert [row["id"].value for row in table.rows] == [str(n) for n in range(1, 15)]
    assert all(row[key].value for row in table.rows for key in LEDGER_COLUMNS)
    links = {row["id"].value: row["shown"].href for row in table.rows if "shown" in row}
    assert links["12"] == "#table2"
    assert links["13"] == links["14"] == "#table3"


def test_headline_counts_every_verdict_once(report):
    tables = build_tables(report)
    *lines, (_, total) = verdict_counts(tables)
    assert [name for name, _ in lines] == [f"Table {number}" for number in NUMBERS]
    cells = sum(len(read_paper(f"table{c.number}")) * len(c.quantities) for c in COMPARISONS)
    assert sum(total.values()) == cells
    assert total["reproduced"] == sum(line["reproduced"] for _, line in lines) > 0


def test_headline_names_the_data_and_its_size(report):
    first = data_facts(report)[0]
    assert (first.name, first.sequences, first.objects) == ("davis17", 6, 10)
    assert [score.label for score in first.scores if score.main] == ["TTVOS exp8-hrnet"]
    assert first.scores == tuple(sorted(first.scores, key=lambda score: -score.jf))


@pytest.mark.parametrize("name", TABLES)
def test_every_file_states_the_profile(rendered, report, name):
    rows = read_csv(rendered / f"{name}.csv")
    assert rows
    assert all(row["profile"] == "mini" for row in rows)
    assert "Data profile: **mini**. Numbers from generated clips" in (
        (rendered / f"{name}.md").read_text()
    )
    assert "Data profile: mini. Numbers from generated clips" in (
        (rendered / f"{name}.tex").read_text()
    )


@pytest.mark.parametrize("name", TABLES)
def test_latex_is_balanced_and_escaped(rendered, name):
    lines = (rendered / f"{name}.tex").read_text().splitlines()
    text = "\n".join(lines[1:])  # the first is a comment
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    for environment in ("table", "tabular"):
        assert text.count(rf"\begin{{{environment}}}") == 1
        assert text.count(rf"\end{{{environment}}}") == 1
    body = re.search(r"\\midrule\n(.*)\\bottomrule", text, re.DOTALL).group(1)
    ampersands = {len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines()}
    assert len(ampersands) == 1
    assert not re.search(r"(?<!\\)[#$_^~](?!\\)", re.sub(r"\$\\\w+\$|\\label\{.*?\}", "", body))


def awkward() -> Table:
    row = {"a": Cell(r"50 % of a_b & c|d {x} #1 $ ~ ^ \ <i>"), "b": Cell(1.25, 0.5)}
    columns = (Column("a", "A & B"), Column("b", "x_1", "extra", "group", 2))
    return Table("t", "Title_1", "100 %.", columns, (row, {}), "mini", "Not & real.")


def test_awkward_text_survives_each_format():
    table = awkward()
    assert next(csv.DictReader(to_csv(table).splitlines())) == {
        "profile": "mini",
        "a": r"50 % of a_b & c|d {x} #1 $ ~ ^ \ <i>",
        "b": "1.25",
        "b_spread": "0.5",
    }
    assert r"a\_b & c\|d {x} #1 $ ~ ^ \\ &lt;i>" in to_markdown(table)
    tex = to_latex(table)
    assert r"50 \% of a\_b \& c|d \{x\} \#1 \$ \textasciitilde{}" in tex
    assert r"1.25 $\pm$ 0.50" in tex
    assert r"\multicolumn{1}{c}{group}" in tex
    assert r"-- & -- \\" in tex


def test_latex_escapes_each_special_character_once():
    assert latex(r"\%_") == r"\textbackslash{}\%\_"
