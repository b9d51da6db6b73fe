"""A row of experiments.tsv stands in the tables that it names, also where the paper has no line."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.fake_results import cost, evaluation, training, write_json
from ttvos.config.experiments import TABLES, Variant, load_variants
from ttvos.report.answer import verdict_counts
from ttvos.report.inputs import load_inputs
from ttvos.report.report import PAPER_TABLES
from ttvos.report.table import Cell, Table
from ttvos.report.writers import to_csv, to_latex, to_markdown

NEW = Variant("exp9", adaptive_weight=False, attention_clue="reextract")


@pytest.fixture(autouse=True)
def one_more_variant(monkeypatch):
    """experiments.tsv with an experiment of the user's."""
    known = load_variants() | {"exp9": NEW}
    monkeypatch.setattr("ttvos.report.table4.load_variants", lambda: known)


def with_row(manifest: Path, tables: list[int], scores: dict[int, float], **changes) -> Path:
    """The run with one more row; scores: J&F (0 to 1) on DAVIS-2017 by seed."""
    folder, rng = manifest.parent, np.random.default_rng(1)
    files = [
        write_json(folder, f"evaluate/new-s{seed}/davis17.json", evaluation(score, rng, 2017))
        for seed, score in scores.items()
    ]
    row = {
        **{"row": "exp9-hrnet", "variant": "exp9", "backbone": "hrnet", "transition_loss": True},
        **{"tables": tables, "seeds": list(scores), "evaluate": {"davis17": files}},
        "train": [
            write_json(folder, f"train/new-s{seed}/train.json", training("exp9-hrnet", seed, 5000))
            for seed in scores
        ],
        "cost": write_json(folder, "cost/new.json", cost("hrnet")),
        **changes,
    }
    values = json.loads(manifest.read_text())
    values["rows"].insert(0, row)  # first: nothing may take the first row that fits half
    manifest.write_text(json.dumps(values))
    return manifest


def table(manifest: Path, number: int) -> Table:
    return PAPER_TABLES[number].build(load_inputs(manifest))


def test_a_new_experiment_stands_in_table_4_with_its_parts(small_run):
    found = table(with_row(small_run, [4], {0: 0.613}), 4)
    *papers, row = found.rows
    assert [line["exp"].value for line in papers] == [str(number) for number in range(1, 9)]
    assert row["exp"].value == "TTVOS exp9-hrnet"
    ticks = [row[key].value for key in ("short_term", "long_term", "update_long_term")]
    assert ticks == ["✓", "✓", "✓"]
    assert (row["adaptive_weight"].value, row["attention_clue"].value) == ("–", "reextract")
    assert row["davis17_jf_not_comparable"].value == pytest.approx(61.3)
    assert not [key for key in row if key.endswith(("_paper", "_verdict"))]
    assert row["section"].value != papers[0]["section"].value
    assert "evaluate/new-s0/davis17.json" in found.sources
    for text in (to_csv(found), to_markdown(found), to_latex(found)):
        assert "exp9-hrnet" in text


def test_its_difference_to_exp_8_is_paired_by_seed(small_run):
    """Exp 8 has seed 0 alone: seed 7 has nothing to be set against."""
    scores = json.loads((small_run.parent / "evaluate/exp8-hrnet-s0/davis17.json").read_text())
    full = 100 * scores["global"]["J&F-Mean"]
    row = table(with_row(small_run, [4], {7: 0.99, 0: 0.613}), 4).rows[-1]
    assert row["davis17_to_full"].value == pytest.approx(61.3 - full)
    assert row["davis17_to_full"].spread is None
    assert row["davis16_to_full"].value is None
    assert row["runs"].value == 2


def test_no_seed_in_common_is_no_difference(small_run):
    row = table(with_row(small_run, [4], {7: 0.613}), 4).rows[-1]
    assert (row["davis17_to_full"].value, row["davis17_to_full"].reason) == (
        None,
        "no seed in common",
    )


def test_the_papers_experiments_have_the_difference_too(small_run):
    found = table(small_run, 4)
    assert found.sections == ""  # nothing below the paper's rows
    first, last = found.rows[0], found.rows[-1]
    ours = [row["davis17_jf_not_comparable"].value for row in (first, last)]
    assert first["davis17_to_full"].value == pytest.approx(ours[0] - ours[1])
    assert "davis17_to_full" not in last


def unsectioned(row: dict[str, Cell]) -> dict[str, Cell]:
    return {key: cell for key, cell in row.items() if key != "section"}


@pytest.mark.parametrize("number", TABLES)
def test_a_row_stands_in_each_table_that_it_names_and_takes_no_line_of_the_papers(
    small_run, number
):
    before = table(small_run, number)
    found = table(with_row(small_run, [number], {0: 0.613}), number)
    first = found.columns[0].key
    others = [row for row in found.rows if row[first].value != "TTVOS exp9-hrnet"]
    assert len(others) == len(found.rows) - 1
    assert [unsectioned(row) for row in others] == [unsectioned(row) for row in before.rows]
    assert verdict_counts([found]) == verdict_counts([before])


@pytest.mark.parametrize("number", TABLES)
def test_a_row_stands_in_no_table_that_it_does_not_name(small_run, number):
    others = [other for other in TABLES if other != number]
    found = table(with_row(small_run, others, {0: 0.613}), number)
    assert "exp9" not in to_csv(found)


def test_the_same_experiment_on_another_backbone_is_not_the_papers(small_run):
    changes = {"row": "exp3-resnet18", "variant": "exp3", "backbone": "resnet18"}
    found = table(with_row(small_run, [4], {0: 0.99}, **changes), 4)
    third = next(row for row in found.rows if row["exp"].value == "3")
    assert third["davis17_jf_not_comparable"].value < 90
    assert found.rows[-1]["exp"].value == "TTVOS exp3-resnet18"
    full = json.loads(
        (small_run.parent / "evaluate/exp8-resnet18-s0/davis17.json").read_text()
    )  # the full model on its backbone
    expected = 99 - 100 * full["global"]["J&F-Mean"]
    assert found.rows[-1]["davis17_to_full"].value == pytest.approx(expected)


def test_ttvos_with_the_loss_is_not_frtm(small_run):
    changes = {"row": "exp8-resnet18-b", "variant": "exp8", "backbone": "resnet18"}
    found = table(with_row(small_run, [5], {0: 0.99}, **changes), 5)
    *papers, row = found.rows
    values = [cell.value for line in papers for cell in line.values()]
    assert 99.0 not in [round(value, 6) for value in values if isinstance(value, float)]
    assert row["method"].value == "TTVOS exp8-resnet18-b"
    assert row["transition_loss"].value == "✓"
    assert row["davis17_jf_not_comparable"].value == pytest.approx(99)
