"""Live accuracy that the repository keeps stands beside the run's."""

import json

import pytest

from tests.unit.report.fake_results import live, provenance
from ttvos.core.errors import UserError
from ttvos.report.inputs import load_inputs
from ttvos.report.kept_live import kept_live
from ttvos.report.writers import to_markdown


@pytest.fixture
def keep(tmp_path, small_run):
    """Keep live files by name; the report that reads them."""

    def write(**files: dict):
        (tmp_path / "kept/live").mkdir(parents=True)
        for name, record in files.items():
            (tmp_path / f"kept/live/{name}.json").write_text(json.dumps(record))
        return load_inputs(small_run, kept=tmp_path / "kept")

    return write


def test_the_best_at_the_middle_rate_stands_first(keep):
    quick, slow = live(0.60, 5.0) | {"tracker": "quick"}, live(0.90, 400.0) | {"tracker": "slow"}
    table = kept_live(keep(a=slow, b=quick))
    assert [row["tracker"].value for row in table.rows] == ["quick", "slow"]
    assert [row["offline_jf"].value for row in table.rows] == pytest.approx([60.0, 90.0])
    shown = 100 * quick["rates"][1]["global"]["J&F-Mean"]
    assert table.rows[0]["jf_30"].value == pytest.approx(shown)


def test_trackers_of_other_rates_have_empty_cells(keep):
    table = kept_live(keep(a=live(0.6, 5.0, (10, 30)), b=live(0.7, 5.0, (25,))))
    assert [column.key for column in table.columns[1:4]] == ["jf_10", "jf_25", "jf_30"]
    assert {frozenset(k for k in row if k.startswith("jf_")) for row in table.rows} == {
        frozenset({"jf_10", "jf_30"}),
        frozenset({"jf_25"}),
    }


def test_an_upper_bound_is_called_so_and_every_line_has_its_source(keep):
    report = keep(stm=live(0.9, 160.0) | {"tracker": "STM", "upper_bound": True})
    table = kept_live(report)
    assert table.rows[0]["tracker"].value == "STM (upper bound)"
    assert table.sources == ("kept/live/stm.json",)
    assert "kept/live/stm.json" in {file.name for file in report.results()}
    assert table.notes[0].startswith("STM (upper bound): latency ")
    said = "Run: **kept**. None of these numbers is of this run."
    assert said in to_markdown(table)


def test_nothing_kept_is_no_line(keep):
    assert kept_live(keep()).rows == ()


def test_a_file_that_does_not_say_where_it_is_from_is_refused(keep):
    record = live(0.9, 160.0) | {"provenance": provenance() | {"time": None}}
    with pytest.raises(UserError, match=r"stm\.json"):
        keep(stm=record)
