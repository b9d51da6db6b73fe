"""A row that a run's settings leave untrained says so, and keeps its cost."""

import json

from tests.unit.report.test_own_rows import table
from ttvos.plan.manifest import UNTRAINED
from ttvos.report.inputs import load_inputs
from ttvos.report.measurements import summary
from ttvos.report.table import format_cell
from ttvos.report.verdicts import LEFT_OUT, UNTRAINED_RULE

ROW = "exp8-resnet18"


def test_a_row_that_is_left_untrained_says_so_and_keeps_its_cost(small_run):
    values = json.loads(small_run.read_text())
    row = next(row for row in values["rows"] if row["row"] == ROW)
    row |= {"seeds": [], "train": [], "loss": [], "untrained": UNTRAINED}
    row |= {key: {name: [] for name in row[key]} for key in ("evaluate", "predict")}
    small_run.write_text(json.dumps(values))
    found = table(small_run, 6)
    row = next(r for r in found.rows if r["backbone"].value == "ResNet18")
    assert format_cell(row["davis17_jf_not_comparable"], found.columns[0]) == UNTRAINED
    verdict = row["davis17_jf_verdict"]
    assert (verdict.value, verdict.reason) == ("not measured here", UNTRAINED)
    assert row["gmac_two_frame_clip_verdict"].value == "reproduced"
    assert LEFT_OUT in found.notes
    assert UNTRAINED_RULE not in found.notes
    accuracy = summary(load_inputs(small_run)).rows
    said = [line["jf"].reason for line in accuracy if line["entry"].value == f"TTVOS {ROW}"]
    assert set(said) == {UNTRAINED}
