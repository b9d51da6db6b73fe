"""The workflow brings published data that is not there, checks what is, and never deletes it."""

import re
import shutil
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.slow.workflow.running import copy_repository, dry_run, snakemake
from tests.unit.data.server import Server
from ttvos.plan.needs import planned_jobs
from ttvos.plan.run import load_config

IMAGES = 3
PROFILE = """
profile: small
title: A stage on published data
caution: ""
results: results/small
rows: [exp8-hrnet]
datasets: {}
train:
  initial: {hrnet: "{imagenet-hrnet}"}
  stages:
    - {name: stills, source: stills, roots: ["{ecssd}", "{hku-is}"], height: 32, width: 48,
       frames: 2, batch: 2, learning_rate: 0.001, steps: 1}
"""
PAPER = ("--configfile", "workflow/runs/paper.yaml")
SMALL = ("--configfile", "small.yaml")
ECSSD, HKU_IS = "results/small/fetch/ecssd.txt", "results/small/fetch/hku-is.txt"


def archives() -> dict[str, bytes]:
    """The two zips of an ECSSD of three images."""
    rng, files = np.random.default_rng(0), {}
    for name, suffix in (("images", ".jpg"), ("ground_truth_mask", ".png")):
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for number in range(IMAGES):
                image = rng.integers(0, 2, (24, 32, 3), np.uint8) * 255
                file.writestr(f"{name}/{number}{suffix}", cv2.imencode(suffix, image)[1].tobytes())
        files[f"/{name}.zip"] = buffer.getvalue()
    return files


def point_to(server: Server, sources: Path) -> None:
    """Change a copy of ttvos/data/sources.py: ECSSD is the server's."""
    text = sources.read_text()
    text = re.sub(r'"https?://www.cse.cuhk[^"]*/data/ECSSD/', f'"{server.url("/")}', text)
    text = text.replace('{"images": 1000}', f'{{"images": {IMAGES}}}')
    for old, content in zip(re.findall("[0-9a-f]{64}", text), server.files.values(), strict=True):
        text = text.replace(old, sha256(content).hexdigest())
    sources.write_text(text)


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        server.files |= archives()
        yield server


@pytest.fixture(scope="module")
def copy(server, tmp_path_factory) -> Path:
    """What the workflow needs of the repository; ECSSD comes from the server."""
    folder = copy_repository(tmp_path_factory.mktemp("project"))
    (folder / "small.yaml").write_text(PROFILE)
    point_to(server, folder / "ttvos/data/sources.py")
    return folder


@pytest.fixture
def project(copy) -> Path:
    """The copy without data and results."""
    for name in ("data/ECSSD", "data/photos", "data/.ttvos", "results"):
        shutil.rmtree(copy / name, ignore_errors=True)
    return copy


def test_the_whole_paper_is_planned_without_any_data(project):
    done = dry_run(project, "reports/", *PAPER)
    jobs = done.jobs
    assert (jobs["train"], jobs["train_frtm"]) == (11 * 3, 4 * 3)
    assert (jobs["predict"], jobs["track"]) == (jobs["train"] * 3, jobs["train_frtm"] * 3)
    assert (jobs["fetch"], jobs["fetch_by_hand"]) == (4 + 5, 2)
    assert (jobs["fetch_masks"], jobs["published"]) == (20, 9 + 11 + 11)
    assert (jobs["cost"], jobs["speed"], jobs["reports"]) == (1, 4, 1)
    for words in ("fetch HKU-IS.rar from", "YouTube-VOS/train", "data/downloads/ytvos2018/"):
        assert words in done.said
    counted = planned_jobs(load_config(project / "workflow/runs/paper.yaml"))
    fetched = {"fetch": jobs["fetch"] + jobs["fetch_by_hand"]}
    assert counted == {name: n for name, n in jobs.items() if name != "fetch_by_hand"} | fetched


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_plan_says_that_the_device_is_missing(project):
    assert "device: cuda, but PyTorch sees no" in dry_run(project, "reports/", *PAPER).said
    said = dry_run(project, "reports/", *PAPER, "--config", "device=cpu").said
    assert "CUDA" not in said


def test_the_papers_wording_is_a_few_options(project):
    train = "train={recipe: paper, template_loss: false, transition_activation: none}"
    options = (train, "single_object=direct", "seeds=[0]", "rows=[exp8-hrnet]")
    jobs = dry_run(project, "reports/", *PAPER, "--config", *options).jobs
    assert (jobs["train"], jobs["fetch"]) == (1, 5)
    assert not (project / "results").exists()
    cost = "results/paper/cost/exp8-hrnet.json"  # any job: what commands read is written first
    snakemake(project, cost, *PAPER, "--config", *options).must_do()
    settings = (project / "results/paper/settings/train.json").read_text()
    assert '"template_loss": false' in settings
    assert '"warp": "affine"' in settings


def test_data_is_fetched_once_and_again_when_it_has_gone(project, server):
    server.requests.clear()
    snakemake(project, ECSSD, *SMALL).must_do()
    assert len(list((project / "data/ECSSD/images").iterdir())) == IMAGES
    assert "complete" in (project / ECSSD).read_text()
    assert (project / "results/small/benchmarks/fetch/ecssd.tsv").is_file()
    assert len(server.requests) == 2
    assert dry_run(project, ECSSD, *SMALL).jobs == {}
    shutil.rmtree(project / "data/ECSSD")
    assert dry_run(project, ECSSD, *SMALL).jobs == {"note": 1, "fetch": 1}


def unpack(folder: Path) -> Path:
    for content in archives().values():
        with zipfile.ZipFile(BytesIO(content)) as file:
            file.extractall(folder)
    return folder


def test_data_on_disk_is_found_under_any_name_and_only_checked(project, server):
    there = unpack(project / "data/photos/mine")
    server.requests.clear()
    snakemake(project, ECSSD, *SMALL).must_do()
    assert server.requests == []
    assert "data/photos/mine" in (project / ECSSD).read_text()
    assert there.is_dir()
    assert not (project / "data/ECSSD").exists()
    settings = (project / "results/small/settings/train.json").read_text()
    assert '"data/photos/mine"' in settings


def test_damaged_data_stops_the_run_and_stays(project):
    there = unpack(project / "data/ECSSD")
    (there / "images/1.jpg").write_bytes(b"\xff\xd8 no image")
    before = sorted(there.rglob("*"))
    done = snakemake(project, ECSSD, *SMALL)
    assert done.code == 1
    assert "images/1.jpg" in done.said
    assert sorted(there.rglob("*")) == before
    assert not (project / ECSSD).exists()


def test_gated_data_stops_the_run_and_says_what_to_do(project):
    done = snakemake(project, HKU_IS, *SMALL)
    assert done.code == 1
    log = (project / "results/small/logs/fetch/hku-is.log").read_text()
    assert "fetch HKU-IS.rar from the links" in log
    assert "Traceback" not in log
