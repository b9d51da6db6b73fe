"""Verdicts: never "reproduced" for a number that is not the same quantity."""

from dataclasses import replace

import pytest

from tests.unit.report.fake_peers import peer_speed
from tests.unit.report.fake_results import REST, provenance
from ttvos.config.run import Comparable
from ttvos.evaluation.judge import judge
from ttvos.plan.manifest import DatasetEntry, Manifest
from ttvos.records.schema import Result, Scores, TrackerSpeed
from ttvos.records.store import parse
from ttvos.report.paper import subject
from ttvos.report.results import File, Measured
from ttvos.report.table import Cell
from ttvos.report.verdicts import (
    NOT_COMPARED,
    NOT_MEASURED,
    STATUSES,
    accuracy_obstacle,
    decide,
    size_obstacle,
    speed_obstacle,
    verdict_cell,
)

SOURCE = File("file.json", parse({"provenance": provenance()}, Result, "file.json"))
REAL = Manifest(
    profile="paper",
    title="",
    caution="",
    datasets={
        "davis16": DatasetEntry("DAVIS", 2016),
        "davis17": DatasetEntry("DAVIS", 2017),
    },
    rows=(),
    comparable=Comparable(accuracy=True, speed=True),
)


def value(*numbers: float) -> Measured:
    return Measured(numbers, (SOURCE,) * len(numbers))


def evaluation(count: int, **data: str) -> File[Scores]:
    means = REST | dict.fromkeys(("J&F-Mean", "J-Mean", "F-Mean"), 0.5)
    objects = {f"clip_{index}_1": means for index in range(count)}
    made = {"global": means, "objects": objects}
    made["provenance"] = provenance(data=data or {"profile": "paper"})
    return File("e.json", parse(made, Scores, "e.json"))


def sized(height: int | None, width: int | None) -> File:
    """A speed file at that frame size."""
    made = peer_speed(1.0) | {"height": height, "width": width}
    return File("s.json", parse(made, TrackerSpeed, "s.json"))


def test_not_the_same_quantity_is_not_compared_even_when_equal():
    found = decide("accuracy", "81.1", value(81.1), "built-in clips")
    assert (found.status, found.reason) == (NOT_COMPARED, "built-in clips")


def test_the_report_decides_as_the_command_does():
    for values in ([55.0, 95.0], [81.0, 81.2, 80.9], [75.0, 75.3, 74.8], [80.6]):
        found, told = (
            decide("accuracy", "81.1", value(*values), None),
            judge("accuracy", "81.1", values),
        )
        assert (found.status, found.reason) == (told.status, told.reason)


def test_what_was_not_measured():
    found = decide("accuracy", "81.1", None, None)
    assert (found.status, found.reason) == (NOT_MEASURED, "not in this run")
    found = decide(
        "accuracy", "81.1", Measured(refusal="no provenance: a.json, b.json"), "built-in clips"
    )
    assert (found.status, found.reason) == (NOT_MEASURED, "no provenance: a.json, b.json")


def test_no_verdict_where_the_paper_gives_no_number():
    assert decide("accuracy", "", value(81.1), None) is None
    assert verdict_cell(None, {"method": "CRN", "fps": ""}, "fps", "FPS") == Cell()


def test_statuses_are_counted_on_their_own():
    assert STATUSES == (
        "reproduced",
        "differs",
        "too noisy to tell",
        "one run",
        "agrees with the public record",
        "differs from the public record",
        "not compared",
        "not measured",
    )


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ({"method": "TTVOS", "input": "480x853"}, "TTVOS HRNet"),
        ({"method": "TTVOS", "backbone": "HRNet"}, "TTVOS HRNet"),
        ({"exp": "8"}, "TTVOS HRNet"),
        ({"exp": "5"}, "TTVOS HRNet experiment 5"),
        ({"backbone": "HRNet"}, "TTVOS HRNet"),
        ({"backbone": "ResNet18"}, "TTVOS ResNet18"),
        ({"method": "GC", "input": "480x853"}, "GC ResNet50"),
        (
            {"method": "FRTM-VOS", "backbone": "ResNet101", "transition_loss": "0"},
            "FRTM-VOS ResNet101",
        ),
        (
            {"method": "FRTM-VOS", "backbone": "ResNet18", "transition_loss": "1"},
            "FRTM-VOS ResNet18 with the transition loss",
        ),
    ],
)
def test_whom_a_line_of_the_papers_is_about(line, name):
    assert subject(line) == name


def test_real_davis_is_comparable():
    assert accuracy_obstacle(REAL, "davis16", [evaluation(20)]) is None
    assert accuracy_obstacle(REAL, "davis17", [evaluation(30)]) is None


def test_the_profile_must_claim_to_be_comparable():
    humble = replace(REAL, comparable=Comparable(reason="a few minutes of training"))
    assert accuracy_obstacle(humble, "davis16", [evaluation(20)]) == "a few minutes of training"
    silent = replace(REAL, comparable=Comparable())
    assert "run paper" in accuracy_obstacle(silent, "davis16", [evaluation(20)])


def test_a_claim_does_not_make_built_in_clips_davis():
    mini = replace(REAL, profile="mini")
    assert "profile mini" in accuracy_obstacle(mini, "davis17", [evaluation(30, profile="mini")])
    assert "profile mini" in accuracy_obstacle(REAL, "davis17", [evaluation(30, profile="mini")])
    anonymous = evaluation(30, root="elsewhere")
    assert "profile None" in accuracy_obstacle(REAL, "davis17", [anonymous])


def test_a_part_of_the_validation_set_is_not_the_validation_set():
    assert "8 of" in accuracy_obstacle(REAL, "davis16", [evaluation(8)])


def test_another_year_or_split_is_not_compared():
    train = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2016, "train")})
    assert "val split of DAVIS 2016" in accuracy_obstacle(train, "davis16", [evaluation(20)])
    assert accuracy_obstacle(train, "davis17", [evaluation(30)]) is not None
    later = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2019)})
    assert "val split of DAVIS 2016" in accuracy_obstacle(later, "davis16", [evaluation(20)])


def test_the_year_decides_what_a_dataset_is_and_its_name_does_not():
    for name in ("davis16", "davis17", "val8"):
        ids = replace(REAL, datasets={name: DatasetEntry("DAVIS", 2017)})
        assert "20 of the validation set's 30" in accuracy_obstacle(ids, name, [evaluation(20)])
        one = replace(REAL, datasets={name: DatasetEntry("DAVIS", 2016)})
        assert accuracy_obstacle(one, name, [evaluation(20)]) is None


def test_smaller_frames_are_not_compared():
    half = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2016, input_scale=0.5)})
    assert "tracked at 0.5 of" in accuracy_obstacle(half, "davis16", [evaluation(20)])


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((480, 854), None),
        ((480, 864), None),
        ((240, 432), "240x432"),
        ((None, None), "does not say"),
    ],
)
def test_costs_are_for_a_frame_size(size, text):
    found = size_obstacle(sized(*size))
    assert found is None if text is None else text in found


def test_speed_needs_the_same_device():
    fast = sized(480, 854)
    assert speed_obstacle(True, fast) is None
    assert "Imaginary CPU" in speed_obstacle(False, fast)
    small = sized(64, 96)
    assert speed_obstacle(True, small) == "measured at 64x96"
    assert speed_obstacle(False, small).endswith("; measured at 64x96")
