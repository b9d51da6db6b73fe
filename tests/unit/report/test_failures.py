"""Tables and figures of why methods fail, and of stress, on the made-up run."""

import json
from dataclasses import replace

import pytest

from ttvos.core.errors import UserError
from ttvos.evaluation.failures import CATEGORIES
from ttvos.report import figure_failures
from ttvos.report.failures import accounts, failures, failures_by_attribute
from ttvos.report.figure_failures import lost_points, survival_curves
from ttvos.report.inputs import load_inputs
from ttvos.report.stress import stress, stress_curves

STILL = "First mask held still"


def line(table, entry):
    (found,) = [row for row in table.rows if row["entry"].value == entry]
    return {key: cell.value for key, cell in found.items()}


def test_a_line_s_points_and_its_jf_add_up(report):
    table = failures(report)
    assert len(table.rows) == 2
    found = line(table, STILL)
    assert found["jf"] == pytest.approx(42)
    assert found["jf"] + sum(found[key] for key in CATEGORIES) == pytest.approx(100)
    assert found["lost"] == pytest.approx((100 - 42) / 4)


def test_losses_are_counted_over_objects(report):
    found = line(failures(report), STILL)
    assert (found["objects"], found["losses"], found["when"], found["back"]) == (10, 5, 5, 80)
    assert found["survive"] == pytest.approx(90)  # one of ten was once at J 0.4


def test_masks_that_lost_no_object_have_no_frame_of_loss(report):
    (one, *_), key = accounts(report), "evaluate/exp8-hrnet-s0/davis17.json"
    record = one.files[0].record
    objects = {n: o.model_copy(update={"losses": []}) for n, o in record.objects.items()}
    file = replace(one.files[0], record=record.model_copy(update={"objects": objects}))
    found = line(failures(replace(report, failures={key: file})), one.entry.label)
    assert found["losses"] == 0
    assert not {"when", "back"} & found.keys()


def test_one_object_a_sequence_has_no_wrong_object(report):
    (one, *_), key = accounts(report), "evaluate/exp8-hrnet-s0/davis17.json"
    record = one.files[0].record
    alone = record.model_copy(update={"objects": {"drift_1": record.objects["drift_1"]}})
    table = failures(replace(report, failures={key: replace(one.files[0], record=alone)}))
    assert "wrong_object" not in table.rows[0]
    assert "wrong_object" not in [column.key for column in table.on_page()]


def test_a_file_without_provenance_stands_nowhere(report):
    bare = {
        name: replace(file, record=file.record.model_copy(update={"provenance": None}))
        for name, file in report.failures.items()
    }
    assert failures(replace(report, failures=bare)).rows == ()


def test_attributes_are_told_by_their_names(report):
    table = failures_by_attribute(report)
    assert [row["attribute"].value for row in table.rows] == [
        *["AC, appearance change"] * 2,
        *["OCC, occlusion"] * 2,
    ]
    assert {row["sequences"].value for row in table.rows} == {5}


def test_figures_show_what_the_files_hold(report, monkeypatch):
    drawn = {}
    monkeypatch.setattr(figure_failures, "draw_bars", lambda panels: drawn.update(panels))
    monkeypatch.setattr(figure_failures, "draw_survival", lambda panels: drawn.update(of=panels))
    lost_points(report)
    assert [name for name, _, _ in drawn["davis17"]][-1] == STILL
    for _, jf, points in drawn["davis17"]:
        assert jf + sum(points.values()) == pytest.approx(100)
    survival_curves(report)
    (_, first), (_, after) = drawn["of"]["davis16"][STILL][1:3]
    assert (first, after) == (6, 6)  # one object of each sequence
    assert drawn["of"]["davis16"][STILL][2][0] == pytest.approx(5 / 6)


def test_the_page_says_where_nothing_was_accounted_for_or_stressed(report):
    none = replace(report, failures={}, stress=())
    assert "failures is off" in lost_points(none).missing
    assert "stressed no tracker" in stress_curves(none).missing
    assert failures(none).rows == stress(none).rows == ()
    assert stress(none).notes == ()


def test_slopes_are_points_per_unit(report):
    table = stress(report)
    assert [column.key for column in table.on_page()] == ["entry", "jf", "skip", "blur"]
    assert line(table, "still") == {
        **{"entry": "still", "dataset": "davis17"},
        **{"jf": pytest.approx(60), "skip": pytest.approx(2), "blur": pytest.approx(4)},
    }
    assert any(note.startswith("skip: ") for note in table.notes)


def test_an_account_that_says_why_there_is_none_is_left_out(change, small_run):
    manifest = json.loads(small_run.read_text())
    (path, *_) = manifest["failures"].values()
    change(path, lambda values: values.update(missing="no archive"))
    assert len(load_inputs(small_run).failures) == len(manifest["failures"]) - 1
    (small_run.parent / path).unlink()
    with pytest.raises(UserError, match="no such file"):
        load_inputs(small_run)
