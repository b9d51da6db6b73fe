"""One place knows the paths: what the workflow makes is what the report is told to read."""

import json
import os

import pytest

from ttvos.config.experiments import RUNS, TABLES, Row, load_rows
from ttvos.config.peers import built_peers
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.engine import PRECISIONS
from ttvos.plan.jobs import Jobs
from ttvos.plan.manifest import (
    UNTRAINED,
    benchmark,
    benchmarks,
    make_manifest,
    other_benchmarks,
    result_files,
    scored_files,
    write_if_changed,
)
from ttvos.plan.plan import Plan
from ttvos.plan.run import load_config, parse_config

MINI = read_yaml(RUNS / "mini.yaml")


def plan(**changes) -> Plan:
    return Plan(parse_config({**MINI, "untrained": [], **changes}))


def paths_in(value) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(paths_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(paths_in, value))
    return {value} if isinstance(value, str) and value.startswith("results/") else set()


def test_everything_the_manifest_names_is_made():
    mini = plan()
    manifest = make_manifest(mini)
    named = {path.removesuffix("/predict.json") for path in paths_in(manifest)}
    roots = {dataset.root for dataset in mini.config.datasets.values()}
    # Times of rules that make no result: the report takes those that it finds.
    others = set(other_benchmarks(mini).values())
    assert named - roots - {manifest["notebook"]} - others <= set(result_files(mini))
    assert not others & set(result_files(mini))


def test_each_row_has_its_cost_and_each_seed_its_run():
    mini = plan(seeds=[0, 1])
    assert len(mini.trainings) == 2 * len(mini.rows)
    rows = {row["row"]: row for row in make_manifest(mini)["rows"]}
    assert rows["exp8-hrnet"]["seeds"] == [0, 1]
    assert len(rows["exp8-hrnet"]["evaluate"]["davis17"]) == 2
    assert all(row["cost"] for row in rows.values())


def test_every_job_has_its_time():
    mini = plan(rows=["exp8-hrnet"], references=["still"], peers={"names": ["gc"]})
    assert sorted(benchmarks(mini)) == [
        "cost",
        "evaluate exp8-hrnet-s0-davis16",
        "evaluate exp8-hrnet-s0-davis17",
        "evaluate still-davis16",
        "evaluate still-davis17",
        "explore davis16",
        "explore davis17",
        "failures exp8-hrnet-s0-davis16",
        "failures exp8-hrnet-s0-davis17",
        "failures still-davis16",
        "failures still-davis17",
        "live exp8-hrnet-s0-davis17",
        "live still-davis17",
        "peer_costs",
        "predict exp8-hrnet-s0-davis16",
        "predict exp8-hrnet-s0-davis17",
        "reference still-davis16",
        "reference still-davis17",
        "speed exp8-hrnet",
        "tracker_speed gc",
        "train exp8-hrnet-s0",
    ]
    assert benchmark(mini, "cost") == "results/mini/benchmarks/cost.tsv"
    assert benchmark(mini, "speed exp8-hrnet") == "results/mini/benchmarks/speed/exp8-hrnet.tsv"


def test_the_explorer_shows_every_data_set_and_the_maps_of_the_named_rows_first_seed():
    mini = plan(rows=["exp8-hrnet", "exp5-hrnet"], seeds=[3, 4])
    assert mini.mapped_trainings == ["exp8-hrnet-s3"]
    folders = {name: f"results/mini/explorer/{name}" for name in ("davis17", "davis16")}
    assert make_manifest(mini)["explorer"] == folders
    found = scored_files(mini, "davis16")
    assert "results/mini/evaluate/exp5-hrnet-s4/davis16.json" in found
    assert "results/mini/predict/exp8-hrnet-s3/davis16" in found
    assert "results/mini/evaluate/still/davis16.json" in found
    assert not [path for path in found if "davis17" in path]


def test_without_the_explorer_nothing_is_made_for_it():
    off = plan(explorer=None)
    assert off.mapped_trainings == []
    assert make_manifest(off)["explorer"] == {}
    assert not [path for path in result_files(off) if "explore" in path]


def test_the_paper_run_trains_every_row_of_the_papers_tables():
    paper = Plan(load_config(RUNS / "paper.yaml"))
    trained = {training.row.name for training in paper.trainings.values()}
    assert trained == {name for name, row in load_rows().items() if row.tables}
    assert {table for t in paper.trainings.values() for table in t.row.tables} == set(TABLES)
    assert len(paper.trainings) == len(trained) * len(paper.config.seeds)


