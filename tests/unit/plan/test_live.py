"""Who is played live, on which data, with which latencies."""

import shlex

import pytest

from ttvos.config.experiments import RUNS
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.data.published_masks import MASK_SETS
from ttvos.plan.jobs import Jobs
from ttvos.plan.manifest import make_manifest, result_files
from ttvos.plan.plan import Plan
from ttvos.plan.printed import printed_speeds
from ttvos.plan.run import parse_config

MINI = read_yaml(RUNS / "mini.yaml")


def plan(live: dict | None, **changes) -> Plan:
    return Plan(parse_config({**MINI, **changes, "live": live}))


def test_the_default_run_plays_the_full_model_and_the_references_on_its_first_data():
    mini = Plan(parse_config(MINI))
    assert mini.live_jobs == [(w, "davis17") for w in ("exp8-hrnet-s0", "still", "flow")]
    entries = make_manifest(mini)["live"]
    assert [entry["name"] for entry in entries] == ["exp8-hrnet", "still", "flow"]
    assert entries[0]["label"] == "TTVOS exp8-hrnet"  # as the tables call it
    files = {path for entry in entries for path in entry["results"].values()}
    assert files <= set(result_files(mini))
    assert "results/mini/live/still/davis17.json" in files


def test_nobody_is_played_without_the_section():
    none = plan(None)
    assert none.live_jobs == []
    assert make_manifest(none)["live"] == []
    assert not [path for path in result_files(none) if "/live/" in path]


def test_a_row_is_played_with_its_first_seed():
    mini = plan({"who": ["exp8-hrnet"]}, seeds=[3, 4])
    assert list(mini.live_players) == ["exp8-hrnet-s3"]


def test_all_is_every_tracker_and_masks_with_a_speed(tmp_path):
    fast = {"name": "Fast", "root": str(tmp_path), "datasets": ["davis16"]}
    masks = [{**fast, "fps": 9.5, "fps_device": "their GPU"}, {**fast, "name": "Unknown"}]
    everyone = plan(
        {"datasets": ["davis17", "davis16"]}, rows=["exp8-hrnet"], untrained=[], masks=masks
    )
    assert list(everyone.live_players.values()) == ["exp8-hrnet", "still", "flow", "Fast"]
    assert ("masks-Fast", "davis17") not in everyone.live_jobs
    words = shlex.split(Jobs(everyone).live_options("masks-Fast", "davis16"))
    assert words[-4:] == ["--fps", "9.5", "--fps-device", "their GPU"]
    assert Jobs(everyone).live_inputs("masks-Fast", "davis16") == [str(tmp_path)]


def test_published_masks_on_disk_are_played_at_the_speed_that_the_paper_prints(tmp_path):
    folder = MASK_SETS["stm", 2016].folder(tmp_path)
    folder.mkdir(parents=True)
    published = {"datasets": ["davis17", "davis16"]}
    live = {"datasets": ["davis17", "davis16"], "who": ["stm", "still"]}
    there = plan(live, data=str(tmp_path), published=published)
    assert ("published-stm", "davis16") in there.live_jobs
    assert ("published-stm", "davis17") not in there.live_jobs  # 2017's masks are not there
    words = shlex.split(Jobs(there).live_options("published-stm", "davis16"))
    assert words[:6] == ["--masks", str(folder), "--name", "STM", "--fps", "6.25"]
    assert Jobs(there).live_inputs("published-stm", "davis16") == [str(folder)]
    assert [entry["label"] for entry in make_manifest(there)["live"]][-1] == "STM"
    fetching = plan(live, data=str(tmp_path), published={**published, "fetch": True})
    assert "published-stm" not in fetching.live_players
    assert {masks.label for masks in MASK_SETS.values()} <= set(printed_speeds())


def test_latencies_are_those_of_speed_where_the_run_says_so_and_has_them():
    who, dataset = "exp8-hrnet-s0", "davis17"
    assert plan({}).live_latency(who, dataset) is None
    timed = plan({"latency": "speed"})
    assert timed.live_latency(who, dataset) == "results/mini/speed/exp8-hrnet.json"
    assert "--latency results/mini/speed/exp8-hrnet.json" in Jobs(timed).live_options(who, dataset)
    assert timed.speed("exp8-hrnet") in Jobs(timed).live_inputs(who, dataset)
    assert timed.live_latency("still", dataset) is None
    assert plan({"latency": "speed"}, speed=None).live_latency(who, dataset) is None


def test_a_network_that_sees_less_than_the_frame_is_timed_anew():
    small = {"davis17": {**MINI["datasets"]["davis17"], "input_scale": 0.5}}
    half = plan({"latency": "speed"}, datasets=small)
    assert half.live_latency("exp8-hrnet-s0", "davis17") is None
    assert "--input-scale 0.5" in Jobs(half).live_options("exp8-hrnet-s0", "davis17")


def test_peers_and_own_classes_are_named_as_trackers(tmp_path):
    weights = tmp_path / "stm.pth"
    peers = {"names": ["stm"], "weights": {"stm": str(weights)}}
    found = plan({"latency": "speed"}, peers=peers)
    options = Jobs(found).live_options("stm", "davis17")
    assert f"--tracker stm --weights {weights}" in options
    assert "results/mini/trackers/speed/stm.json" in options
    assert str(weights) in Jobs(found).live_inputs("stm", "davis17")


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ({"who": ["exp9"]}, "live: who: no row, reference, peer or masks named 'exp9'"),
        ({"datasets": ["davis18"]}, "live: no dataset named 'davis18'"),
        ({"rates": []}, "live: rates: frames a second"),
        ({"rates": [24, 0]}, "live: rates: frames a second"),
        ({"latency": "guessed"}, "'guessed' is not one of measured, speed"),
        ({"rate": [24]}, "did you mean 'rates'"),
    ],
)
def test_wrong_settings_are_refused(live, words):
    with pytest.raises(UserError, match=words):
        plan(live)
