"""Several seeds a row: mean, spread and their number in every table, and what they decide."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.fake_results import REST, write_run
from ttvos.report.inputs import load_inputs
from ttvos.report.measurements import summary
from ttvos.report.table import Column, Table, format_cell
from ttvos.report.table4 import TABLE4
from ttvos.report.writers import to_csv, to_markdown

PAPER = 83.8  # DAVIS-2016 J&F of exp8-hrnet as `given` writes it into a paper's table


def given(folder: Path, *scores: float) -> Path:
    """A run on whole DAVIS-2016 in which exp8-hrnet's seeds have these J&F, in points."""
    manifest = write_run(folder, seeds=tuple(range(len(scores))))
    values = json.loads(manifest.read_text())
    values |= {"profile": "paper", "comparable": {"accuracy": True, "speed": False}}
    manifest.write_text(json.dumps(values))
    for seed, score in enumerate(scores):
        path = folder / f"evaluate/exp8-hrnet-s{seed}/davis16.json"
        result = json.loads(path.read_text())
        result["objects"] = {
            f"clip{index}_1": REST
            | {
                "J-Mean": (score - 10 + index) / 100,
                "F-Mean": (score - 9 + index) / 100,
            }
            for index in range(20)
        }
        result["global"]["J&F-Mean"] = score / 100
        result["provenance"]["data"]["profile"] = "paper"
        path.write_text(json.dumps(result))
    return manifest


def table_4(manifest: Path) -> Table:
    """The ablations, with `PAPER` as the paper's number of experiment 8 on DAVIS-2016."""
    report = load_inputs(manifest)
    line = report.lines[4][-1]
    report.lines[4] = (replace(line, printed=line.printed | {"davis16_jf": str(PAPER)}),)
    return TABLE4.build(report)


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((86.0,), "one run"),
        ((85.9, 86.0, 86.1), "differs"),
        ((85.0, 86.0, 87.0), "too noisy to tell"),
        ((84.0, 84.2, 84.4), "reproduced"),
    ],
)
def test_the_spread_over_seeds_decides(tmp_path, scores, verdict):
    row = table_4(given(tmp_path, *scores)).rows[0]
    assert row["davis16_jf_verdict"].value == verdict


def test_mean_spread_and_number_of_seeds_stand_in_the_table(tmp_path):
    table = table_4(given(tmp_path, 85.0, 86.0, 87.5))
    lines = list(csv.DictReader(to_csv(table).splitlines()))
    (line,) = [line for line in lines if line["exp"] == "8"]
    assert float(line["davis16_jf_measured"]) == pytest.approx((85 + 86 + 87.5) / 3)
    assert float(line["davis16_jf_measured_spread"]) == pytest.approx(1.25830574)
    assert line["runs"] == "3"
    text = to_markdown(table)
    low, high = (float(line[f"davis16_jf_measured_{end}"]) for end in ("low", "high"))
    assert low < (85 + 86 + 87.5) / 3 < high
    assert f"| 86.2 ± 1.3 [{low:.1f}, {high:.1f}] |" in text
    assert "±: sample standard deviation" in text
    assert "50 steps, seeds 0, 1, 2: TTVOS exp8-hrnet" in text


def test_one_seed_has_no_spread(tmp_path):
    table = table_4(given(tmp_path, 85.0))
    assert table.rows[0]["davis16_jf_measured"].spread is None
    assert table.rows[0]["runs"].value == 1  # and the table says so
    assert "runs" in [column.key for column in table.shown()]
    notes = " ".join(table.notes)
    assert "±: sample" not in notes
    assert "50 steps, seed 0: TTVOS" in notes
    assert "the same seed gives other numbers on another machine, at another precision" in notes


def test_the_gain_over_held_still_has_the_spread_of_the_score(tmp_path):
    rows = summary(load_inputs(given(tmp_path, 85.0, 86.0))).rows
    row = next(r for r in rows if r["entry"].value == "TTVOS exp8-hrnet" and r["jf"].value > 80)
    assert row["gain"].spread == pytest.approx(0.5**0.5)
    assert row["runs"].value == "2"
    assert format_cell(row["gain"], Column("gain", "")) == "43.5 ± 0.7"


def test_a_difference_is_over_the_sequences_that_both_have(tmp_path):
    """Exp 4 was scored on the 8 easiest of 20 sequences: its mean is higher, the network is not."""
    manifest = given(tmp_path, 80.0, 81.0)
    for seed in (0, 1):
        path = tmp_path / f"evaluate/exp4-hrnet-s{seed}/davis16.json"
        full = json.loads((tmp_path / f"evaluate/exp8-hrnet-s{seed}/davis16.json").read_text())
        easiest = sorted(full["objects"], key=lambda name: full["objects"][name]["J-Mean"])[12:]
        full["objects"] = {name: full["objects"][name] for name in easiest}
        full["global"] = dict.fromkeys(full["global"], 0.9)
        path.write_text(json.dumps(full))
    table = TABLE4.build(load_inputs(manifest))
    cell = next(row for row in table.rows if row["exp"].value == "4")["davis16_to_full"]
    assert (cell.value, cell.spread) == pytest.approx((0.0, 0.0))
    assert cell.interval == pytest.approx((0.0, 0.0))
