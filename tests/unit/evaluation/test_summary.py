"""What `ttvos evaluate` prints: scores in percent, how much was scored, and of what."""

import json
import shutil

import pytest

from tests.unit.evaluation.drawn import late_clips, write
from ttvos.cli.main import main
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.summary import per_sequence, summary
from ttvos.records.schema import Scores


def row(value: float) -> dict[str, float]:
    names = [f"{metric}-{name}" for metric in "JF" for name in ("Mean", "Recall", "Decay")]
    return {name: value + i / 100 for i, name in enumerate(names)}


PLAIN = {
    "global": {"J&F-Mean": 0.4567, **row(0.5)},
    "objects": {"a_b_1": row(0.1), "a_b_2": row(0.3), "camel_1": row(0.85)},
    "scored": {"sequences": 2, "objects": 3, "frames": 1, "available": 20, "set": "DAVIS-2016 val"},
    "notes": ["something"],
}
SCORES = Scores.model_validate(PLAIN)


def test_summary():
    assert summary(SCORES).splitlines() == [
        "J&F-Mean 45.7  J-Mean 50.0  J-Recall 51.0  J-Decay 52.0  "
        "F-Mean 53.0  F-Recall 54.0  F-Decay 55.0",
        "2 sequences, 3 objects, 1 frame; "
        "DAVIS-2016 val has 20 sequences: the scores are of a part",
        "note: something",
    ]


def test_a_whole_set_is_no_part():
    scored = {"sequences": 1, "objects": 1, "frames": 9, "available": 1, "set": "split val"}
    last = summary(Scores.model_validate({**PLAIN, "scored": scored, "notes": []})).splitlines()[-1]
    assert last == "1 sequence, 1 object, 9 frames; split val has 1 sequence"


def test_per_sequence_means_are_over_its_objects():
    head, *lines = (line.split() for line in per_sequence(SCORES).splitlines())
    assert head[:4] == ["sequence", "objects", "J&F-Mean", "J-Mean"]
    assert lines == [
        ["a_b", "2", "21.5", "20.0", "21.0", "22.0", "23.0", "24.0", "25.0"],
        ["camel", "1", "86.5", "85.0", "86.0", "87.0", "88.0", "89.0", "90.0"],
    ]
    assert len({len(line) for line in per_sequence(SCORES).splitlines()}) == 1


@pytest.mark.parametrize(
    ("year", "names", "only", "expected"),
    [
        (2017, ("one", "two"), (), (2, "split val")),
        (2017, ("one", "two"), ("two",), (2, "split val")),
        (2016, ("camel", "cows"), (), (20, "DAVIS-2016 val")),
        (2017, ("camel", "pigs"), ("pigs",), (30, "DAVIS-2017 val")),
        (2016, ("camel", "pigs"), (), (2, "split val")),  # pigs is of 2017 only
    ],
)
def test_of_what_the_scores_are(tiny_davis, results, year, names, only, expected):
    """A part of DAVIS's published sets is known for one, however the split list was cut."""
    root = tiny_davis.parent / f"davis{year - 2000}"
    for old, new in zip(("one", "two"), names, strict=True):
        for folder in (root / "Annotations/480p", results):
            (folder / old).rename(folder / new)
    (root / f"ImageSets/{year}/val.txt").write_text("\n".join(names))
    shutil.rmtree(root / "JPEGImages")
    scored = evaluate(results, root, year, only=only)["scored"]
    assert (scored["available"], scored["set"]) == expected
    assert scored["sequences"] == len(only or names)
    assert scored["frames"] == 6 * len(only or names)


def test_the_command_prints_both(tmp_path, capsys):
    results, truth = write(tmp_path, late_clips())
    out = tmp_path / "scores.json"
    arguments = ["evaluate", "--masks", results, "--truth", truth, "--out", out, "--per-sequence"]
    assert main([str(word) for word in arguments]) == 0
    scores = Scores.model_validate_json(out.read_text())
    printed = capsys.readouterr().out
    assert printed == f"{per_sequence(scores)}\n{summary(scores)}\n"
    assert "2 sequences, 4 objects, 18 frames; the data set has 2 sequences" in printed
    assert "note: late: object 9" in printed
    assert main([str(word) for word in arguments[:5]]) == 0
    assert capsys.readouterr().out == f"{summary(scores)}\n"


def test_a_record_of_what_was_fetched_needs_a_file_to_write(capsys):
    arguments = ["evaluate", "--masks", "x", "--truth", "y", "--fetched", "z"]
    assert main(arguments) == 1
    assert capsys.readouterr().err.splitlines() == [
        "ttvos: --fetched says what stands in place of scores: add --out FILE.json"
    ]


def test_the_command_s_options_reach_the_evaluator(tiny_davis, results, tmp_path):
    out = tmp_path / "scores.json"
    options = ["--year", "2017", "--ignore-void", "--objects", "all", "--only", "two"]
    data = ["--masks", str(results), "--dataset", str(tiny_davis), "--out", str(out)]
    assert main(["evaluate", *data, *options]) == 0
    source = json.loads(out.read_text())["provenance"]
    assert (source["ignore_void"], source["objects"]) == (True, "all")
    assert source["data"]["only"] == ["two"]
