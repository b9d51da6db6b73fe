"""Profiles, variants and pins: what is written is checked, and said once."""

import re
import tomllib

import pytest
import yaml

from ttvos.config.experiments import RUNS
from ttvos.config.run import STAGES, Stage
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.core.provenance import REPOSITORY
from ttvos.plan.run import load_config, parse_config

PROFILES = sorted(p.name for p in RUNS.glob("*.yaml") if p.name != "stages.yaml")
MINI = read_yaml(RUNS / "mini.yaml")
FOLDERS = {"davis": "somewhere", "davis_train": "training", "stills": "photos"}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_valid(name):
    values = read_yaml(RUNS / name)
    config = parse_config({**FOLDERS, **values}, name)
    assert config.rows
    for folder in (*FOLDERS, "results"):
        assert "{" + folder + "}" not in str(config)


@pytest.mark.parametrize("recipe", read_yaml(STAGES))
def test_recipes_are_valid(recipe):
    config = parse_config({**MINI, **FOLDERS, "train": {"recipe": recipe}})
    assert all(isinstance(stage, Stage) for stage in config.train.stages)


def test_a_recipe_may_be_changed_in_some_keys():
    def stages(**train):
        return parse_config({**MINI, "train": {"recipe": "mini", **train}}).train.stages

    changed = stages(change={"steps": 3, "gaps": 2})
    assert [(s.name, s.steps, s.gaps) for s in changed] == [(s.name, 3, 2) for s in stages()]
    with pytest.raises(UserError, match="unknown key 'step'"):
        stages(change={"step": 3})
    with pytest.raises(UserError, match="change: expected keys"):
        stages(change=3)


def test_the_papers_recipes_differ_where_the_ledger_says():
    """Ledger items 3 and 5: frames of the last stage, warp of the first.

    Facts: docs/facts.md, section 7.
    """
    stages = {
        name: parse_config({**MINI, "davis": "x", "train": {"recipe": name}}).train.stages
        for name in ("paper", "released")
    }
    assert [s.frames for s in stages["paper"]] == [3, 8, 8]
    assert [s.frames for s in stages["released"]] == [3, 8, 7]
    assert (stages["paper"][0].warp, stages["released"][0].warp) == ("affine", "tps")
    assert [s.batch for s in stages["paper"]] == [48, 24, 8]
    assert [s.learning_rate for s in stages["paper"]] == [2e-4, 3e-4, 1e-4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"train": {"recipe": "mini", "momentum": 0.9}}, "unknown key 'momentum'"),
        ({"train": {"recipe": "mini", "optimizer": "sgd"}}, "'sgd' is not one of adam, adamw"),
        ({"train": {"recipe": "huge"}}, "unknown recipe 'huge'"),
        ({"train": {"recipe": "mini", "stages": []}}, "both recipe and stages"),
        ({"rows": ["exp9-hrnet"]}, "unknown row 'exp9-hrnet'"),
        ({"seeds": ["one"]}, r"seeds\[0\]: expected int"),
        ({"device": "tpu"}, "'tpu' is not one of cpu, cuda"),
        ({"datasets": {"d": {"root": "x", "year": 2015}}}, "2015 is not one of 2016, 2017"),
        ({"datasets": {"d": {"root": "{davis}", "year": 2016}}}, "--config davis=FOLDER"),
        ({"masks": [{"name": "m", "root": "x", "datasets": ["d"]}]}, "no dataset named 'd'"),
        ({"mini": {"height": "tall"}}, "mini.height: expected int, got 'tall'"),
        ({"title": None}, "title: expected str"),
    ],
)
def test_bad_profiles_are_one_clear_line(change, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_config({**MINI, **change}, "mine.yaml")
    assert "\n" not in str(caught.value)


def test_numbers_inside_a_config_option_may_be_text():
    """Snakemake reads --config "seeds=[0, 1]" as ["0", "1"]."""
    train = {"recipe": "paper", "template_loss": "false", "average": "0.99"}
    config = parse_config({**MINI, **FOLDERS, "seeds": ["0", "1"], "train": train})
    assert config.seeds == (0, 1)
    assert config.train.template_loss is False
    assert config.train.average == 0.99
    with pytest.raises(UserError, match="template_loss: expected bool, got 'no way'"):
        parse_config({**MINI, **FOLDERS, "train": {**train, "template_loss": "no way"}})


def test_a_missing_key_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(UserError, match="the key 'title' is missing"):
        parse_config({key: value for key, value in MINI.items() if key != "title"})
    with pytest.raises(UserError, match="no such file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": None}, "either steps or epochs"),
        ({"epochs": 3}, "either steps or epochs"),
        ({"height": 100}, "multiples of 16"),
        ({"frames": 1}, "at least 2 frames"),
    ],
)
def test_bad_stages(change, message):
    stage = {**read_yaml(STAGES)["mini"][0], **change}
    with pytest.raises(UserError, match=message):
        parse_config({**MINI, "train": {"stages": [stage]}})


def test_effort_shares_the_steps():
    config = parse_config({**MINI, "train": {"recipe": "mini", "effort": {"resnet50": 0.1}}})
    whole = [stage.steps for stage in config.train.stages]
    assert [stage.steps for stage in config.train.stages_of("hrnet")] == whole
    assert [s.steps for s in config.train.stages_of("resnet50")] == [round(n / 10) for n in whole]


def pins() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return {*project["dependencies"], *extras["workflow"], *extras["dev"]}


def locked() -> set[str]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    return {line for line in lines if line and not line.startswith((" ", "#"))}


def test_every_direct_dependency_is_pinned_and_locked():
    for pin in pins():
        assert re.fullmatch(r"[\w.-]+==[\w.]+", pin)
        assert pin in locked()


def test_conda_users_get_the_same_versions():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    (listed,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    left_out = {line for line in locked() if line.startswith("vos-benchmark==")}
    assert set(listed) == locked() - left_out
    assert pins() - left_out <= set(listed)
    assert len(left_out) == 1


def test_there_is_one_opencv():
    """Two builds would overwrite each other's files; the one with windows fails on servers."""
    builds = [line.partition("==")[0] for line in locked() if line.startswith("opencv")]
    assert builds == ["opencv-python-headless"]


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_is_positive_and_finite(rate):
    size = {"height": 32, "width": 48, "frames": 2, "batch": 1, "steps": 1}
    with pytest.raises(UserError, match="learning_rate must be positive and finite"):
        Stage("davis", "davis", ("x",), learning_rate=rate, **size)


@pytest.mark.parametrize(
    ("written", "results"),
    [("results/a/", "results/a"), ("./results/a", "results/a"), ("/scratch//a/", "/scratch/a")],
)
def test_results_are_one_path_however_it_is_written(written, results):
    values = {
        **MINI,
        "results": written,
        "datasets": {"d": {"root": "{results}/data", "year": 2017}},
    }
    config = parse_config(values)
    assert (config.results, config.datasets["d"].root) == (results, f"{results}/data")
