"""Notes on what a training started from: a file gives its backbone, and no more."""

import json

import pytest

from tests.unit.report.test_own_rows import table
from ttvos.report.notes import start, trained_within

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
    notes = table(small_run, 4).notes
    (starts,) = [note for note in notes if note.startswith("Trained here")]
    backbone = "from the backbone of ttvos-hrnet-davis.safetensors, heads random, 50 steps"
    assert f"TTVOS exp1-hrnet (seed 0) {backbone}" in starts
    assert "TTVOS exp3-hrnet (seed 0) from random weights, 50 steps" in starts
    told = [note for note in notes if "learnt within a training of exp8" in note]
    assert len(told) == 1
    assert told[0].startswith("The backbone of ttvos-hrnet-davis.safetensors learnt within")
