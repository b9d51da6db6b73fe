"""experiments.tsv: the paper's experiments, and rows that are refused."""

import pytest

from ttvos.config.experiments import (
    BACKBONES,
    EXPERIMENTS,
    TABLES,
    find_variant,
    load_rows,
    load_variants,
)
from ttvos.core.errors import UserError
from ttvos.core.provenance import REPOSITORY
from ttvos.report.report import PAPER_TABLES


def test_variants_are_the_eight_experiments_and_all_backbones():
    assert list(load_variants()) == [f"exp{number}" for number in range(1, 9)]
    own = [row for row in load_rows().values() if row.tracker == "ttvos"]
    assert {row.backbone for row in own} == set(BACKBONES)
    assert {n for row in own for n in row.tables} == {2, 3, 4, 6}


def test_table_5_has_its_four_rows():
    rows = [row for row in load_rows().values() if 5 in row.tables]
    assert {row.tracker for row in rows} == {"frtm"}
    pairs = {(row.backbone, row.transition_loss) for row in rows}
    assert pairs == {(name, loss) for name in ("resnet18", "resnet101") for loss in (False, True)}


def test_a_class_of_the_users_own_is_a_row(tmp_path):
    text = EXPERIMENTS.read_text()
    own = ["mine", "my_package.tracker:Mine", "-", "-", "-", "-", "-", "-", "-", "-", "3"]
    (tmp_path / "experiments.tsv").write_text(text + "\t".join(own) + "\n")
    row = load_rows(tmp_path / "experiments.tsv")["mine"]
    assert (row.tracker, row.variant, row.transition_loss) == (own[1], None, None)


def own_row(*tables):
    return "\t".join(["mine", "my_package.tracker:Mine", *["-"] * 8, *tables]) + "\n"


@pytest.mark.parametrize("tables", [("-",), ("",), (), (" - ",)], ids=repr)
def test_no_tables_are_a_dash_or_nothing(tmp_path, tables):
    text = EXPERIMENTS.read_text()
    (tmp_path / "experiments.tsv").write_text(text + own_row(*tables))
    assert load_rows(tmp_path / "experiments.tsv")["mine"].tables == ()


@pytest.mark.parametrize("change", ["\ufeff{}", "{}\n\n", "{}\t\t\n"])
def test_what_editors_add_changes_nothing(tmp_path, change):
    text = EXPERIMENTS.read_text()
    edited = change.format(text).replace("\n", "\r\n")
    (tmp_path / "experiments.tsv").write_bytes(edited.encode())
    assert load_rows(tmp_path / "experiments.tsv") == load_rows()


def test_another_encoding_is_one_clear_line(tmp_path):
    text = EXPERIMENTS.read_text()
    (tmp_path / "experiments.tsv").write_bytes(text.encode("utf-16"))
    with pytest.raises(UserError, match=r"experiments\.tsv: .*save it as UTF-8"):
        load_rows(tmp_path / "experiments.tsv")


def test_variants_are_those_of_table_4():
    """experiments.tsv against the paper's own columns."""
    import pandas as pd

    table = pd.read_csv(REPOSITORY / "data/paper/table4.csv").set_index("exp")
    clue = {"0": "none", "1": "full", "reextract": "reextract"}
    for number, line in table.iterrows():
        variant = load_variants()[f"exp{number}"]
        assert variant.short_term == bool(line.short_term)
        assert variant.long_term == bool(line.long_term)
        assert variant.adaptive_weight == bool(line.adaptive_weight)
        assert variant.update_template == bool(line.update_long_term)
        assert variant.transition_loss == bool(line.transition_map)
        assert variant.attention_clue == clue[str(line.attention_clue)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\texp8\tresnet18\t1", "\texp8\tresnet18\t0", "two meanings"),
        ("exp8-resnet18", "exp8-hrnet", "stands there twice"),
        ("\tfrtm\t-\tresnet18\t-", "\tfrtm\t-\tresnet18\t1", "frtm has no short_term: write -"),
        ("\tfrtm\t-\tresnet18\t", "\tfrtm\t-\tresnet50\t", "unknown backbone 'resnet50'"),
        ("frtm-resnet18\tfrtm", "frtm-resnet18\tFRTM", "package.module:Class"),
        ("\tresnet18\t", "\tvgg\t", "unknown backbone 'vgg'"),
        ("reextract", "maybe", "attention_clue: expected full, none, reextract, got 'maybe'"),
        ("exp1\thrnet\t1", "exp1\thrnet\tyes", "must be 0 or 1"),
        ("exp1\thrnet\t1\t0", "exp1\thrnet\t0\t0", "row exp1-hrnet: short_term and long_term are"),
        ("hrnet\t1\t0\t0\t0", "hrnet\t1\t0\t0\t1", "update_template is 1 but long_term 0"),
        ("hrnet\t1\t0\t0\t0", "hrnet\t1\t0\t1\t0", "adaptive_weight is 1 but long_term 0"),
        ("short_term\t", "short\t", "columns must be exactly"),
        ("\tlong_term\t", "\tlong_term,", "columns must be exactly"),
        ("\tnone\t0\t4\n", "\tnone\t0\t3;6\n", "row exp1-hrnet: tables .* not '3;6'"),
        ("\tnone\t0\t4\n", "\tnone\t0\t7\n", "row exp1-hrnet: tables: no table 7"),
        ("exp1\thrnet\t1", "exp1 hrnet 1", "row exp1-hrnet: 9 fields, 11 expected"),
    ],
)
def test_bad_rows_are_one_clear_line(tmp_path, old, new, message):
    text = EXPERIMENTS.read_text()
    assert old in text
    (tmp_path / "experiments.tsv").write_text(text.replace(old, new))
    with pytest.raises(UserError, match=message):
        load_rows(tmp_path / "experiments.tsv")


def test_the_tables_that_a_row_can_name_are_those_of_the_report():
    assert tuple(PAPER_TABLES) == TABLES


def test_unknown_variant_lists_the_known_ones():
    assert find_variant("exp8").name == "exp8"
    with pytest.raises(UserError, match=r"unknown variant 'exp9'; known: exp1, .*exp8"):
        find_variant("exp9")
