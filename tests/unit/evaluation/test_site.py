"""Scores against those that the DAVIS site printed: what agrees and what does not; attributes."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.data.site_record import Printed, read_printed
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.site import FEWEST, attribute_means, compare
from ttvos.records.schema import FrameScores, ObjectScores, Scores


def printed(scores: Scores, year: int = 2016, digits: int = 3) -> dict[str, Printed]:
    """What the site would print of them."""
    if year == 2016:
        values = {name: (own.j, own.f) for name, own in scores.frames.items()}
    else:
        values = {name: ([own.j_mean], [own.f_mean]) for name, own in scores.objects.items()}
    return {name: tuple(np.round(np.array(x), digits) for x in own) for name, own in values.items()}


def first(scores: Scores) -> tuple[str, str]:
    """The first object, and its sequence."""
    name = next(iter(scores.objects))
    return name, name.rpartition("_")[0]


def test_rounded_values_agree(scores):
    found = compare("stm", scores, printed(scores), 2016)
    assert found.compared == 2 * sum(len(own.j) for own in scores.frames.values())
    assert (found.beyond, found.differing) == (0, [])
    assert 0 < found.largest <= 0.0005 + 1e-9
    assert abs(found.mean) < 0.0005


def test_other_values_are_counted_where_they_stand(scores):
    theirs, (name, sequence) = printed(scores), first(scores)
    j, f = theirs[name]
    theirs[name] = (j - np.where(np.arange(len(j)) < 2, 0.25, 0.0), f)
    found = compare("stm", scores, theirs, 2016)
    assert found.beyond == 2
    assert found.largest == pytest.approx(0.25, abs=0.001)
    (part,) = found.differing
    assert (part.sequence, part.beyond, part.reason) == (sequence, 2, "")
    own = [x for x in scores.objects if x.rpartition("_")[0] == sequence]
    assert part.mean == pytest.approx(2 * 0.25 / (2 * len(j)) / len(own), abs=0.0005)


def test_a_unit_of_the_last_digit_agrees_and_more_does_not(scores):
    name, _ = first(scores)
    for shift, beyond in ((0.001, 0), (0.0011, 1)):
        theirs = {key: (np.array(own.j), np.array(own.f)) for key, own in scores.frames.items()}
        theirs[name][0][0] += shift
        assert compare("stm", scores, theirs, 2016).beyond == beyond


def test_what_cannot_be_compared_is_named_with_the_reason(scores):
    name, sequence = first(scores)
    shorter = printed(scores)
    count = len(shorter[name][0])
    shorter[name] = tuple(values[:-1] for values in shorter[name])
    absent = {k: v for k, v in printed(scores).items() if k.rpartition("_")[0] != sequence}
    more = printed(scores) | {f"{sequence}_9": printed(scores)[name]}
    for theirs, reason in (
        (shorter, f"{count} frames here, {count - 1} on the site"),
        (absent, "the site has no such sequence"),
        (more, f"only one of the two has {sequence}_9"),
    ):
        found = compare("stm", scores, theirs, 2016)
        (part,) = found.differing
        assert (part.sequence, part.compared, part.reason) == (sequence, 0, reason)
        assert 0 < found.compared < compare("stm", scores, printed(scores), 2016).compared


def test_the_site_s_further_sequences_are_left_alone(scores):
    theirs = printed(scores) | {"bear_1": (np.zeros(3), np.zeros(3))}
    assert compare("stm", scores, theirs, 2016).differing == []


def test_objects_of_2017_are_compared_by_their_means(scores):
    found = compare("stm", scores, printed(scores, 2017, 4), 2017)
    assert (found.compared, found.beyond) == (2 * len(scores.objects), 0)
    theirs, (name, sequence) = printed(scores, 2017, 4), first(scores)
    theirs[name] = tuple(values - 0.0002 for values in theirs[name])
    found = compare("stm", scores, theirs, 2017)
    assert (found.beyond, [part.sequence for part in found.differing]) == (2, [sequence])


def test_scores_without_frames_are_refused(scores):
    bare = scores.model_copy(update={"frames": {}})
    with pytest.raises(UserError, match="no values of its frames; evaluate again"):
        compare("stm", bare, printed(scores), 2016)


def drawn(count: int) -> Scores:
    """Sequences s0, s1, ... of one object each: J 0.1, 0.2, ..., and F as much above 0.05."""
    rest = {"J-Recall": 0.0, "J-Decay": 0.0, "F-Recall": 0.0, "F-Decay": 0.0}
    means = {"J&F-Mean": 0.5, "J-Mean": 0.5, "F-Mean": 0.5, **rest}
    objects = {
        f"s{i}_1": ObjectScores.model_validate(
            {"J-Mean": 0.1 * (i + 1), "F-Mean": 0.1 * (i + 1) + 0.05, **rest}
        )
        for i in range(count)
    }
    frames = {name: FrameScores.model_validate({"J": [0.5], "F": [0.5]}) for name in objects}
    return Scores.model_validate({"global": means, "objects": objects, "frames": frames})


def test_an_attribute_needs_five_sequences():
    scores = drawn(8)
    having = {"OCC": range(5), "AC": range(4), "SV": range(8)}
    attributes = {f"s{i}": tuple(a for a, of in having.items() if i in of) for i in range(8)}
    found = list(attribute_means("stm", scores, attributes))
    assert FEWEST == 5
    assert [(one.attribute, one.sequences) for one in found] == [("OCC", 5), ("SV", 8)]
    assert (found[0].j, found[0].f, found[0].jf) == pytest.approx((0.3, 0.35, 0.325))
    assert found[1].j == pytest.approx(0.45)


def test_without_the_attributes_of_every_sequence_there_are_no_means():
    scores = drawn(5)
    attributes = {f"s{i}": ("OCC",) for i in range(5)}
    assert len(list(attribute_means("stm", scores, attributes))) == 1
    assert list(attribute_means("stm", scores, attributes | {"further": ("OCC",)}))
    del attributes["s4"]
    assert list(attribute_means("stm", scores, attributes)) == []


def test_real_masks_score_what_the_site_printed(shared, tmp_path):
    """STM's published masks of one sequence, whose frames the site scored itself."""
    data, name = shared / "data", "car-shadow"
    archive, record = data / "published-masks-2016/stm.zip", data / "davis-site-record"
    if not (archive.is_file() and record.is_dir()):
        pytest.skip("needs ../shared/data/published-masks-2016 and davis-site-record")
    with zipfile.ZipFile(archive) as file:
        members = [x for x in file.namelist() if f"{name}/" in x and x.endswith(".png")]
        file.extractall(tmp_path, members)
    dataset: Path = data / "davis2016-val-annotations"
    scores = evaluate(tmp_path, dataset, 2016, "val", workers=1, only=(name,))
    theirs = read_printed(record, 2016, "stm")
    found = compare("stm", scores, theirs, 2016)
    assert (found.compared, found.beyond, found.differing) == (2 * 38, 0, [])
    other = read_printed(record, 2016, "osmn")
    assert compare("stm", scores, other, 2016).beyond > 38