def test_the_time_of_fetching_is_shown_too():
    paper = Plan(load_config(RUNS / "paper.yaml"))
    fetched = {name for name in other_benchmarks(paper) if name.startswith("fetch ")}
    assert {"fetch davis2017", "fetch ecssd", "fetch imagenet-hrnet"} <= fetched


def test_precision_is_one_of_the_engine_s():
    for name in PRECISIONS:
        assert plan(precision=name, device="cuda").config.precision == name
    assert plan().config.precision == "float32"
    assert plan().config.speed.precision == "auto"


@pytest.mark.parametrize(
    ("precision", "words"),
    [("half", "'half' is not one of auto, float32"), ("tf32", "tf32 exists on CUDA only")],
)
def test_a_wrong_precision_is_refused_before_anything_runs(precision, words):
    with pytest.raises(UserError, match=words):
        plan(precision=precision)


def test_speed_is_measured_where_a_table_shows_it():
    rows = {row["row"]: row["speed"] for row in make_manifest(plan())["rows"]}
    assert rows["exp8-resnet18"]
    assert rows["exp1-hrnet"] is None
    assert not any(row["speed"] for row in make_manifest(plan(speed=None))["rows"])


def test_a_given_checkpoint_stands_in_for_training():
    given = plan(checkpoint="mine.safetensors", rows=["exp8-hrnet"], seeds=[0, 1])
    assert list(given.trainings) == ["exp8-hrnet-s0"]
    assert given.checkpoint("exp8-hrnet-s0") == "mine.safetensors"
    assert not [path for path in result_files(given) if "/train/" in path]


@pytest.mark.parametrize(("optional", "shown"), [(True, []), (False, ["Mine"])])
def test_optional_masks_that_are_absent_are_left_out(optional, shown):
    masks = {"name": "Mine", "root": "no/such", "datasets": ["davis17"], "optional": optional}
    assert [entry["name"] for entry in make_manifest(plan(masks=[masks]))["masks"]] == shown


def test_masks_become_a_row(tmp_path):
    masks = {"name": "Mine", "root": str(tmp_path), "datasets": ["davis16"]}
    mine = plan(masks=[masks])
    assert mine.masks_of("masks-Mine", "davis16") == str(tmp_path)
    assert "results/mini/evaluate/masks-Mine/davis16.json" in result_files(mine)


def test_an_unchanged_file_keeps_its_time(tmp_path):
    path = write_if_changed(str(tmp_path / "settings.json"), {"b": 1, "a": 2})
    os.utime(path, (1, 1))
    write_if_changed(path, {"a": 2, "b": 1})
    assert os.stat(path).st_mtime == 1
    write_if_changed(path, {"a": 3})
    assert os.stat(path).st_mtime > 1
    with open(path) as handle:
        assert json.load(handle) == {"a": 3}


def test_davis16_needs_a_folder_and_takes_a_checkpoint():
    values = read_yaml(RUNS / "davis16.yaml")
    config = parse_config({**values, "davis": "somewhere", "checkpoint": "mine.safetensors"})
    assert config.datasets["davis16"].root == "somewhere"
    assert Plan(config).checkpoint("exp8-hrnet-s0") == "mine.safetensors"
    assert load_config(RUNS / "mini.yaml").davis is None


FRTM = {
    "stages": [
        {"name": "davis", "source": "davis", "roots": ["x"], "height": 96, "width": 160}
        | {"frames": 3, "batch": 2, "learning_rate": 0.001, "steps": 2}
    ]
}


def test_rows_of_table_5_are_trained_and_tracked_and_share_the_peers_cost():
    names = ["exp8-hrnet", "frtm-resnet18", "frtm-resnet18-tm"]
    frtm = plan(rows=names, frtm=FRTM, peers={}, seeds=[0, 1])
    rows = {row["row"]: row for row in make_manifest(frtm)["rows"]}
    row = rows["frtm-resnet18-tm"]
    assert (row["method"], row["transition_loss"], row["seeds"]) == ("FRTM-VOS", True, [0, 1])
    assert row["cost"] == rows["frtm-resnet18"]["cost"] == frtm.measured("cost", "frtm-resnet18")
    assert row["train"][1] == "results/mini/train/frtm-resnet18-tm-s1/train.json"
    who, weights = frtm.tracked["frtm-resnet18-tm-s1"]
    assert who == "frtm-resnet18"
    assert weights == "results/mini/train/frtm-resnet18-tm-s1/checkpoint.safetensors"
    assert [peer["name"] for peer in make_manifest(frtm)["peers"]] == ["frtm-resnet18"]
    assert "train_frtm frtm-resnet18-s0" in benchmarks(frtm)
    assert frtm.maps("frtm-resnet18-s0", "davis16") not in result_files(frtm)


