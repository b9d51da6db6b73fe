"""Every trained row says which step's weights it kept, and test-set selection is never silent."""

from pathlib import Path

import pytest

from ttvos.report.inputs import ReportInput, load_inputs
from ttvos.report.measurements import summary, training
from ttvos.report.report import COMPARISONS, render
from ttvos.report.table import Table

MAIN = "train/exp8-hrnet-s0/train.json"


def selection(by: str, *sequences: str) -> dict:
    scores = {"stage": "davis", "J": 0.6, "F": 0.64, "sequences": {}}
    return {
        "by": by,
        "data": {"root": "data/DAVIS", "year": 2017, "split": "val", "sequences": sequences},
        "scorings": 3,
        "chosen": {**scores, "step": 30, "J&F": 0.62},
        "last": {**scores, "step": 50, "J&F": 0.58},
    }


@pytest.fixture
def selected(change):
    """selected(by, sequences): the made-up run, with the full model's weights selected so."""

    def arrange(value: dict) -> ReportInput:
        return load_inputs(change(MAIN, lambda train: train.update(selection=value)))

    return arrange


def main_row(table: Table) -> dict:
    return next(row for row in table.rows if row["entry"].value == "TTVOS exp8-hrnet")


def accuracy_tables(report: ReportInput) -> list[Table]:
    """Those that show the full model's accuracy."""
    return [summary(report), *(c.build(report) for c in COMPARISONS if c.number in (2, 3, 4, 6))]


def test_last_step(selected):
    report = selected({"by": "last"})
    table = training(report)
    assert main_row(table)["weights"].value == "the last step"
    assert table.notes == ()
    assert "kept_jf" not in [column.key for column in table.shown()]
    assert not any("selected" in note for t in accuracy_tables(report) for note in t.notes)


def test_older_files_do_not_say(report):
    assert main_row(training(report))["weights"].value == "not recorded"


def test_heldout_sequences_are_named(selected):
    report = selected(selection("heldout", "hockey", "swing"))
    table = training(report)
    row = main_row(table)
    assert row["weights"].value == "best step on held-out training sequences"
    assert [row[key].value for key in ("kept_step", "kept_jf", "last_jf")] == pytest.approx(
        [30, 62, 58]
    )
    (note,) = table.notes
    assert note.startswith("TTVOS exp8-hrnet: the step was kept")
    assert "hockey, swing" in note
    assert not any("select" in note for t in accuracy_tables(report) for note in t.notes)


def test_heldout_sequences_that_are_scored_as_well(selected):
    """As where a profile reports the held-out sequences too."""
    for table in accuracy_tables(selected(selection("heldout", "hockey", "drift"))):
        cautions = [note for note in table.notes if "selected on sequences that" in note]
        assert [note.partition(" scores: ")[0].split()[-1] for note in cautions] == [
            "davis17",
            "davis16",
        ]


def test_test_set_selection_is_told_wherever_its_scores_stand(selected, tmp_path: Path):
    report = selected(selection("released", "drift", "pair"))
    assert main_row(training(report))["weights"].value == "best step on the test set"
    for table in [training(report), *accuracy_tables(report)]:
        told = [note for note in table.notes if "test-set selection" in note]
        assert len(told) == 1
        assert told[0].startswith("TTVOS exp8-hrnet: ")
        assert "split val of data/DAVIS (2 sequences)" in told[0]
    render(report, tmp_path / "reports")
    page = (tmp_path / "reports/index.html").read_text()
    top = page[: page.index('<nav class="toc"')]
    assert "test-set selection, as in the authors&#39; code" in top
    for name in ("table3.md", "table4.tex", "summary.md", "training.tex"):
        assert "test-set selection" in (tmp_path / "reports" / name).read_text()


def test_a_training_of_unknown_origin_says_nothing(change):
    def strip(train):
        train.update(selection=selection("released", "drift"), provenance=None)

    table = training(load_inputs(change(MAIN, strip)))
    assert table.notes == ()
    assert main_row(table)["kept_jf"].reason == f"no provenance: {MAIN}"
