"""Verdicts on the paper's claims follow the rule that stands under their table."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.publication.fake_profile import write_profile
from ttvos.config.experiments import load_rows, load_variants
from ttvos.evaluation.compare import RULE
from ttvos.report.claims import arms, claims
from ttvos.report.paper import PAPER_FOLDER, read_paper
from ttvos.report.publication.form import Published, Score, SequenceScore, read_published
from ttvos.report.publication.publish import publish
from ttvos.report.writers import to_csv, to_latex, to_markdown

ROWS = ("exp1-hrnet", "exp2-hrnet", "exp3-hrnet", "exp4-hrnet", "exp8-hrnet")


def published(folder: Path, *arguments) -> Published:
    publish(write_profile(folder / "results", *arguments), folder / "kept/tiny")
    (one,) = read_published(folder / "kept")
    return one


@pytest.fixture(scope="module")
def ablation(tmp_path_factory) -> Published:
    """Five of the eight experiments with two seeds."""
    return published(tmp_path_factory.mktemp("ablation"), ROWS, (0, 1))


def line(table, better: str, worse: str) -> dict:
    (row,) = [row for row in table.rows if row["compared"].value == f"{better} − {worse}"]
    return row


def test_the_papers_differences_come_from_its_table(ablation):
    row = line(claims(ablation)[0], "exp4", "exp3")
    assert row["davis17_jf"].value == pytest.approx(58.7 - 57.5)
    assert row["davis16_jf"].value == pytest.approx(79.5 - 77.1)


def test_ours_are_paired_over_seeds(ablation):
    row = line(claims(ablation)[0], "exp4", "exp3")
    assert row["val3_difference"].value == pytest.approx(3.0)
    assert row["val3_difference"].spread == pytest.approx(0.0, abs=1e-3)
    assert (row["val3_seeds"].value, row["val3_sequences"].value) == ("2", "3")
    assert row["val3_verdict"].value == "not shown"  # two seeds, three sequences
    assert row["val3_verdict"].reason == "3 of the 6 sequences or more that can show anything"
    row = line(claims(ablation)[0], "exp1", "exp2")
    assert row["held_difference"].value == pytest.approx(-3.0)


NAMES = tuple(f"clip{index}" for index in range(8))


def kept(noise: float = 0.3, seeds: tuple[int, ...] = (0, 1, 2)) -> Published:
    """Experiments 1 to 8, three points apart, on 8 sequences."""
    rng, scores, parts = np.random.default_rng(0), [], []
    for number in range(1, 9):
        row = f"exp{number}-hrnet"
        for seed in seeds:
            values = 50 + 3 * number + np.arange(8) + noise * rng.normal(size=8)
            mean = float(values.mean())
            names = ("val", "8 clips", 8, 8, *(mean,) * 7, 500, 90.0, "a device")
            scores.append(Score(row, "model", row, f"exp{number}", "hrnet", seed, *names))
            parts += [
                SequenceScore(row, seed, "val", name, 1, value, value, value)
                for name, value in zip(NAMES, values.tolist(), strict=True)
            ]
    record = {"profile": "p", "caution": "c", "data_label": "clips"}
    record["datasets"] = {"val": {"label": "8 clips"}}
    return Published("kept", record, tuple(scores), tuple(parts))


def test_claims_hold_and_are_contradicted_with_three_seeds_and_enough_sequences():
    table, fell = claims(kept())
    verdicts = {row["compared"].value: row["val_verdict"].value for row in table.rows}
    assert verdicts["exp4 − exp3"] == "holds"
    assert verdicts["exp1 − exp2"] == "contradicted"
    row = line(table, "exp4", "exp3")
    low, high = row["val_difference"].interval
    assert low < 3.0 < high
    assert row["val_p"].value <= 0.05
    assert row["val_p_holm"].value <= 0.05
    assert fell.startswith("8 clips: of 8 claims ")
    assert "1 is contradicted" in fell
    assert fell.endswith("0 are not measured (3 seeds).")


def test_noise_hides_them():
    table = claims(kept(noise=30.0))[0]
    row = line(table, "exp4", "exp3")
    assert row["val_verdict"].value == "not shown"
    assert row["val_verdict"].reason.endswith("points or more would have been shown")
    assert row["val_difference"].interval[0] < 0 < row["val_difference"].interval[1]


def test_arms_are_matched_by_seed_and_sequence_whatever_their_order():
    one = kept()
    shuffled = Published(one.name, one.record, one.scores[::-1], one.sequences[::-1])
    for first, second in zip(claims(one)[0].rows, claims(shuffled)[0].rows, strict=True):
        assert first == second
    gone = [x for x in one.sequences if (x.row, x.seed) != ("exp3-hrnet", 0)]
    values, objects = arms(
        Published("kept", one.record, one.scores, tuple(gone)), "exp4", "exp3", "val"
    )
    assert values.shape == (8, 2)
    whole, _ = arms(one, "exp4", "exp3", "val")
    assert values == pytest.approx(whole[:, 1:])
    assert objects.tolist() == [1.0] * 8


def without(one: Published, leave_out) -> Published:
    """The same without the scores for which leave_out(score)."""
    scores = tuple(score for score in one.scores if not leave_out(score))
    kept = {(score.row, score.seed, score.dataset) for score in scores}
    parts = tuple(x for x in one.sequences if (x.row, x.seed, x.dataset) in kept)
    return Published(one.name, one.record, scores, parts)


def test_only_seeds_that_both_have_are_compared(ablation):
    def gone(score: Score) -> bool:
        return (score.variant, score.seed, score.dataset) == ("exp3", 1, "val3")

    row = line(claims(without(ablation, gone))[0], "exp4", "exp3")
    assert (row["val3_seeds"].value, row["val3_difference"].spread) == ("1", None)
    assert row["val3_difference"].interval is None  # one seed says nothing of others
    assert row["val3_verdict"].value == "not shown"
    assert row["held_seeds"].value == "2"


def test_missing_experiments_are_not_measured(ablation):
    row = line(claims(ablation)[0], "exp8", "exp5")
    assert row["val3_difference"].value is None
    assert (row["val3_seeds"].value, row["val3_verdict"].value) == ("0", "not measured")
    assert row["davis17_jf"].value == pytest.approx(0.6)


def test_other_backbones_do_not_count(tmp_path):
    one = published(tmp_path, ("exp8-hrnet", "exp8-resnet18"), (0,))
    values, _ = arms(one, "exp8", "exp8", "val3")
    assert values.shape == (3, 1)
    others = tuple(s for s in one.scores if s.backbone != "hrnet")
    assert arms(Published("x", one.record, others, one.sequences), "exp8", "exp8", "val3") is None


def frtm(better: float) -> Published:
    """FRTM-VOS without and with the loss, which adds so many points, on 8 sequences."""
    one = kept()
    scores, parts = [], []
    for row, name, more in (("frtm-resnet18", "exp1", 0), ("frtm-resnet18-tm", "exp1", better)):
        of = f"{name}-hrnet"
        change = {"row": row, "variant": "", "backbone": "resnet18"}
        scores += [replace(x, **change) for x in one.scores if x.row == of]
        parts += [replace(x, row=row, jf=x.jf + more) for x in one.sequences if x.row == of]
    return Published("kept", one.record, tuple(scores), tuple(parts))


@pytest.mark.parametrize(("more", "verdict"), [(2.0, "holds"), (-2.0, "contradicted")])
def test_the_loss_in_frtm_is_a_claim_of_table_5(more, verdict):
    table, fell = claims(frtm(more))
    (row,) = table.rows
    assert row["compared"].value == "frtm-resnet18-tm − frtm-resnet18"
    assert row["davis16_jf"].value == pytest.approx(82.0 - 78.5)
    assert row["val_difference"].value == pytest.approx(more)
    assert row["val_verdict"].value == verdict
    assert fell.startswith("8 clips: of 1 claim ")


def test_results_that_no_claim_is_about_have_no_table():
    one = without(frtm(1.0), lambda score: score.row.endswith("-tm"))
    assert claims(one) == (None, "")


def test_every_claim_compares_two_lines_of_the_paper():
    lines = read_paper("claims")
    assert list(lines[0]) == ["name", "wording", "section", "better", "worse"]
    experiments = {f"exp{printed['exp']}" for printed in read_paper("table4")}
    assert experiments <= set(load_variants())
    known = experiments | {name for name, row in load_rows().items() if row.tracker == "frtm"}
    for claim in lines:
        assert {claim["better"], claim["worse"]} <= known
        assert claim["better"] != claim["worse"]
        assert all(claim.values())
    assert len({claim["name"] for claim in lines}) == len(lines)


def test_a_claim_of_ones_own(ablation, tmp_path):
    """Claims are data: another line is another row."""
    for name in ("table4.csv", "table5.csv", "claims.csv"):
        (tmp_path / name).write_text((PAPER_FOLDER / name).read_text())
    with open(tmp_path / "claims.csv", "a") as handle:
        handle.write("mine,More is better.,none,exp8,exp1\n")
    row = claims(ablation, tmp_path)[0].rows[-1]
    assert row["claim"].value == "More is better."
    assert row["val3_difference"].value == pytest.approx(21.0)


def test_the_files_say_data_and_rule(ablation):
    table = claims(ablation)[0]
    assert table.name == "claims-tiny"
    markdown = to_markdown(table)
    assert "Run: **tiny-real**" in markdown
    assert f"- {RULE}" in markdown
    assert "| +1.2 | +2.4 | not shown (3 of the 6 " in markdown
    assert " | +3.0 ± 0.0 [+3.0, +3.0] | 2 | 3 | 0.2500 | " in markdown
    rows = list(csv.DictReader(to_csv(table).splitlines()))
    assert rows[3]["davis17_jf"] == "1.2"
    assert rows[3]["val3_verdict"] == "not shown"
    assert rows[3]["val3_verdict_reason"].startswith("3 of the 6 sequences")
    assert float(rows[3]["val3_difference_low"]) == pytest.approx(3.0, abs=1e-3)
    assert r"\label{tab:claims-tiny}" in to_latex(table)