def test_rows_of_table_5_ask_for_their_section():
    with pytest.raises(UserError, match="row frtm-resnet18 is trained as a section `frtm` says"):
        plan(rows=["frtm-resnet18"], frtm=None)


def test_peers_are_measured_and_with_weights_they_track():
    mini = plan(rows=["exp8-hrnet"], peers={"names": ["gc"], "weights": {"stm": "stm.pth"}})
    peers = {peer["name"]: peer for peer in make_manifest(mini)["peers"]}
    assert list(peers) == ["gc", "stm"]
    assert peers["gc"]["evaluate"] == {}
    assert peers["stm"]["evaluate"]["davis16"] == ["results/mini/evaluate/stm/davis16.json"]
    assert mini.tracked == {"stm": ("stm", "stm.pth")}
    assert {peers["gc"]["cost"], peers["gc"]["speed"]} <= set(result_files(mini))


def test_an_untimed_peer_is_counted_only():
    mini = plan(rows=["exp8-hrnet"], peers={"names": ["gc", "onavos"], "untimed": ["onavos"]})
    gc, onavos = make_manifest(mini)["peers"]
    assert gc["speed"] == mini.measured("speed", "gc")
    assert onavos["speed"] is None
    assert onavos["cost"] in result_files(mini)
    assert "tracker_speed onavos" not in benchmarks(mini)


def test_an_untimed_row_is_counted_only():
    rows, speed = ["exp8-hrnet", "exp8-resnet50"], {"untimed": ["exp8-resnet50"]}
    mini = plan(rows=rows, untrained=["exp8-resnet50"], speed=speed)
    timed, untimed = make_manifest(mini)["rows"]
    assert (timed["speed"], untimed["speed"]) == (mini.speed("exp8-hrnet"), None)
    assert untimed["cost"] in result_files(mini)
    with pytest.raises(UserError, match=r"speed: untimed: experiments.tsv has no row 'exp9'"):
        plan(rows=rows, speed={"untimed": ["exp9"]})


def test_only_the_named_peers_are_timed():
    peers = {"names": ["all"], "timed": ["gc", "stm"], "untimed": ["stm"]}
    assert plan(rows=["exp8-hrnet"], peers=peers).timed_trackers == ["gc"]
    assert plan(rows=[], peers=peers | {"timed": ["all"], "untimed": ["stm"]}).timed_trackers == [
        name for name in built_peers() if name != "stm"
    ]
    with pytest.raises(UserError, match="no built peer 'vggt'"):
        plan(peers={"names": ["all"], "timed": ["vggt"]})


def test_an_untrained_row_is_counted_and_timed_only():
    rows, peers = ["exp8-hrnet", "frtm-resnet18"], {"names": ["all"]}
    mini = plan(rows=rows, untrained=["frtm-resnet18"], frtm=None, peers=peers)
    assert list(mini.trainings) == ["exp8-hrnet-s0"]
    trained, row = make_manifest(mini)["rows"]
    assert (row["seeds"], row["train"], row["loss"]) == ([], [], [])
    assert row["evaluate"] == {"davis17": [], "davis16": []}
    assert (trained["untrained"], row["untrained"]) == ("", UNTRAINED)
    assert {row["cost"], row["speed"]} <= set(result_files(mini))
    assert not [name for name in benchmarks(mini) if "frtm" in name and "speed" not in name]
    with pytest.raises(UserError, match="untrained: 'exp1-hrnet' is none of this run's rows"):
        plan(rows=["exp8-hrnet"], untrained=["exp1-hrnet"])


def test_the_default_run_trains_what_minutes_suffice_for():
    mini = Plan(load_config(RUNS / "mini.yaml"))
    assert {training.row.backbone for training in mini.trainings.values()} == {"hrnet"}
    assert len(mini.trainings) == 8
    assert not mini.tracked


