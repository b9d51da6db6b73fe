"""Published masks in profile, plan and manifest, and the speed that a folder of masks may state."""

import pytest

from ttvos.config.experiments import RUNS
from ttvos.config.settings import build
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.data.published_masks import MASK_SETS, METHODS
from ttvos.plan.jobs import Jobs
from ttvos.plan.manifest import (
    Manifest,
    benchmarks,
    make_manifest,
    other_benchmarks,
    result_files,
)
from ttvos.plan.needs import check_given
from ttvos.plan.plan import Plan
from ttvos.plan.run import load_config, parse_config

MINI = read_yaml(RUNS / "mini.yaml")
PART = {"datasets": ["davis16"], "methods": ["stm", "crn"], "fetch": True}
STM = "DAVIS site, results/2017/stm.zip; DAVIS site, results/2016/stm.zip"


def plan(**changes) -> Plan:
    return Plan(parse_config({**MINI, "rows": ["exp8-hrnet"], "untrained": [], **changes}))


def asked(**changes) -> dict:
    return {"datasets": ["davis17", "davis16"], **changes}


def test_methods_are_scored_on_the_data_of_their_years(tmp_path):
    some = plan(data=str(tmp_path), published=asked(methods=["stm", "crn"], fetch=True))
    scores = "results/mini/published"
    assert make_manifest(some)["published"] == [
        {
            "name": "stm",
            "method": "STM",
            "evaluate": {
                "davis17": f"{scores}/stm/davis17.json",
                "davis16": f"{scores}/stm/davis16.json",
            },
            "source": STM,
        },
        {
            "name": "crn",
            "method": "CRN",
            "evaluate": {"davis16": f"{scores}/crn/davis16.json"},
            "source": "github.com/feinanshan/Motion-Guided-CRN, doc/CRN.zip",
        },
    ]
    assert {f"{scores}/stm/davis17.json", f"{scores}/crn/davis16.json"} <= set(result_files(some))
    assert "published stm-davis17" in benchmarks(some)
    assert "fetch_masks crn-2016" in other_benchmarks(some)
    record = "results/mini/fetch/published-masks/stm-2017.json"
    assert some.published_input("stm", "davis17") == record


def test_without_fetching_only_what_is_on_disk_counts(tmp_path):
    (tmp_path / "published-masks/sfls/2016").mkdir(parents=True)
    there = plan(data=str(tmp_path), published=asked())
    assert [entry["method"] for entry in make_manifest(there)["published"]] == ["SegFlow"]
    folder = str(tmp_path / "published-masks/sfls/2016")
    assert there.published_input("sfls", "davis16") == folder
    assert not [name for name in other_benchmarks(there) if name.startswith("fetch_masks")]
    assert make_manifest(plan(data=str(tmp_path / "none"), published=asked()))["published"] == []
    assert make_manifest(plan())["published"] == []


def masks_alone(**changes) -> Plan:
    """The run that scores published masks and has no row."""
    return Plan(parse_config({**read_yaml(RUNS / "davis16-masks.yaml"), "davis": "X", **changes}))


def test_a_run_without_rows_scores_all_archives_of_2016_and_nothing_else(tmp_path):
    alone = masks_alone(data=str(tmp_path))
    methods = [name for name in METHODS if (name, 2016) in MASK_SETS]
    scores = {f"results/davis16-masks/published/{name}/davis16.json" for name in methods}
    assert len(scores) == 11
    lost = {path.replace("/published/", "/published-failures/") for path in scores}
    made = {path for path in result_files(alone) if not path.endswith(".tsv")}
    assert made == scores | lost | {"results/davis16-masks/explorer/davis16"}
    jobs = {f"{r} {name}-davis16" for r in ("published", "published_failures") for name in methods}
    assert set(benchmarks(alone)) == jobs | {"explore davis16"}
    assert Jobs(alone).record_option() == ""
    assert Jobs(masks_alone(davis_record="my record")).record_option() == "--record 'my record'"
    assert make_manifest(alone)["rows"] == []


