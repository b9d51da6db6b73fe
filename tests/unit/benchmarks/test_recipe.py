"""Switches of the recipe: each is a valid run, and differs from the base in what it names only."""

import json
import sys

import pytest

from benchmarks import recipe
from tests.unit.config.test_run import FOLDERS
from ttvos.config.run import as_plain
from ttvos.core.files import read_yaml
from ttvos.core.provenance import REPOSITORY
from ttvos.plan.run import parse_config

SWITCHES = read_yaml(REPOSITORY / recipe.SWITCHES)
BASE = read_yaml(REPOSITORY / recipe.RUN)


def merged(base: dict, change: dict) -> dict:
    """As Snakemake merges --config into a run's file."""
    both = {
        key: merged(base[key], change[key])
        for key in base.keys() & change.keys()
        if isinstance(base[key], dict) and isinstance(change[key], dict)
    }
    return {**base, **change, **both}


def training(values: dict) -> dict:
    """Settings of the run's training, with those of its one stage among them."""
    train = as_plain(parse_config({**values, **FOLDERS}).train)
    (stage,) = train.pop("stages")
    return {**train, **stage}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_what_it_names(name):
    switch = SWITCHES[name]["train"]
    base, changed = training(BASE), training(merged(BASE, {"train": switch}))
    named = {*switch, *switch.get("change", {})} - {"change"}
    assert {key for key in base if base[key] != changed[key]} == named


def test_each_switch_is_run_and_kept(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(recipe.subprocess, "run", lambda words, check: commands.append(words))
    monkeypatch.chdir(REPOSITORY)
    words = ["recipe.py", "--out", str(tmp_path), "--switches", "no-paste", "--seeds", "3"]
    monkeypatch.setattr(sys, "argv", [*words, "--", "davis=DAVIS", "stills=ECSSD"])
    recipe.main()
    run, publish = commands
    assert "results/recipe/no-paste/evaluate/exp8-hrnet-s3/val8.json" in run
    assert f"train={json.dumps(SWITCHES['no-paste']['train'])}" in run
    assert run[-2:] == ["davis=DAVIS", "stills=ECSSD"]
    assert publish[-2:] == ["--out", str(tmp_path / "no-paste")]
