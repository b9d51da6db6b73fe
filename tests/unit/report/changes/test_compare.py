"""`ttvos compare`: what is found, what is refused, and which exit code comes of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.changes.conftest import OBJECTS, SPEED, entry, scored, speed, table
from ttvos.cli.main import main
from ttvos.core.provenance import REPOSITORY
from ttvos.evaluation.statistics import paired_difference

LOSSES = {name: -2.0 - 0.1 * place for place, name in enumerate(OBJECTS)}


def worsened(values) -> None:
    values["scores"] = [entry(scored(shift=LOSSES))]


def test_equal_reports_have_not_changed(compared):
    code, said, found = compared(lambda values: None, "--fail-if", "changed")
    assert code == 0
    assert "Nothing changed." in said
    assert found["accuracy"][0]["verdict"] == "unchanged"
    assert found["changed_cells"] == []
    assert found["cells"] == 6
    assert found["causes"] == []


def test_worse_sequences_fail(compared):
    code, said, found = compared(worsened, "--fail-if", "worse")
    assert code == 1
    assert "ttvos: worse: J&F of TTVOS exp8 on davis17" in said
    (change,) = found["accuracy"]
    assert change["verdict"] == "worse"
    losses = np.array([[LOSSES[name]] for name in sorted(OBJECTS)])
    expected = paired_difference(losses, [OBJECTS[name] for name in sorted(OBJECTS)])
    assert change["difference"] == pytest.approx(expected.mean)
    assert change["interval"] == pytest.approx([expected.low, expected.high])
    assert [line["sequence"] for line in change["sequences"]] == list(OBJECTS)[::-1]


@pytest.mark.parametrize(("margin", "verdict"), [("1.5", "worse"), ("3", "within margin")])
def test_a_margin_lets_small_differences_pass(compared, margin, verdict):
    code, _, found = compared(worsened, "--fail-if", "worse", "--margin", margin)
    assert (code, found["accuracy"][0]["verdict"]) == (int(verdict == "worse"), verdict)


def test_the_same_without_fail_if_is_no_failure(compared):
    assert compared(worsened)[0] == 0


def test_better_is_changed_and_not_worse(compared):
    def better(values) -> None:
        values["scores"] = [entry(scored(shift={name: -by for name, by in LOSSES.items()}))]

    code, said, found = compared(better, "--fail-if", "worse")
    assert (code, found["accuracy"][0]["verdict"]) == (0, "better")
    assert "Nothing is worse." in said
    assert compared(better, "--fail-if", "changed")[0] == 1


def test_one_sequence_up_and_another_down_shows_nothing(compared):
    def mixed(values) -> None:
        values["scores"] = [entry(scored(shift={"drift": 4.0, "grow": -5.0}))]

    code, _, found = compared(mixed, "--fail-if", "worse")
    (change,) = found["accuracy"]
    assert (code, change["verdict"]) == (0, "not shown")
    assert change["interval"][0] < 0 < change["interval"][1]
    assert {line["sequence"] for line in change["sequences"]} == {"drift", "grow"}


def test_sequences_have_an_interval_over_the_seeds_and_none_for_one(compared, report):
    report["scores"] = [entry(scored(0), scored(1))]

    def worse(values) -> None:
        later = [{name: by - seed for name, by in LOSSES.items()} for seed in (0, 1)]
        values["scores"] = [entry(scored(0, later[0]), scored(1, later[1]))]

    change = compared(worse)[2]["accuracy"][0]
    assert change["seeds"] == 2
    low, high = change["sequences"][0]["interval"]
    assert low < change["sequences"][0]["difference"] < high
    report["scores"] = [entry(scored(0))]
    assert "interval" not in compared(worsened)[2]["accuracy"][0]["sequences"][0]


def test_only_shared_seeds_sequences_and_objects_are_compared(compared):
    def other(values) -> None:
        values["scores"] = [entry(scored(0, LOSSES), scored(1))]
        sequences = values["scores"][0]["files"][0]["sequences"]
        del sequences["drift"], sequences["crowd"]["3"]
        sequences["new"] = {"1": {"j": 1.0, "f": 1.0}}

    change = compared(other)[2]["accuracy"][0]
    assert (change["seeds"], change["counted"]) == (1, 4)
    assert change["apart"] == ["crowd", "drift", "new"]
    assert "5 sequences" not in change["reason"]
    assert "4 sequences; 6 or more" in change["reason"]


def test_other_seeds_are_paired_in_their_order_and_said_to_be(compared):
    def reseeded(values) -> None:
        values["scores"] = [entry(scored(seed=1))]

    _, said, found = compared(reseeded)
    (change,) = found["accuracy"]
    assert (change["seeds"], change["difference"]) == (1, pytest.approx(0.5))
    assert "no seed in common" in said
    assert "seed" in [cause["what"] for cause in change["causes"]]


def test_an_entry_on_other_sequences_is_listed(compared):
    def other(values) -> None:
        values["scores"] = [entry(scored())]
        file = values["scores"][0]["files"][0]
        file["sequences"] = {"new": {"1": {"j": 1.0, "f": 1.0}}}

    _, said, found = compared(other)
    assert found["accuracy"] == []
    assert "J&F of TTVOS exp8 on davis17, on other sequences" in said


def test_what_only_one_has_is_listed(compared):
    def other(values) -> None:
        values["scores"] = [entry(scored(), entry="mine", label="Mine")]
        values["tables"] = [table(1.0) | {"name": "other"}]
        values["speeds"] = []

    code, said, found = compared(other)
    assert code == 0
    assert found["accuracy"] == []
    assert found["only_before"][:2] == ["J&F of TTVOS exp8 on davis17", "speed of TTVOS exp8"]
    assert found["only_after"] == ["J&F of Mine on davis17", "table other"]
    assert "Nothing to compare" in said


def test_a_slower_device_of_the_same_kind_fails_and_the_tolerance_counts(compared):
    def slower(values) -> None:
        values["speeds"] = [speed([8.0, 8.1, 7.9])]

    code, said, found = compared(slower, "--fail-if", "worse")
    assert (code, found["speeds"][0]["verdict"]) == (1, "slower")
    assert found["speeds"][0]["ratio"] == pytest.approx(0.8)
    assert found["speeds"][0]["interval"][1] < 0.85
    assert "worse: speed of TTVOS exp8" in said
    assert compared(slower, "--fail-if", "worse", "--tolerance", "0.25")[0] == 0


def test_speeds_whose_repeats_overlap_are_not_slower(compared):
    def noisy(values) -> None:
        values["speeds"] = [speed([11.0, 4.0, 11.5])]

    assert compared(noisy)[2]["speeds"][0]["verdict"] == "within tolerance"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"device": "GPU two"}, "device CPU one and GPU two"), ({"size": "64×96"}, "size 480×854")],
)
def test_speeds_under_other_conditions_are_not_judged(compared, changed, reason):
    def other(values) -> None:
        values["speeds"] = [speed([1.0, 1.0, 1.0], **changed)]
        values["files"][SPEED]["provenance"]["device"] = "GPU two"

    code, said, found = compared(other, "--fail-if", "worse")
    assert (code, found["speeds"][0]["verdict"]) == (0, "not judged")
    assert reason in said
    assert [cause["what"] for cause in found["speeds"][0]["causes"]] == ["device"]


def test_a_speed_in_doubt_is_not_judged(compared):
    def busy(values) -> None:
        values["speeds"] = [speed([5.0, 5.0]) | {"doubts": ["other processes used 2 of 2 cores"]}]

    code, said, _ = compared(busy, "--fail-if", "worse")
    assert code == 0
    assert "not judged  TTVOS exp8: B: other processes used" in said


def test_cells_that_changed_and_those_of_times(compared):
    def other(values) -> None:
        worsened(values)
        files = values["scores"][0]["files"][0]
        values["tables"] = [table(files["jf"], seconds=9.0)]

    code, _, found = compared(other, "--fail-if", "changed")
    assert code == 1
    jf, seconds = found["changed_cells"]
    assert (jf["row"], jf["column"], jf["timing"]) == ("exp8", "J&F", False)
    assert jf["interval"] == found["accuracy"][0]["interval"]
    assert (seconds["before"], seconds["after"], seconds["timing"]) == ("5", "9", True)


def test_a_time_alone_is_no_change(compared):
    def later(values) -> None:
        values["tables"] = [table(values["scores"][0]["files"][0]["jf"], seconds=9.0)]

    assert compared(later, "--fail-if", "changed")[0] == 0


def test_a_row_whose_words_changed_is_the_same_row(compared, report):
    report["tables"][0]["columns"].append({"key": "kind", "label": "Kind", "kind": "text"})
    report["tables"][0]["rows"][0]["kind"] = {"value": "old word"}

    def reworded(values) -> None:
        values["tables"][0]["rows"][0]["kind"] = {"value": "new word"}

    _, _, found = compared(reworded)
    (cell,) = found["changed_cells"]
    assert (cell["before"], cell["after"]) == ("old word", "new word")
    assert found["only_before"] == found["only_after"] == []


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        ("code", {"source": "s2", "commit": "bbbb"}),
        ("data", {"data": {"profile": "mini", "root": "elsewhere", "year": 2017}}),
        ("seed", {"seed": 7}),
        ("device", {"device": "CPU two"}),
        ("settings", {"config": "c2"}),
        ("weights", {"checkpoint": "0123"}),
        ("libraries", {"libraries": {"torch": "2.12.0"}}),
    ],
)
def test_what_differs_behind_a_change_is_told(compared, what, facts):
    def other(values) -> None:
        worsened(values)
        for file in values["files"].values():
            file["provenance"] |= facts

    _, said, found = compared(other)
    assert [cause["what"] for cause in found["causes"]] == [what]
    assert [cause["what"] for cause in found["accuracy"][0]["causes"]] == [what]
    assert f"different behind it: {what}" in said
    assert what not in found["same"]
    assert {"code", "data", "seed", "device", "settings", "libraries"} - {what} == set(
        found["same"]
    )


def test_the_same_data_in_another_folder_are_the_same(compared):
    def moved(values) -> None:
        for file in values["files"].values():
            file["provenance"]["data"] = {"profile": "p", "root": "/disk/davis/", "year": 2017}

    assert compared(moved)[2]["causes"] == []


def test_two_calls_say_the_same(compared):
    assert compared(worsened)[1] == compared(worsened)[1]


def test_the_page_needs_nothing_else(compared, tmp_path):
    compared(worsened, "--html", str(tmp_path / "changes.html"))
    page = (tmp_path / "changes.html").read_text()
    assert "<b>Worse:</b> J&amp;F of TTVOS exp8 on davis17" in page
    assert "prefers-color-scheme: dark" in page
    assert "src=" not in page
    assert "<script" not in page


def test_what_is_written_fits_its_schema(compared):
    jsonschema = pytest.importorskip("jsonschema")
    path = REPOSITORY / "workflow/schemas/comparison.schema.json"
    jsonschema.validate(compared(worsened)[2], json.loads(path.read_text()))


def refused(capsys, *arguments: object) -> str:
    assert main(["compare", *map(str, arguments)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_what_cannot_be_compared_is_one_line(compared, tmp_path: Path, capsys):
    compared()
    good = tmp_path / "a"
    assert "no such file" in refused(capsys, good, tmp_path / "none")
    (tmp_path / "old").mkdir()
    assert "no report in it" in refused(capsys, good, tmp_path / "old")
    (tmp_path / "old/index.html").write_text("")
    assert "render it again: ttvos report" in refused(capsys, good, tmp_path / "old")
    (tmp_path / "list.json").write_text("[1]")
    assert "neither a report.json nor scores" in refused(capsys, good, tmp_path / "list.json")
    assert "a share from 0" in refused(capsys, good, good, "--tolerance", "1.5")
    assert "points, from 0" in refused(capsys, good, good, "--margin", "-1")
    assert "points, from 0" in refused(capsys, good, good, "--margin", "inf")
    values = json.loads((good / "report.json").read_text())
    (tmp_path / "x.json").write_text(json.dumps(values | {"format": 99}))
    assert "of format 99" in refused(capsys, good, tmp_path / "x.json")
    del values["scores"]
    (tmp_path / "x.json").write_text(json.dumps(values))
    assert "has no 'scores'" in refused(capsys, good, tmp_path / "x.json")


def test_two_that_share_nothing_pass_no_gate(compared, tmp_path: Path, capsys):
    from tests.unit.report.fake_results import evaluation

    compared()
    scores, page = tmp_path / "scores.json", tmp_path / "page.html"
    scores.write_text(json.dumps(evaluation(0.7, np.random.default_rng(1), 2017)))
    sides = [str(tmp_path / "a"), str(scores), "--html", str(page)]
    assert main(["compare", *sides]) == 0
    assert "Nothing to compare" in capsys.readouterr().out
    assert "Nothing to compare" in page.read_text()
    assert "shares nothing with" in refused(capsys, *sides, "--fail-if", "worse")


def test_two_files_of_scores(tmp_path: Path, capsys):
    from tests.unit.report.fake_results import evaluation

    for name, score in (("a", 0.7), ("b", 0.6)):
        values = evaluation(score, np.random.default_rng(1), 2017)
        (tmp_path / f"{name}.json").write_text(json.dumps(values))
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    assert main(["compare", *files, "--fail-if", "worse"]) == 1
    said = capsys.readouterr().out
    assert "70.0 → 60.0" in said
    assert "6 sequences, 1 seed" in said
    assert "not different: code, data, device, settings, libraries." in said  # and no weights
    assert main(["compare", files[0], files[0], "--fail-if", "changed"]) == 0
    unsourced = {**values, "provenance": None}
    (tmp_path / "b.json").write_text(json.dumps(unsourced))
    assert "does not say where" in refused(capsys, *files)
