"""report.json: whole, as its schema says, and the same numbers as the page's."""

import csv
import json
from pathlib import Path

import pytest

from ttvos.cli.main import main
from ttvos.core.provenance import REPOSITORY
from ttvos.records.report import NAME, ReportRecord
from ttvos.records.store import read
from ttvos.report.inputs import load_inputs
from ttvos.report.report import FIGURES, TABLES, render
from ttvos.report.sequence_tables import PREFIX

BY_SEQUENCE = tuple(PREFIX + dataset for dataset in ("davis17", "davis16"))  # of the made-up run


@pytest.fixture(scope="module")
def record(rendered) -> ReportRecord:
    return read(rendered / NAME, ReportRecord)


def test_it_fits_its_schema(rendered):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((REPOSITORY / "workflow/schemas/report.schema.json").read_text())
    jsonschema.validate(json.loads((rendered / NAME).read_text()), schema)


def test_it_has_everything_and_is_small(record, rendered):
    names = tuple(table.name for table in record.tables)
    assert tuple(name for name in names if name not in BY_SEQUENCE) == TABLES
    assert set(BY_SEQUENCE) < set(names)
    assert tuple(figure.name for figure in record.figures) == FIGURES
    used = {name for of in (*record.tables, *record.figures) for name in of.sources}
    assert used <= set(record.files)
    assert all(file.provenance.device for file in record.files.values() if file.provenance)
    assert (rendered / NAME).stat().st_size < 1e6


@pytest.mark.parametrize("name", [*TABLES, *BY_SEQUENCE])
def test_its_tables_are_those_of_the_csv(record, rendered, name):
    (table,) = (table for table in record.tables if table.name == name)
    lines = list(csv.DictReader((rendered / f"{name}.csv").open(newline="")))
    assert len(lines) == len(table.rows)
    for row, line in zip(table.rows, lines, strict=True):
        for key, cell in row.items():
            if isinstance(cell.value, float):
                assert float(line[key]) == pytest.approx(cell.value, rel=1e-9), key


def test_the_means_of_its_sequences_are_the_tables(record):
    (summary,) = (table for table in record.tables if table.name == "summary")
    shown = {(r["entry"].value, r["dataset"].value): r["jf"].value for r in summary.rows}
    assert len(record.scores) > 20
    for entry in record.scores:
        for file in entry.files:
            objects = [of for group in file.sequences.values() for of in group.values()]
            mean = sum((of.j + of.f) / 2 for of in objects) / len(objects)
            assert mean == pytest.approx(file.jf)
        mean = sum(file.jf for file in entry.files) / len(entry.files)
        assert mean == pytest.approx(shown[entry.label, entry.dataset])


def test_an_evaluation_names_the_files_behind_it(record):
    (entry,) = (e for e in record.scores if (e.entry, e.dataset) == ("exp8-hrnet", "davis17"))
    assert [file.seed for file in entry.files] == [0, 1]
    for file in entry.files:
        assert len(file.made_by) == 2
        assert {record.files[name].kind for name in file.made_by} == {"Predictions", "Training"}
        assert {record.files[name].seed for name in file.made_by} == {file.seed}


def test_numbers_without_provenance_are_not_in_it(change, tmp_path: Path):
    name = "evaluate/still/davis17.json"
    manifest = change(name, lambda values: values.pop("provenance"))
    render(load_inputs(manifest), tmp_path / "out")
    record = read(tmp_path / "out" / NAME, ReportRecord)
    assert ("still", "davis16") in {(of.entry, of.dataset) for of in record.scores}
    assert ("still", "davis17") not in {(of.entry, of.dataset) for of in record.scores}
    assert record.files[name].provenance is None


def test_a_report_compared_with_itself_has_not_changed(rendered, capsys):
    assert main(["compare", str(rendered), str(rendered), "--fail-if", "changed"]) == 0
    assert "Nothing changed." in capsys.readouterr().out


def test_lowest_frames_are_found(change, tmp_path: Path):
    def frames(values) -> None:
        values["frames"] = {"drift_1": {"J": [0.9, 0.25, 0.5], "F": [1.0, 1.0, 1.0]}}

    manifest = change("evaluate/still/davis17.json", frames)
    render(load_inputs(manifest), tmp_path / "out")
    record = read(tmp_path / "out" / NAME, ReportRecord)
    (entry,) = (e for e in record.scores if (e.entry, e.dataset) == ("still", "davis17"))
    found = entry.files[0].sequences["drift"]["1"]
    assert (found.frames, found.lowest_j, found.lowest_frame) == (3, 25.0, 1)
    assert "frames" not in entry.files[0].sequences["grow"]["1"]
