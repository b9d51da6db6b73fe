"""Folders in a profile's paths: the profile's own, and where published data lies."""

import pytest

from tests.unit.data.test_places import stills
from ttvos.config.experiments import RUNS
from ttvos.config.placeholders import fill
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.plan.run import parse_config

MINI = read_yaml(RUNS / "mini.yaml")


def test_folders_are_filled_in_at_any_depth():
    profile = {"results": "out", "davis": "/sets/davis"}
    filled = fill({"a": ["{davis}/x", 3, {"b": "{results}/{davis}"}]}, profile, "p.yaml")
    assert filled == {"a": ["/sets/davis/x", 3, {"b": "out//sets/davis"}]}


def test_a_folder_that_the_profile_lacks_is_asked_for():
    with pytest.raises(UserError, match=r"p.yaml: '{stills}' needs a folder.*stills=FOLDER"):
        fill("{stills}", {"davis": "x"}, "p.yaml")


def test_published_data_stands_below_the_data_folder(tmp_path):
    there = stills(tmp_path / "my photos", "ecssd", 1000)
    profile = {"data": str(tmp_path)}
    assert fill("{ecssd}", profile, "p.yaml") == str(there)
    assert fill("{davis2017}", profile, "p.yaml") == str(tmp_path / "DAVIS-2017")
    assert fill("{imagenet-hrnet}", {}, "p.yaml") == "data/imagenet/hrnet.safetensors"


def test_a_folder_may_be_published_data(tmp_path):
    values = {**MINI, "data": str(tmp_path), "davis": "{davis2017}", "train": {"recipe": "paper"}}
    stages = parse_config(values).train.stages
    assert stages[0].roots == tuple(str(tmp_path / n) for n in ("MSRA10K", "ECSSD", "HKU-IS"))
    assert stages[2].roots == (str(tmp_path / "DAVIS-2017"),)


def test_the_data_folder_must_be_text():
    with pytest.raises(UserError, match=r"p.yaml.data: expected a folder, got 3"):
        fill("{ecssd}", {"data": 3}, "p.yaml")
