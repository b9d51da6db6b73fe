"""A row whose training was too short for any mask is called untrained where scores compare."""

import json
from pathlib import Path

import pytest

from tests.unit.report.fake_results import write_run
from tests.unit.report.test_own_rows import table
from ttvos.plan.manifest import UNTRAINED
from ttvos.report.figure_speed import figure1, own_points
from ttvos.report.inputs import load_inputs
from ttvos.report.measurements import summary
from ttvos.report.quantities import DAVIS16, DAVIS17
from ttvos.report.table import format_cell
from ttvos.report.verdicts import LEFT_OUT, POINTS, STEPS, UNTRAINED_RULE, untrained
from ttvos.report.writers import to_csv, to_markdown

ROW = "exp8-resnet18"
GLOBAL = ("J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay")


def learnt(manifest: Path, steps: int, *scores: float, row: str = ROW, seed: int = 0) -> Path:
    """The run in which a row learnt for so many steps and scores this, in points, by dataset."""
    folder = manifest.parent
    for name, values in (
        (f"train/{row}-s{seed}/train.json", {"steps": steps}),
        *zip(
            (f"evaluate/{row}-s{seed}/{name}.json" for name in ("davis17", "davis16")),
            ({"global": dict.fromkeys(GLOBAL, score / 100)} for score in scores),
            strict=True,
        ),
    ):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return manifest


def row_of(manifest: Path, name: str = ROW):
    return next(row for row in load_inputs(manifest).rows if row.name == name)


@pytest.mark.parametrize(
    ("steps", "scores", "words"),
    [
        (18, (0.0, 0.0), "untrained (18 steps)"),
        (1, (0.0, 0.0), "untrained (1 step)"),
        (STEPS - 1, (POINTS - 0.1, 0.0), f"untrained ({STEPS - 1} steps)"),
        (STEPS, (0.0, 0.0), ""),  # a failure, and no short training
        (18, (0.0, POINTS), ""),  # something came of it
        (18, (30.0, 30.0), ""),
    ],
)
def test_steps_and_scores_decide(small_run, steps, scores, words):
    assert untrained(row_of(learnt(small_run, steps, *scores))) == words


def test_every_seed_counts(tmp_path):
    """Of two seeds one learnt something: then the other's 0 is a spread."""
    manifest = learnt(write_run(tmp_path, (0, 1)), 18, 0.0, 0.0)
    assert untrained(row_of(manifest)) == ""
    learnt(manifest, 18, 0.0, 0.0, seed=1)
    assert untrained(row_of(manifest)) == "untrained (18 steps)"


def test_given_weights_and_masks_are_never_untrained(small_run):
    learnt(small_run, 18, 0.0, 0.0)
    values = json.loads(small_run.read_text())
    for row in values["rows"]:
        row["train"] = []
    small_run.write_text(json.dumps(values))
    report = load_inputs(small_run)
    assert not any(untrained(entry) for entry in (*report.rows, *report.masks))


def test_comparison_tables_say_untrained_in_place_of_a_score(small_run):
    found = table(learnt(small_run, 18, 0.0, 0.0), 6)
    row = next(r for r in found.rows if r["backbone"].value == "ResNet18")
    assert row["davis17_jf_paper"].value == "67.5"
    for key in ("davis17_jf", "davis16_jf"):
        assert f"{key}_measured" not in row
        cell = row[f"{key}_not_comparable"]
        assert format_cell(cell, found.columns[0]) == "untrained (18 steps)"
        assert row[f"{key}_verdict"].value == "not measured"
    assert row["gmac_two_frame_clip_verdict"].value == "reproduced"  # its cost is what it is
    assert UNTRAINED_RULE in found.notes
    text = to_markdown(found)
    assert "| untrained (18 steps) |" in text
    assert " 0.0 |" not in text
    assert "untrained (18 steps)" in to_csv(found)
    assert UNTRAINED_RULE not in table(learnt(small_run, 18, 30.0, 30.0), 6).notes


def test_a_comparable_profile_gives_an_untrained_row_no_verdict(small_run):
    """0.0 against 81.4 would differ."""
    values = json.loads(learnt(small_run, 18, 0.0, 0.0).read_text())
    values |= {"profile": "paper", "comparable": {"accuracy": True}}
    small_run.write_text(json.dumps(values))
    row = next(r for r in table(small_run, 6).rows if r["backbone"].value == "ResNet18")
    assert row["davis16_jf_verdict"].value == "not measured"
    assert row["davis16_jf_verdict"].reason.startswith("untrained")


def test_differences_leave_untrained_rows_out(small_run):
    learnt(small_run, 18, 0.0, 0.0, row="exp3-hrnet")
    rows = table(small_run, 4).rows
    assert rows[2]["davis17_to_full"].reason == "untrained (18 steps)"
    assert rows[2]["davis17_to_full"].value is None
    assert rows[3]["davis17_to_full"].value is not None
    learnt(small_run, 40, 0.0, 0.0, row="exp8-hrnet")
    rows = table(small_run, 4).rows
    assert rows[3]["davis17_to_full"].reason == "untrained (40 steps)"


def test_accuracy_says_untrained_and_sets_nothing_against_it(small_run):
    found = summary(load_inputs(learnt(small_run, 18, 0.0, 0.0)))
    rows = [row for row in found.rows if row["entry"].value == f"TTVOS {ROW}"]
    assert [row["jf"].reason for row in rows] == 2 * ["untrained (18 steps)"]
    for row in rows:
        assert not {"j", "f", "gain"} & set(row)
    assert UNTRAINED_RULE in found.notes
    assert "| 0.0 |" not in to_markdown(found)


def test_figure_1_draws_no_untrained_row_and_says_so(small_run):
    before = load_inputs(small_run)
    names = {point.name for point in own_points(before, DAVIS17)}
    assert ROW in names
    report = load_inputs(learnt(small_run, 18, 0.0, 0.0))
    for panel in (DAVIS16, DAVIS17):
        assert {point.name for point in own_points(report, panel)} == names - {ROW}
    assert f"Not drawn, since no mask comes of them: {ROW} untrained (18 steps)." in (
        figure1(report).caption
    )
    assert "no mask comes" not in figure1(before).caption


def test_a_row_that_is_left_untrained_says_so_and_keeps_its_cost(small_run):
    values = json.loads(small_run.read_text())
    row = next(row for row in values["rows"] if row["row"] == ROW)
    row |= {"seeds": [], "train": [], "loss": [], "untrained": UNTRAINED}
    row |= {key: {name: [] for name in row[key]} for key in ("evaluate", "predict")}
    small_run.write_text(json.dumps(values))
    found = table(small_run, 6)
    row = next(r for r in found.rows if r["backbone"].value == "ResNet18")
    assert format_cell(row["davis17_jf_not_comparable"], found.columns[0]) == UNTRAINED
    verdict = row["davis17_jf_verdict"]
    assert (verdict.value, verdict.reason) == ("not measured", UNTRAINED)
    assert row["gmac_two_frame_clip_verdict"].value == "reproduced"
    assert LEFT_OUT in found.notes
    assert UNTRAINED_RULE not in found.notes
    accuracy = summary(load_inputs(small_run))
    lines = [line for line in accuracy.rows if line["entry"].value == f"TTVOS {ROW}"]
    assert [(line["jf"].value, line["jf"].reason) for line in lines] == [(None, UNTRAINED)] * 2
    assert LEFT_OUT in accuracy.notes
