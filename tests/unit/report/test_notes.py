"""Notes below tables: what a training started from, of which a file gives the backbone alone, and
which step its weights are of, where test-set selection is never silent.
"""

import json
from pathlib import Path

import pytest

from ttvos.report.inputs import ReportInput, load_inputs
from ttvos.report.measurements import summary, training
from ttvos.report.notes import start, trained_within
from ttvos.report.report import PAPER_TABLES, render
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
    return [summary(report), *(PAPER_TABLES[number].build(report) for number in (2, 3, 4, 6))]


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


SHIPPED = {"source": "weights/ttvos-hrnet-davis.safetensors", "sha256": "aa"}


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        (SHIPPED, "the backbone of ttvos-hrnet-davis.safetensors, heads random"),
        ({"source": "imagenet"}, "an ImageNet backbone, heads random"),
        ({"source": "random", "sha256": None}, "random weights"),
        (None, "unknown weights"),
    ],
)
def test_only_the_backbone_is_taken_from_a_file(initial, words):
    assert start(initial) == words
    assert trained_within(initial) == ""  # not recorded


def test_a_table_says_what_each_row_started_from_and_whose_backbone_it_is(small_run):
    for row, initial in (
        ("exp1-hrnet", SHIPPED | {"trained_within": "exp8"}),
        ("exp2-hrnet", SHIPPED | {"trained_within": "exp8"}),
        ("exp3-hrnet", {"source": "random", "sha256": None}),
    ):
        path = small_run.parent / f"train/{row}-s0/train.json"
        values = json.loads(path.read_text())
        values["provenance"]["initial"] = initial
        path.write_text(json.dumps(values))
    notes = PAPER_TABLES[4].build(load_inputs(small_run)).notes
    (starts,) = [note for note in notes if note.startswith("Trained here")]
    backbone = "from the backbone of ttvos-hrnet-davis.safetensors, heads random, 50 steps, seed 0"
    assert f"{backbone}: TTVOS exp1-hrnet, TTVOS exp2-hrnet;" in starts
    assert "from random weights, 50 steps, seed 0: TTVOS exp3-hrnet" in starts
    assert starts.count(backbone) == 1
    told = [note for note in notes if "learnt within a training of exp8" in note]
    assert len(told) == 1
    assert told[0].startswith("The backbone of ttvos-hrnet-davis.safetensors learnt within")
