"""docs/facts.md says what our own files say: experiments, recipes, ledger, channels, Table 6."""

import pytest

from tests.facts import FACTS, first_number, section, table
from ttvos.config.experiments import BACKBONES, load_variants
from ttvos.config.run import STAGES
from ttvos.core.files import read_yaml
from ttvos.model.backbones import build_backbone
from ttvos.report.paper import BACKBONES as PAPERS_NAMES
from ttvos.report.paper import read_paper

FLAGS = {
    "short-term matching": "short_term",
    "long-term matching": "long_term",
    "adaptive weight": "adaptive_weight",
    "update": "update_template",
    "transition loss": "transition_loss",
}


def numbers(row: dict[str, str]) -> dict[str, float]:
    """A row's cells as numbers, but for the first one, its name."""
    return {column: float(cell) for column, cell in list(row.items())[1:]}


@pytest.mark.parametrize("name", BACKBONES)
def test_channels_and_timms_name_and_size_are_those_of_the_backbone(name):
    backbone = build_backbone(name)
    tensors = table(FACTS, "1", "backbone", *BACKBONES)
    stated = (int(tensors[f"channels of {scale}"][name]) for scale in ("f4", "f8", "f16"))
    assert tuple(stated) == backbone.channels
    timms = table(FACTS, "1", "timm's model")[name]
    assert timms["timm's model"] == backbone.timm_name
    assert int(timms["parameters"]) == sum(p.numel() for p in backbone.parameters())


@pytest.mark.parametrize("name", BACKBONES)
def test_parts_add_up_to_the_whole(name):
    sizes = numbers(table(FACTS, "3", "total")[name])
    parts = ("backbone's", "memory", "query", "refinement")
    assert sum(sizes[part] for part in parts) == sizes["total"]
    assert sizes["heads"] < sizes["refinement"]
    macs = numbers(table(FACTS, "3", "frame")[name])
    parts = ("features", "query", "refinement", "update")
    assert sum(macs[part] for part in parts) == pytest.approx(macs["frame"], abs=0.002)


def test_the_paper_s_table_6_is_that_of_the_file():
    stated = table(FACTS, "3", "the paper's Table 6")
    printed = {
        PAPERS_NAMES[row["backbone"]]: row["gmac_two_frame_clip"] for row in read_paper("table6")
    }
    assert {name: row["the paper's Table 6"] for name, row in stated.items()} == printed


def test_experiments_are_those_of_variants_tsv():
    stated = table(FACTS, "6", "experiment")
    assert {f"exp{number}" for number in stated} == set(load_variants())
    for number, row in stated.items():
        variant = load_variants()[f"exp{number}"]
        assert row["clue"] == variant.attention_clue
        for column, flag in FLAGS.items():
            assert row[column] == str(int(getattr(variant, flag))), (number, column)


def test_experiments_are_those_of_the_paper_s_table_4():
    flags = FLAGS | {"update": "update_long_term", "transition loss": "transition_map"}
    clues = {"0": "none", "1": "full"}
    for row in read_paper("table4"):
        stated = table(FACTS, "6", "experiment")[row["exp"]]
        assert stated["clue"] == clues.get(row["attention_clue"], row["attention_clue"])
        assert all(stated[column] == row[flag] for column, flag in flags.items())


@pytest.mark.parametrize(("recipe", "frames"), [("released", "R"), ("paper", "P")])
def test_stages_are_those_of_the_recipes(recipe, frames):
    stages = read_yaml(STAGES)[recipe]
    stated = table(FACTS, "4", "stage")
    assert [stage["name"] for stage in stages] == list(stated)
    for stage in stages:
        row = stated[stage["name"]]
        assert row["size"] == f"{stage['height']}x{stage['width']}"
        lengths = dict(reversed(part.split()) for part in row["frames"].split(", ") if " " in part)
        assert int(lengths.get(f"({frames})", row["frames"].split()[0])) == stage["frames"]
        for column in ("batch", "learning_rate", "epochs"):
            assert first_number(row[column.replace("_", " ")]) == stage[column]


def test_the_ledger_has_the_items_of_the_file():
    numbers = [line.partition(".")[0] for line in section(FACTS, "7").splitlines()]
    stated = [number for number in numbers if number.isdigit()]
    assert stated == [row["id"] for row in read_paper("ledger")]
