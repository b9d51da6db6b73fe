"""Runs and recipes: what is written is checked, and its folders are filled in."""

from pathlib import Path

import pytest

from tests.unit.data.test_places import stills
from ttvos.config import placeholders
from ttvos.config.experiments import RUNS
from ttvos.config.run import STAGES, as_plain
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.core.provenance import REPOSITORY
from ttvos.plan.run import load_config, parse_config

MINI = read_yaml(RUNS / "mini.yaml")
FOLDERS = {name: f"folder-of-{name}" for name in placeholders.FOLDERS if name != "results"}


@pytest.mark.parametrize("path", sorted(RUNS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_run_is_valid_and_says_its_name(path: Path):
    config = parse_config({**FOLDERS, **read_yaml(path)}, path.name)
    assert (config.run, bool(config.rows or config.published)) == (path.stem, True)
    for folder in (*FOLDERS, "results"):
        assert "{" + folder + "}" not in str(config)


def test_runs_are_found_where_they_were_too():
    assert (REPOSITORY / "workflow" / "config").resolve() == RUNS.resolve()


def test_a_run_may_be_called_a_profile_as_before():
    old = {key: value for key, value in MINI.items() if key != "run"}
    assert parse_config({**old, "profile": "mini"}) == parse_config(MINI)


def test_plain_data_make_the_same_run_again():
    config = parse_config(MINI)
    assert parse_config(as_plain(config)) == config


@pytest.mark.parametrize("recipe", read_yaml(STAGES))
def test_every_recipe_is_valid(recipe):
    assert parse_config({**MINI, **FOLDERS, "train": {"recipe": recipe}}).train.stages


def test_a_recipe_may_be_changed_in_some_keys():
    def stages(**train):
        return parse_config({**MINI, "train": {"recipe": "mini", **train}}).train.stages

    changed = stages(change={"steps": 3, "gaps": 2})
    assert [(s.name, s.steps, s.gaps) for s in changed] == [(s.name, 3, 2) for s in stages()]
    with pytest.raises(UserError, match=r"train.stages\[0\]: unknown key 'step'.*'steps'"):
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
        ({"data_lable": "x"}, "mine.yaml: unknown key 'data_lable'; did you mean 'data_label'"),
        ({"train": {"recipe": "mini", "momentum": 0.9}}, "unknown key 'momentum'"),
        ({"train": {"recipe": "mini", "optimizer": "sgd"}}, "'sgd' is not one of adam, adamw"),
        ({"train": {"recipe": "huge"}}, "unknown recipe 'huge'"),
        ({"train": {"recipe": "mini", "stages": []}}, "both recipe and stages"),
        ({"rows": ["exp9-hrnet"]}, "unknown row 'exp9-hrnet'"),
        ({"explorer": {"maps": ["exp9-hrnet"]}}, "explorer: maps: experiments.tsv has no row"),
        ({"explorer": {"quality": 0}}, "explorer: size is 16 pixels or more, quality 1 to 100"),
        ({"untrained": ["exp9-hrnet"]}, "untrained: 'exp9-hrnet' is none of this run's rows"),
        ({"rows": ["frtm-resnet18"], "untrained": [], "frtm": None}, "add one"),
        ({"seeds": ["one"]}, r"seeds\[0\]: expected int"),
        ({"device": "tpu"}, "'tpu' is not one of cpu, cuda"),
        ({"precision": "tf32"}, "precision tf32 exists on CUDA only"),
        ({"peers": {"names": ["stmm"]}}, "peers: no built peer 'stmm'; there are: agame"),
        ({"datasets": {"d": {"root": "x", "year": 2015}}}, "2015 is not one of 2016, 2017"),
        ({"datasets": {"d": {"root": "{davis}", "year": 2016}}}, "--config davis=FOLDER"),
        ({"masks": [{"name": "m", "root": "x", "datasets": ["d"]}]}, "no dataset named 'd'"),
        ({"mini": {"height": "tall"}}, "mini.height: expected int, got 'tall'"),
        ({"data": 3, "davis": "{ecssd}"}, "data: expected a folder, got 3"),
    ],
)
def test_bad_runs_are_one_clear_line(change, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_config({**MINI, **change}, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml")
    assert "\n" not in str(caught.value)


def test_what_is_no_run_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(UserError, match="config: expected keys and values"):
        parse_config([])
    with pytest.raises(UserError, match="no such file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("written", "results"),
    [("results/a/", "results/a"), ("./results/a", "results/a"), ("/scratch//a/", "/scratch/a")],
)
def test_results_are_one_path_however_it_is_written(written, results):
    values = {"results": written, "datasets": {"d": {"root": "{results}/data", "year": 2017}}}
    config = parse_config({**MINI, **values})
    assert (config.results, config.datasets["d"].root) == (results, f"{results}/data")


def test_names_of_published_data_stand_for_where_they_lie(tmp_path):
    """Or go to; a folder's own name (`{davis}`) may be such a name."""
    there = stills(tmp_path / "my photos", "ecssd", 1000)
    values = {**MINI, "data": str(tmp_path), "davis": "{davis2017}"}
    recipe = {"recipe": "paper", "initial": {"hrnet": "{imagenet-hrnet}"}}
    train = parse_config({**values, "train": recipe}).train
    assert train.stages[0].roots == (
        str(tmp_path / "MSRA10K"),
        str(there),
        str(tmp_path / "HKU-IS"),
    )
    assert train.stages[2].roots == (str(tmp_path / "DAVIS-2017"),)
    assert train.initial["hrnet"] == str(tmp_path / "imagenet/hrnet.safetensors")
    assert parse_config({**MINI, "title": "{unknown}"}).title == "{unknown}"