def test_all_peers_are_those_that_are_built():
    assert set(plan(peers={"names": ["all"]}).peers) == set(built_peers())
    with pytest.raises(UserError, match="no built peer 'vggt'; there are: "):
        plan(peers={"names": ["vggt"]})


def test_a_class_of_the_users_own_is_tracked_once_whatever_the_seeds(monkeypatch):
    own = Row("mine", None, "", (3,), "my_package.tracker:Mine")
    rows = {**load_rows(), "mine": own}
    for module in ("config.run", "plan.plan"):
        monkeypatch.setattr(f"ttvos.{module}.load_rows", lambda: rows)
    mine = plan(rows=["exp8-hrnet", "mine"], seeds=[0, 1])
    row = make_manifest(mine)["rows"][1]
    assert (row["method"], row["train"], row["variant"]) == ("mine", [], "")
    assert row["evaluate"]["davis17"] == ["results/mini/evaluate/mine/davis17.json"]
    assert mine.trackers["mine"] == "my_package.tracker:Mine"
    assert mine.tracked["mine"] == ("my_package.tracker:Mine", None)


def test_lost_points_are_accounted_for_wherever_masks_are_scored():
    mini = plan(rows=["exp8-hrnet"], references=["still"])
    found = make_manifest(mini)["failures"]
    assert found["results/mini/evaluate/still/davis16.json"] == (
        "results/mini/failures/still/davis16.json"
    )
    assert len(found) == 4
    assert set(found.values()) <= set(result_files(mini))
    without = plan(failures=False)
    assert make_manifest(without)["failures"] == {}
    assert not any("failures" in name for name in (*result_files(without), *benchmarks(without)))


STRESS = {"rows": ["exp8-hrnet"], "checkpoint": "own.safetensors", "peers": {}}


def test_every_tracker_of_a_run_is_stressed_where_the_run_asks_for_it():
    stressed = plan(**STRESS, stress={"datasets": ["davis17"]})
    found = make_manifest(stressed)["stress"]
    assert [(entry["label"], entry["file"]) for entry in found] == [
        ("exp8-hrnet-s0", "results/mini/stress/exp8-hrnet-s0/davis17.json"),
        ("First mask held still", "results/mini/stress/still/davis17.json"),
        ("First mask carried by optical flow (DIS)", "results/mini/stress/flow/davis17.json"),
    ]
    assert {entry["file"] for entry in found} <= set(result_files(stressed))
    assert {"stress still-davis17", "stress exp8-hrnet-s0-davis17"} <= set(benchmarks(stressed))
    assert make_manifest(plan())["stress"] == []
    assert not any("stress" in path for path in result_files(plan()))


def test_trackers_are_told_to_commands_as_they_are_to_predict(tmp_path):
    jobs = Jobs(plan(**STRESS | {"peers": {"weights": {"stm": "stm.pth"}}}))
    assert jobs.tracker_options("flow", "davis17") == "--reference flow"
    assert jobs.tracker_inputs("flow") == []
    told = jobs.tracker_options("exp8-hrnet-s0", "davis17")
    assert "--variant exp8 --backbone hrnet" in told
    assert "--checkpoint own.safetensors" in told
    assert jobs.tracker_inputs("exp8-hrnet-s0") == ["own.safetensors"]
    assert "--tracker stm --weights stm.pth" in jobs.tracker_options("stm", "davis17")
    assert jobs.tracker_inputs("stm") == ["stm.pth"]


@pytest.mark.parametrize(
    ("stress", "words"),
    [
        ({"datasets": ["davis18"]}, "stress: no dataset named 'davis18'"),
        ({"datasets": ["davis17"], "strengths": {"fog": [1]}}, "stress 'fog': there is erode"),
        ({"datasets": ["davis17"], "strengths": {"dark": [200]}}, "at most 100: s % darker"),
    ],
)
def test_a_wrong_stress_is_refused_before_anything_runs(stress, words):
    with pytest.raises(UserError, match=words):
        plan(stress=stress)


def test_the_run_of_stresses_is_whole():
    run = Plan(load_config(RUNS / "stress.yaml"))
    assert run.stressed == ["exp8-hrnet-s0", "still", "flow"]
    assert not run.sections  # nothing is trained
