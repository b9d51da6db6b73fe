"""The workflow brings published masks, scores them, and makes both again when they have gone."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.slow.workflow.running import copy_repository, dry_run, snakemake
from tests.unit.data.server import Server
from tests.unit.evaluation.mask_formats import write_masks

PROFILE = """
profile: small
title: Published masks
caution: ""
results: results/small
rows: []
references: []
datasets: {davis16: {root: "DAVIS", year: 2016}}
published: {datasets: [davis16], methods: [osmn], fetch: true}
"""
SCORES = "results/small/published/osmn/davis16.json"
SITE = "results/small/site/davis16.json"
OPTIONS = (SCORES, "--configfile", "small.yaml")
ADDRESSES = [f"/files/{where}results/2016/osmn.zip" for where in ("30be16ff9d28/", "HEAD/", "")]
RECORD = "results/small/fetch/published-masks/osmn-2016.json"


@pytest.fixture
def project(tmp_path, tiny_davis) -> Path:
    """A copy of what the workflow needs, with a tiny data set whose sequences are all of val."""
    folder = copy_repository(tmp_path / "project")
    shutil.copytree(tiny_davis.parent / "davis16", folder / "DAVIS")
    (folder / "small.yaml").write_text(PROFILE)
    with open(folder / "ttvos/data/davis.py", "a") as file:
        file.write(
            '\nVAL = {year: ("one", "two") for year in VAL}\nFRAMES = dict.fromkeys(VAL, 16)\n'
        )
    return folder


def archive(folder: Path) -> bytes:
    masks = [np.eye(64, 96, dtype=bool)] * 8
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for sequence in ("one", "two"):
            write_masks(folder / sequence, masks, "grey 0/255, palette 0/1")
            for path in sorted((folder / sequence).iterdir()):
                file.write(path, f"osmn/{sequence}/{path.name}")
    return buffer.getvalue()


def point_at(server: Server, project: Path) -> None:
    """Let the copy's addresses be the server's."""
    registry = project / "ttvos/data/published_masks.py"
    text = registry.read_text()
    for place in ("_SITE_FILES", "_SITE"):
        text = text.replace(text.split(f'{place} = "')[1].split('"')[0], server.url("/files"))
    registry.write_text(text)


def compare_with_the_site(project: Path, frames: dict) -> None:
    """The site's record that holds just these scores, but for one value, has one difference."""
    printed = {
        name.removesuffix("_1"): {k: list(map(str, v)) for k, v in own.items()}
        for name, own in frames.items()
    }
    printed["one"]["F"][0] = "0.123"
    path = project / "record/2016/osmn_davis.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"id": "osmn", **printed}))
    options = ("--configfile", "small.yaml", "--config", "davis_record=record")
    snakemake(project, SITE, *options).must_do()
    (method,) = json.loads((project / SITE).read_text())["methods"]
    assert (method["beyond"], method["differing"][0]["sequence"]) == (1, "one")


def test_masks_that_cannot_be_had_say_so_and_are_tried_again(project, tmp_path):
    with Server() as server:
        point_at(server, project)
        for path in ADDRESSES:
            server.files[path], server.script[path] = b"", [404] * 9
        snakemake(project, *OPTIONS).must_do()
        scores = json.loads((project / SCORES).read_text())
        assert set(scores) == {"missing", "provenance"}
        assert scores["missing"].startswith("osmn 2016: ")
        assert "404" in scores["missing"]
        server.files[ADDRESSES[0]] = archive(tmp_path / "packed")
        server.script.clear()
        snakemake(project, *OPTIONS).must_do()
    assert "global" in json.loads((project / SCORES).read_text())


def test_masks_are_brought_scored_and_brought_again(project, tmp_path):
    with Server() as server:
        point_at(server, project)
        server.files[ADDRESSES[0]] = archive(tmp_path / "packed")
        snakemake(project, *OPTIONS).must_do()
    scores = json.loads((project / SCORES).read_text())
    assert list(scores["frames"]) == ["one_1", "two_1"]
    assert scores["provenance"]["masks_origin"]["method"] == "OSMN"
    assert json.loads((project / RECORD).read_text())["brought"] == ["osmn 2016"]
    compare_with_the_site(project, scores["frames"])
    log = project / "results/small/logs/fetch_masks/osmn-2016.log"
    assert "licence: none stated" in log.read_text()
    assert dry_run(project, *OPTIONS).jobs == {}
    shutil.rmtree(project / "data/published-masks/osmn")
    assert dry_run(project, *OPTIONS).jobs == {"note": 1, "fetch_masks": 1, "published": 1}
