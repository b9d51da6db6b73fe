"""Cost and speed: percentiles that the sample carries, fair ratios, counts told apart."""

import csv
import json
import re
from dataclasses import replace

import pytest

from ttvos.report.cost_tables import cost, speed
from ttvos.report.inputs import load_inputs
from ttvos.report.peer_pages import speed_facts
from ttvos.report.report import PAPER_TABLES
from ttvos.report.table2 import counts_apart
from ttvos.report.writers import to_csv, to_markdown


def entry(found, name: str):
    return next(row for row in found.rows if row["entry"].value == name)


@pytest.mark.parametrize(
    ("repeats", "told"),
    [([[9.0] * 5] * 5, ()), ([[9.0] * 6] * 5, ("p90_ms",)), ([[9.0] * 300], ("p90_ms", "p99_ms"))],
)
def test_percentiles_need_their_latencies(change, repeats, told):
    """Also in files that hold a p99 of 25 latencies."""

    def sample(values):
        values["streaming"] |= {"p90_ms": 11.0, "p99_ms": 13.0, "repeats": repeats}

    manifest = change("speed/exp8-hrnet.json", sample)
    row = entry(speed(load_inputs(manifest)), "TTVOS exp8-hrnet")
    assert row["latencies"].value == sum(map(len, repeats))
    assert row["p50_ms"].value is not None
    for key in ("p90_ms", "p99_ms"):
        assert (row[key].value is not None) == (key in told)
        assert key in [column.key for column in speed(load_inputs(manifest)).shown()]
    (line,) = [
        line
        for line in csv.DictReader(to_csv(speed(load_inputs(manifest))).splitlines())
        if line["entry"] == "TTVOS exp8-hrnet"
    ]
    assert line["p99_ms"] == ("13" if "p99_ms" in told else "–")


def test_a_cold_released_run_is_in_no_ratio(change):
    """Files of earlier versions keep warm over cold as their ratio."""
    manifest = change("speed/exp8-hrnet.json", lambda values: values.pop("released_warm"))
    found = speed(load_inputs(manifest))
    row, other = (entry(found, f"TTVOS exp8-{name}") for name in ("hrnet", "resnet18"))
    assert (row["over_released"].value, row["released_warm_fps"].value) == (None, None)
    assert row["released_fps"].value is not None
    assert other["over_released"].value == pytest.approx(2.0)


def test_rows_of_one_measurement_say_so(report):
    for found in (cost(report), speed(report)):
        first, second = entry(found, "frtm-resnet18"), entry(found, "frtm-resnet18-tm")
        assert (first["same"].value, second["same"].value) == (None, "as frtm-resnet18")
        assert any(note.startswith("Same measurement") for note in found.notes)
        assert "| as frtm-resnet18 |" in to_markdown(found)


def test_rows_of_their_own_measurements_say_nothing(small_run):
    for found in (cost(load_inputs(small_run)), speed(load_inputs(small_run))):
        assert not any(row["same"].value for row in found.rows)
        assert "same" not in [column.key for column in found.shown()]
        assert not any(note.startswith("Same measurement") for note in found.notes)


def test_the_counts_of_one_model_are_told_apart_in_one_line(small_run):
    (note,) = counts_apart(load_inputs(small_run))
    assert note.startswith("GMAC of one model, TTVOS exp8-hrnet: ")
    assert len(re.findall(r"\d\.\d\d ", note)) == 5
    assert "5.56 with the update too, the whole frame (Cost by part)" in note
    assert "5.49 of the whole frame as the roofline and ttvos speed count it" in note
    assert "10.52 of two frames and the start, convolutions only (Table 6)" in note
    assert note in cost(load_inputs(small_run)).notes
    assert note in PAPER_TABLES[6].build(load_inputs(small_run)).notes


def test_counts_that_agree_are_told_once(change):
    """Two files that count alike have one number, and one place in the line."""

    def alike(values):
        values["roofline"]["streaming"]["macs"] = 5_556_000_000

    (note,) = counts_apart(load_inputs(change("speed/exp8-hrnet.json", alike)))
    assert "5.56 with the update too, the whole frame (Cost by part, the roofline, ttvos" in note
    assert note.count("5.56") == 1


def test_counts_that_are_not_there_are_not_told(change):
    def uncounted(values):
        for row in values["rows"]:
            row |= {"speed": None}
            row["cost"] = row["cost"] if row["row"] == "exp8-hrnet" else None

    (note,) = counts_apart(load_inputs(change("manifest.json", uncounted)))
    assert "roofline" not in note

    def nothing(values):
        values["rows"] = []

    assert counts_apart(load_inputs(change("manifest.json", nothing))) == []


def test_a_peers_page_tells_the_size_of_its_sample(report):
    peer = next(peer for peer in report.peers if peer.name == "gc")
    told = dict(speed_facts(peer))["A frame"]
    assert re.fullmatch(r"p50 \d+ ms; of 6 latencies", told)
    speed = peer.speed.record
    many = speed.model_copy(
        update={"streaming": speed.streaming.model_copy(update={"repeats": [[1.0] * 300]})}
    )
    told = dict(speed_facts(replace(peer, speed=replace(peer.speed, record=many))))["A frame"]
    assert re.fullmatch(r"p50 \d+ ms, p90 \d+ ms, p99 \d+ ms; of 300 latencies", told)


def test_speeds_of_a_busy_machine_say_so(change):
    """`ttvos speed` says so on the terminal; the page must not show them without a word."""
    busy = {"used_by_others": 1.2, "cores": 2}
    manifest = change("speed/exp8-hrnet.json", lambda values: values.update(load=busy))
    (note,) = [note for note in speed(load_inputs(manifest)).notes if "other processes" in note]
    assert note == (
        "TTVOS exp8-hrnet: other processes used 1.2 of 2 cores: do not use these figures."
    )


def add_row(run, name, **found):
    """A row of a user's class, with a cost file."""
    data = {"parameters": {"total": 5, "parts": {}, "other": 5}, "height": 64, "width": 96}
    data |= {"tracker": name, "objects": 1, "cycle": 1}
    path = run.parent / f"{name}.json"
    path.write_text(json.dumps({**data, "provenance": {}, **found}))
    values = json.loads(run.read_text())
    entry = {"row": name, "method": name, "tracker": "mine:Own", "variant": "", "backbone": ""}
    values["rows"].append({**entry, "seeds": [0], "evaluate": {}, "cost": path.name})
    run.write_text(json.dumps(values))


def test_rows_whose_work_is_not_all_counted_have_a_note(small_run):
    before = cost(load_inputs(small_run)).notes
    assert not any("GMAC are not known" in note or "cannot be" in note for note in before)
    macs = {"init": 0, "frame": 5, "parts": {}, "init_parts": {}, "steps": [5]}
    add_row(small_run, "Plain", macs=macs, uncounted=[])
    add_row(small_run, "Odd", macs=macs, uncounted=["a::b", "torchvision::deform_conv2d"])
    add_row(small_run, "NumPy", macs={**macs, "frame": 0}, uncounted=[])
    notes = [note for note in cost(load_inputs(small_run)).notes if note not in before]
    assert [note.partition(":")[0] for note in notes] == ["Odd", "NumPy"]
    assert "a::b, torchvision::deform_conv2d" in notes[0]
