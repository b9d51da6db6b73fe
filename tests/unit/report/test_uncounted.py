"""Costs that are not the whole are told of below their table."""

import json

from ttvos.report.cost_tables import cost
from ttvos.report.inputs import load_inputs


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
