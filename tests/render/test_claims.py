"""Verdicts on the paper's claims follow the rule that stands under their table."""

import csv
from pathlib import Path

import pytest

from tests.publication.fake_profile import write_profile
from ttvos.publication.form import Published, Score, read_published
from ttvos.publication.publish import publish
from ttvos.render.claims import CLEAR, RULE, claims, judge, model_scores
from ttvos.render.paper import PAPER_FOLDER, read_paper
from ttvos.render.writers import to_csv, to_latex, to_markdown
from ttvos.variants import load_variants

ROWS = ("exp1-hrnet", "exp2-hrnet", "exp3-hrnet", "exp4-hrnet", "exp8-hrnet")


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([], "not measured"),
        ([2.0], "holds, one seed"),
        ([1.99], "too close to tell, one seed"),
        ([-1.99], "too close to tell, one seed"),
        ([-2.0], "does not hold, one seed"),
        ([0.3, 0.3], "holds"),
        ([-0.3, -0.3], "does not hold"),
        ([0.0, 0.0], "too close to tell"),
        ([9.0, 1.0], "too close to tell"),  # mean 5, spread 5.66
        ([9.0, 3.0], "holds"),  # mean 6, spread 4.24
        ([-9.0, -3.0, -6.0], "does not hold"),
        ([-9.0, 3.0, 6.0], "too close to tell"),
    ],
)
def test_the_rule(differences, verdict):
    assert judge(differences) == verdict


def test_the_rule_in_words_has_the_rules_numbers():
    assert f"below {CLEAR:.0f} points" in RULE


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
    row = line(claims(ablation), "exp4", "exp3")
    assert row["davis17_jf"].value == pytest.approx(58.7 - 57.5)
    assert row["davis16_jf"].value == pytest.approx(79.5 - 77.1)


def test_ours_are_paired_over_seeds(ablation):
    row = line(claims(ablation), "exp4", "exp3")
    assert row["val3_difference"].value == pytest.approx(3.0)
    assert row["val3_difference"].spread == pytest.approx(0.0, abs=1e-3)
    assert (row["val3_seeds"].value, row["val3_verdict"].value) == ("2", "holds")
    row = line(claims(ablation), "exp1", "exp2")
    assert row["held_difference"].value == pytest.approx(-3.0)
    assert row["held_verdict"].value == "does not hold"


def without(one: Published, leave_out) -> Published:
    """The same without the scores for which leave_out(score)."""
    scores = tuple(score for score in one.scores if not leave_out(score))
    return Published(one.name, one.record, scores)


def test_only_seeds_that_both_have_are_compared(ablation):
    def gone(score: Score) -> bool:
        return (score.variant, score.seed, score.dataset) == ("exp3", 1, "val3")

    row = line(claims(without(ablation, gone)), "exp4", "exp3")
    assert (row["val3_seeds"].value, row["val3_difference"].spread) == ("1", None)
    assert row["val3_verdict"].value == "holds, one seed"
    assert row["held_seeds"].value == "2"


def test_missing_experiments_are_not_measured(ablation):
    row = line(claims(ablation), "exp8", "exp5")
    assert row["val3_difference"].value is None
    assert (row["val3_seeds"].value, row["val3_verdict"].value) == ("0", "not measured")
    assert row["davis17_jf"].value == pytest.approx(0.6)


def test_other_backbones_do_not_count(tmp_path):
    one = published(tmp_path, ("exp8-hrnet", "exp8-resnet18"), (0,))
    assert set(model_scores(one)) == {("exp8", "val3"), ("exp8", "held")}


def test_every_claim_compares_two_experiments_of_the_paper():
    lines = read_paper("claims")
    assert list(lines[0]) == ["name", "wording", "section", "better", "worse"]
    known = {f"exp{printed['exp']}" for printed in read_paper("table4")}
    for claim in lines:
        assert {claim["better"], claim["worse"]} <= known <= set(load_variants())
        assert claim["better"] != claim["worse"]
        assert all(claim.values())
    assert len({claim["name"] for claim in lines}) == len(lines)


def test_a_claim_of_ones_own(ablation, tmp_path):
    """Claims are data: another line is another row."""
    for name in ("table4.csv", "claims.csv"):
        (tmp_path / name).write_text((PAPER_FOLDER / name).read_text())
    with open(tmp_path / "claims.csv", "a") as handle:
        handle.write("mine,More is better.,none,exp8,exp1\n")
    row = claims(ablation, tmp_path).rows[-1]
    assert row["claim"].value == "More is better."
    assert row["val3_difference"].value == pytest.approx(21.0)


def test_the_files_say_data_and_rule(ablation):
    table = claims(ablation)
    assert table.name == "claims-tiny"
    markdown = to_markdown(table)
    assert "Data profile: **tiny-real**" in markdown
    assert f"- {RULE}" in markdown
    assert "| +1.2 | +2.4 | +3.0 ± 0.0 | 2 | holds |" in markdown
    rows = list(csv.DictReader(to_csv(table).splitlines()))
    assert rows[3]["davis17_jf"] == "1.2"
    assert rows[3]["val3_verdict"] == "holds"
    assert r"\label{tab:claims-tiny}" in to_latex(table)