def test_scores_are_compared_with_the_site_s_where_its_record_is_given(tmp_path):
    given = masks_alone(davis_record=str(tmp_path), published=PART)
    site = "results/davis16-masks/site/davis16.json"
    assert make_manifest(given)["site"] == {"davis16": site}
    assert site in result_files(given)
    assert "site davis16" in benchmarks(given)
    assert Jobs(given).site_scores("davis16") == {
        name: f"results/davis16-masks/published/{name}/davis16.json" for name in ("stm", "crn")
    }
    assert make_manifest(masks_alone())["site"] == {}
    assert make_manifest(plan(davis_record=str(tmp_path)))["site"] == {}  # no published masks
    nothing = masks_alone(davis_record="r", data="x", published={"datasets": ["davis16"]})
    assert make_manifest(nothing)["site"] == {}


def test_the_record_is_fetched_where_the_run_says_so(tmp_path):
    fetched = masks_alone(davis_record="{davis-record}", data=str(tmp_path), published=PART)
    assert fetched.sources == {str(tmp_path / "davis-record"): "davis-record"}
    assert Jobs(fetched).by_hand() == {}
    check_given(masks_alone(davis=str(tmp_path), davis_record=str(tmp_path)))
    with pytest.raises(UserError, match="davis_record: /no: no such folder"):
        check_given(masks_alone(davis=str(tmp_path), davis_record="/no"))


def test_the_paper_s_profile_has_all_of_them_and_the_manifest_is_read():
    paper = Plan(load_config(RUNS / "paper.yaml"))
    assert tuple(paper.published) == METHODS
    entries = build(Manifest, make_manifest(paper), "manifest").published
    assert {entry.method for entry in entries} >= {"OnAVOS", "OSVOS-S", "SegFlow", "CRN"}
    assert Plan(load_config(RUNS / "mini.yaml")).published == {}


@pytest.mark.parametrize(
    ("published", "words"),
    [
        (asked(methods=["gc"]), "no published masks of 'gc'; known: onavos"),
        ({"datasets": ["davis18"]}, "published: 'davis18' is no dataset here of split val"),
        (asked(year=2016), "unknown key 'year'"),
    ],
)
def test_bad_sections_are_one_clear_line(published, words):
    with pytest.raises(UserError, match=words) as caught:
        plan(published=published)
    assert "\n" not in str(caught.value)


def test_another_split_has_no_published_masks():
    datasets = {"mine": {"root": "x", "year": 2016, "split": "train"}}
    with pytest.raises(UserError, match="'mine' is no dataset here of split val"):
        plan(datasets=datasets, published={"datasets": ["mine"]})


def test_a_folder_of_masks_may_state_a_speed():
    mine = {"name": "Mine", "root": "x", "datasets": ["davis16"]}
    fast = {**mine, "fps": 12, "fps_device": "GTX 1080 Ti"}
    (entry,) = make_manifest(plan(masks=[fast]))["masks"]
    assert (entry["fps"], entry["fps_device"]) == (12.0, "GTX 1080 Ti")
    (entry,) = make_manifest(plan(masks=[mine]))["masks"]
    assert (entry["fps"], entry["fps_device"]) == (None, "")


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        ({"fps": 0, "fps_device": "x"}, r"masks\[0\]: fps: .* above 0 and finite, not 0"),
        ({"fps": float("inf"), "fps_device": "x"}, "above 0 and finite"),
        ({"fps": 3.0}, "fps needs fps_device"),
        ({"fps_device": "x"}, "fps_device needs fps"),
    ],
)
def test_a_speed_is_a_number_on_a_device(speed, words):
    with pytest.raises(UserError, match=words):
        plan(masks=[{"name": "Mine", "root": "x", "datasets": ["davis16"], **speed}])
