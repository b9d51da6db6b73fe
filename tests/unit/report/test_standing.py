"""A dataset's year and split say which of the paper's columns it stands in; its name does not."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.fake_results import evaluation
from ttvos.report.figure_speed import mask_points, own_points, published_points
from ttvos.report.figure_weights import load_weights
from ttvos.report.inputs import load_inputs
from ttvos.report.quantities import DAVIS16, DAVIS17, candidates
from ttvos.report.report import PAPER_TABLES


def renamed(run: Path, out: Path, **names: str) -> Path:
    """A manifest beside `run` whose datasets have other names."""
    text = run.read_text()
    values = json.loads(text)
    for old, new in names.items():
        values["datasets"][new] = values["datasets"].pop(old)
        for part in ("rows", "references", "masks", "published", "peers"):
            for entry in values.get(part, ()):
                for kind in ("evaluate", "predict"):
                    if old in entry.get(kind, {}):
                        entry[kind][new] = entry[kind].pop(old)
    path = run.with_name(out.name)
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def other(run, records):
    """The made-up run with datasets of other names, even of each other's."""
    manifest = renamed(run, Path("val8.json"), davis16="val8", davis17="davis16")
    return load_inputs(manifest, records=records)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6])
def test_tables_are_the_same_whatever_the_datasets_are_called(report, other, number):
    one, two = PAPER_TABLES[number].build(report), PAPER_TABLES[number].build(other)
    assert one.rows == two.rows
    assert one.columns == two.columns


def test_figures_are_the_same_whatever_the_datasets_are_called(report, other):
    for panel in (DAVIS16, DAVIS17):
        for points in (own_points, mask_points, published_points):
            assert points(report, panel) == points(other, panel)
    assert mask_points(other, DAVIS16)  # there is something to see
    one, two = load_weights(report.located), load_weights(other.located)
    assert (one.dataset, two.dataset) == ("davis17", "davis16")  # the one of 2017
    assert len(one.objects) == len(two.objects) == 10


def with_dataset(change, name: str, **data) -> Path:
    """The run with one more dataset, on which exp1-hrnet and the masks are scored."""

    def add(values):
        values["datasets"][name] = {"root": "x", "year": 2016, **data}
        values["rows"][0]["evaluate"] = {name: ["more.json"]}
        values["masks"][0]["evaluate"] = {name: "more.json"}

    manifest = change("manifest.json", add)
    made = evaluation(0.9, np.random.default_rng(2), 2016)
    (manifest.parent / "more.json").write_text(json.dumps(made))
    return manifest


def test_another_split_stands_in_no_column_and_a_note_says_so(change):
    report = load_inputs(with_dataset(change, "davis16b", split="train"))
    found = PAPER_TABLES[4].build(report)
    assert "davis16_jf_not_comparable" not in found.rows[0]
    assert found.rows[0]["davis16_jf_verdict"].reason == "not in this run"
    note = "Not in these columns, since the paper has no such set: davis16b (split train of 2016)."
    assert note in found.notes
    assert note in PAPER_TABLES[3].build(report).notes


def test_a_column_of_several_datasets_says_which_is_whose(change):
    report = load_inputs(with_dataset(change, "val8"))
    found = PAPER_TABLES[4].build(report)
    assert found.rows[0]["davis16_jf_not_comparable"].value == pytest.approx(90)
    (note,) = [note for note in found.notes if "several datasets" in note]
    assert "DAVIS16 has scores on several datasets: val8 of TTVOS exp1-hrnet; davis16 of" in note


def test_the_nearest_dataset_to_the_papers_comes_first(change):
    def add(values):
        new = {
            "half": {"root": "x", "year": 2016, "input_scale": 0.5},
            "part": {"root": "x", "year": 2016, "only": ["a"]},
            "held": {"root": "x", "year": 2016, "split": "train"},
        }
        values["datasets"] = new | values["datasets"]

    manifest = load_inputs(change("manifest.json", add)).manifest
    assert candidates(manifest, "davis16") == ["davis16", "part", "half"]
    assert candidates(manifest, "davis17") == ["davis17"]


def test_a_line_to_the_papers_dot_needs_the_same_sequences(run, records):
    """Published masks of part of the set are a mark by themselves, with a name of its own."""
    manifest = run.with_name("whole.json")
    manifest.write_text(run.read_text().replace('"profile": "mini"', '"profile": "paper"', 1))
    whole = {p.name: p for p in published_points(load_inputs(manifest, records=records), DAVIS16)}
    assert (whole["SegFlow"].origin, whole["STM"].origin) == (83.1, 89.3)
    path = run.parent / "published/SegFlow.json"
    kept = path.read_text()
    values = json.loads(kept)
    values["objects"] = dict(list(values["objects"].items())[:8])
    try:
        path.write_text(json.dumps(values))
        report = load_inputs(manifest, records=records)
    finally:
        path.write_text(kept)
    part = {p.name: p for p in published_points(report, DAVIS16)}
    assert (part["SegFlow, masks"].origin, part["STM"].origin) == (None, 89.3)
    assert part["SegFlow, masks"].kind != part["STM"].kind
