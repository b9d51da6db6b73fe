"""Clips of an epoch, on disk or as published, and the data that a profile needs."""

import sys
from dataclasses import replace

import pytest
import timm

from tests.unit.measure.steps import profile
from ttvos.config.experiments import RUNS
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.data.published_masks import MASK_SETS
from ttvos.data.sources import SOURCES
from ttvos.measure.clip_counts import ON_DISK, count_clips
from ttvos.plan.needs import data_needs, missing_device, planned_jobs
from ttvos.plan.run import load_config, parse_config


def test_without_the_data_the_published_counts_stand_in(tmp_path):
    stills, videos = profile(tmp_path).train.stages
    count, origin = count_clips(stills, tmp_path)
    assert count == 1000 + 4447
    assert SOURCES["ecssd"].page in origin
    assert SOURCES["hku-is"].page in origin
    assert count_clips(videos, tmp_path)[0] == 30
    assert count_clips(replace(videos, years=(2016, 2017)), tmp_path)[0] == 30 + 60
    assert count_clips(videos, tmp_path, heldout=("bear", "bus"))[0] == 28


def test_data_on_disk_is_counted(tmp_path, tiny_davis):
    stage = replace(profile(tmp_path).train.stages[1], roots=(str(tiny_davis),))
    assert count_clips(stage, tmp_path) == (2, ON_DISK)
    assert count_clips(stage, tmp_path, heldout=("one",)) == (1, ON_DISK)


def test_unknown_folders_and_splits_cannot_be_counted(tmp_path):
    stage = profile(tmp_path).train.stages[1]
    with pytest.raises(UserError, match=r"stage davis: mine: no such folder"):
        count_clips(replace(stage, roots=("mine",)), tmp_path)
    with pytest.raises(UserError, match="DAVIS 2016, trainval is not known to hold test-dev"):
        count_clips(replace(stage, split="test-dev"), tmp_path)


def test_a_profile_names_the_data_it_needs(tmp_path):
    needs = {need["name"]: need for need in data_needs(profile(tmp_path))}
    assert list(needs) == ["davis2017", "ecssd", "hku-is"]
    assert needs["ecssd"]["download_bytes"] == 67_766_979 + 1_571_109
    assert needs["hku-is"]["download_bytes"] is None
    assert [need["by_hand"] for need in needs.values()] == [False, False, True]


def test_the_paper_needs_every_set_and_all_initial_weights():
    needs = {need["name"] for need in data_needs(load_config(RUNS / "paper.yaml"))}
    assert needs == set(SOURCES) - {"ytvos2019", "released", "davis-record"}


def test_what_is_downloaded_has_a_size_where_the_registry_knows_one():
    needs = {need["name"]: need for need in data_needs(load_config(RUNS / "paper.yaml"))}
    assert {n for n, need in needs.items() if need["download_bytes"] is None} == {"hku-is"}
    archives = [masks.archives[0].archive.size for masks in MASK_SETS.values()]
    assert needs["published-masks"]["download_bytes"] == sum(archives)
    values = sum(p.numel() for p in timm.create_model("resnet18").state_dict().values())
    assert needs["imagenet-resnet18"]["download_bytes"] == pytest.approx(4 * values, rel=0.02)


def test_a_missing_cuda_device_is_one_line(monkeypatch):
    paper = load_config(RUNS / "paper.yaml")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert missing_device(paper).startswith("device: cuda, but PyTorch sees no CUDA device")
    assert "\n" not in missing_device(paper)
    assert missing_device(replace(paper, device="cpu")) == ""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert missing_device(paper) == ""
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    assert missing_device(paper) == ""


def test_clips_are_drawn_where_a_run_uses_them():
    assert planned_jobs(load_config(RUNS / "mini.yaml"))["mini_clips"] == 1
    assert "mini_clips" not in planned_jobs(load_config(RUNS / "paper.yaml"))


def test_the_paper_trains_on_the_published_counts(tmp_path):
    """docs/facts.md, section 4: MSRA10K, ECSSD and HKU-IS; YouTube-VOS; DAVIS 2016 and 2017."""
    paper = read_yaml(RUNS / "paper.yaml")
    stages = parse_config({**paper, "data": str(tmp_path)}).train.stages
    counts = [count_clips(stage, tmp_path)[0] for stage in stages]
    assert counts == [10000 + 1000 + 4447, 3471, 30 + 60]
