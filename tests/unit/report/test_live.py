"""Live accuracy in the report: the files' numbers, and nothing of files without an origin."""

import pytest

from ttvos.report.figure_live import figure_live
from ttvos.report.inputs import load_inputs
from ttvos.report.live import live_table
from ttvos.report.report import render

FILE = "live/exp8-hrnet-s0/davis17.json"


def lines(table, name):
    return [row for row in table.rows if row["entry"].value == name]


def test_the_table_has_the_files_numbers_in_points(report):
    table = live_table(report)
    ours = lines(table, "exp8-hrnet")
    record = next(player for player in report.live if player.name == "exp8-hrnet")
    live = record.results["davis17"].record
    assert [row["rate"].value for row in ours] == [10, 30, 120]
    for row, rate in zip(ours, live.rates, strict=True):
        assert row["jf"].value == pytest.approx(100 * rate.means.jf_mean)
        assert row["change"].value == pytest.approx(row["jf"].value - 66)
        assert row["age_ms"].value == rate.age.mean_ms
        assert row["taken_percent"].value == pytest.approx(100 * rate.processed)
        assert row["latency_ms"].value == 40
    assert table.sources == tuple(f"live/{who}/davis17.json" for who in ("exp8-hrnet-s0", "still"))
    assert "latency 40.0 ms in the median on Imaginary CPU" in table.notes[0]


def test_the_figure_has_a_line_and_a_dashed_one_for_each_tracker(report):
    drawing = figure_live(report)
    axes = drawing.figure.axes[0]
    assert axes.get_xscale() == "log"
    curves = [line for line in axes.lines if line.get_linestyle() == "-"]
    offline = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [list(line.get_xdata()) for line in curves] == [[10, 30, 120]] * 2
    assert [line.get_ydata()[0] for line in offline] == pytest.approx([66, 42])
    assert [line.get_color() for line in curves] == [line.get_color() for line in offline]
    names = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert names[0] == "exp8-hrnet, Imaginary CPU <2 cores>"
    assert drawing.finding.startswith(
        "On davis17 at 30 frames a second, J&F live (offline): exp8-hrnet 57.2 (66.0), "
        "its mask 2.2 frames old in the mean; still 42.0 (42.0)"
    )


def test_masks_that_were_held_back_are_called_an_upper_bound(change):
    manifest = change(FILE, lambda values: values.update(upper_bound=True))
    report = load_inputs(manifest)
    assert lines(live_table(report), "exp8-hrnet (upper bound)")
    assert figure_live(report).figure.axes[0].lines[0].get_markerfacecolor() == "white"


def test_a_busy_machine_is_told_of(change):
    busy = {"cores": 2, "used_by_others": 1.5}
    report = load_inputs(change(FILE, lambda values: values.update(load=busy)))
    assert "other processes used 1.5 of 2 cores" in live_table(report).notes[0]


def test_a_file_that_does_not_say_where_it_is_from_is_not_shown(change):
    report = load_inputs(change(FILE, lambda values: values.pop("provenance")))
    assert not lines(live_table(report), "exp8-hrnet")
    assert live_table(report).notes[-1] == f"Not shown, for want of provenance: {FILE}."
    assert figure_live(report).sources == ("live/still/davis17.json",)


def test_a_run_that_played_nobody_says_so(change, tmp_path):
    report = load_inputs(change("manifest.json", lambda values: values.update(live=[])))
    assert live_table(report).rows == ()
    assert "section `live`" in figure_live(report).missing
    render(report, tmp_path / "reports")
    page = (tmp_path / "reports/index.html").read_text()
    assert "Not measured here: This run played no tracker live" in page


def test_the_page_has_the_panel_and_its_files(rendered):
    page = (rendered / "index.html").read_text()
    panel = page[page.index('<section id="live">') :].partition("</section>")[0]
    assert "A camera does not wait" in panel
    assert panel.count("<img") == 1
    assert 'href="live.csv"' in panel
    csv = (rendered / "live.csv").read_text()
    assert "exp8-hrnet" in csv
