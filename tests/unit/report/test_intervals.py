"""What a number of sequences can say, and what others reach on the same ones."""

import numpy as np
import pytest

from tests.unit.report.fake_results import REST, provenance
from ttvos.core.errors import UserError
from ttvos.evaluation.statistics import detectable_by_sequences, mean_interval
from ttvos.records.schema import Scores
from ttvos.records.store import parse
from ttvos.report.headline import data_facts
from ttvos.report.inputs import load_inputs
from ttvos.report.intervals import (
    SequenceScores,
    by_seed,
    detectable_note,
    interval,
    paired,
    sequence_scores,
)
from ttvos.report.measurements import summary
from ttvos.report.results import File
from ttvos.report.table4 import TABLE4


def evaluation(seed: int | None = 0, **objects: tuple[float, float]) -> File[Scores]:
    """An evaluation with J and F of objects, in points."""
    scores = {n: REST | {"J-Mean": j / 100, "F-Mean": f / 100} for n, (j, f) in objects.items()}
    means = REST | dict.fromkeys(("J&F-Mean", "J-Mean", "F-Mean"), 0.5)
    made = {"global": means, "objects": scores, "provenance": provenance()}
    return File(f"s{seed}.json", parse(made, Scores, "scores"), seed)


ONE = evaluation(0, b_1=(70, 80), a_1=(50, 60), a_2=(30, 40))
TWO = evaluation(1, a_1=(60, 60), a_2=(40, 40), b_1=(90, 90))


def test_objects_stay_in_their_sequence():
    found = sequence_scores((ONE,))
    assert (found.names, found.objects) == (("a", "b"), (2, 1))
    assert found.scores == pytest.approx((45, 75))
    assert found.mean == pytest.approx((55 + 35 + 75) / 3)
    assert sequence_scores((ONE,), "J-Mean").scores == pytest.approx((40, 70))


def test_seeds_are_averaged_sequence_by_sequence():
    assert sequence_scores((ONE, TWO)).scores == pytest.approx((47.5, 82.5))


def test_seeds_must_have_scored_the_same_objects():
    other = evaluation(1, a_1=(60, 60), b_1=(90, 90))
    with pytest.raises(UserError, match=r"s1\.json: scores other objects than s0\.json"):
        sequence_scores((ONE, other))


def test_the_interval_is_that_of_the_statistics():
    scores = SequenceScores(
        tuple("abcdef"), (80.0, 70.0, 90.0, 60.0, 85.0, 75.0), (1, 2, 1, 3, 1, 1)
    )
    assert interval(scores) == mean_interval(scores.scores, scores.objects)
    assert interval(None) is None
    assert interval(SequenceScores(("a",), (80.0,), (1,))) is None


def test_a_part_has_all_its_sequences_or_is_none():
    scores = sequence_scores((ONE,))
    assert scores.part(["b"]).scores == pytest.approx((75,))
    assert scores.part(["b", "c"]) is None


def test_what_sequences_can_show_comes_from_the_spread_of_paired_differences():
    names, ones = tuple("abcdef"), (1,) * 6
    first = SequenceScores(names, (80.0, 70.0, 90.0, 60.0, 50.0, 75.0), ones)
    harder = SequenceScores(names, tuple(score - 20 for score in first.scores), ones)
    third = SequenceScores(names, (81.0, 72.0, 88.0, 61.0, 50.0, 78.0), ones)
    assert " 0.0 points or more" in detectable_note("d", [first, harder])
    least = detectable_by_sequences(float(np.std([1, 2, -2, 1, 0, 3], ddof=1)), 6)
    note = detectable_note("d", [first, third, None])
    assert note.startswith("d: 6 sequences can show")
    assert f"truly differ by {least:.1f} points or more" in note
    elsewhere = SequenceScores(("x", "y"), (1.0, 50.0), (1, 1))
    assert detectable_note("d", [first, third, elsewhere]) == note
    assert detectable_note("d", [first, elsewhere]) is None
    assert detectable_note("d", []) is None


def test_too_few_sequences_can_show_nothing():
    """As for claims: no sign-flip test of theirs reaches 5 %."""
    names = tuple("abcde")
    one, other = (SequenceScores(names, (score,) * 5, (1,) * 5) for score in (90.0, 10.0))
    assert detectable_note("d", [one, other]) == (
        "d: 5 sequences cannot show that one entry is better than another, however far apart they "
        "are; 6 or more can."
    )


def test_arms_are_paired_by_seed_and_sequence():
    worse = (
        evaluation(1, b_1=(80, 80), a_1=(50, 50), a_2=(50, 50), c_1=(9, 9)),
        evaluation(7, a_1=(0, 0), a_2=(0, 0), b_1=(0, 0)),
    )
    values, objects = paired(by_seed((ONE, TWO)), by_seed(worse))
    assert values == pytest.approx(np.array([[0.0], [10.0]]))  # seed 1 alone, without c
    assert objects.tolist() == [2.0, 1.0]
    assert paired(by_seed((ONE,)), by_seed(worse)) is None


def scored(**scores: float):
    """What makes an evaluation one of these sequences, with an object each; 0 to 1."""

    def objects(values):
        values["objects"] = {
            f"{name.replace('_', '-')}_1": REST | {"J-Mean": score, "F-Mean": score}
            for name, score in scores.items()
        }

    return objects


def test_a_score_on_a_part_is_read_against_others_on_that_part(change):
    """A row on 2 of the 20 sequences; somebody's masks on 3, of which the third is hard."""
    change("evaluate/exp1-hrnet-s0/davis16.json", scored(cows=0.5, dance_twirl=0.7))
    report = load_inputs(
        change("evaluate/OSVOS/davis16.json", scored(cows=0.8, dance_twirl=1.0, parkour=0.1))
    )
    sentence = (
        "davis16: 2 of the validation set's 20 sequences. On the same ones score, in J&F: OSVOS "
        "masks 90.0. Read a score in this table against 90.0, not against the paper's numbers, "
        "which are for the whole set."
    )
    assert sentence in TABLE4.build(report).notes
    assert sentence in summary(report).notes
    by_name = {data.name: data for data in data_facts(report)}
    assert by_name["davis16"].others == sentence
    assert by_name["davis17"].others is None


def test_clips_that_are_not_of_davis_are_part_of_no_validation_set(small_run):
    assert all(data.others is None for data in data_facts(load_inputs(small_run)))
