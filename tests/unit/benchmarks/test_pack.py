"""Packing data for a device machine: what travels, in which size, and what is refused."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import pack
from ttvos.data.davis import load_sequences
from ttvos.data.layouts.stills import load_stills, read_still


@pytest.fixture(autouse=True)
def no_pip(monkeypatch):
    """No test asks the network."""
    failed = subprocess.CompletedProcess([], 1, stderr="none here")
    monkeypatch.setattr(pack.subprocess, "run", lambda *_, **__: failed)


@pytest.fixture
def data(tiny_davis, tmp_path):
    """The four data sets at tiny size, and weights."""
    folder, davis = tmp_path / "data", tiny_davis.parent / "davis16"
    for name in (pack.TRAIN, pack.VAL):
        shutil.copytree(davis, folder / name)
    for kind in ("JPEGImages", "Annotations"):
        one = folder / pack.VAL / kind / "480p"
        (one / "one").rename(one / pack.VAL_SEQUENCES[0])
    noise = np.random.default_rng(0).integers(0, 256, (600, 400, 3), dtype=np.uint8)
    for name in pack.STILLS:
        for kind in ("images", "ground_truth_mask"):
            (folder / name / kind).mkdir(parents=True)
        Image.fromarray(noise).save(folder / name / "images/1.jpg", quality=95)
        mask = np.zeros((600, 400), np.uint8)
        mask[100:300, 100:300] = 255
        Image.fromarray(mask).save(folder / name / "ground_truth_mask/1.png")
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"weights")
    return folder, weights


def test_pack_is_read_as_the_originals_are(data, tmp_path):
    folder, weights = data
    size, quality = pack.pack(folder, weights, tmp_path / "pack", limit_mib=5)
    assert quality == pack.QUALITIES[0]
    files = [path for path in (tmp_path / "pack").rglob("*") if path.is_file()]
    assert size <= sum(path.stat().st_size for path in files) <= size + 10_000  # and its listing
    (sequence,) = load_sequences(tmp_path / "pack/val", 2016, "val")
    assert (sequence.name, len(sequence.frames)) == (pack.VAL_SEQUENCES[0], 8)
    assert len(load_sequences(tmp_path / "pack/train", 2016, "train")) == 2
    (still,) = load_stills(tmp_path / "pack/ecssd")
    image, mask = read_still(still)
    assert image.shape[:2] == mask.shape == (240, 160)
    assert mask.mean() == pytest.approx(1 / 6, abs=0.01)


def test_quality_falls_until_it_fits(data, tmp_path):
    folder, weights = data
    best, _ = pack.pack(folder, weights, tmp_path / "pack", limit_mib=5)
    size, quality = pack.pack(folder, weights, tmp_path / "pack", limit_mib=0.9 * best / 2**20)
    assert quality < pack.QUALITIES[0]
    assert size <= 0.9 * best


@pytest.mark.parametrize("limit", [0.001])
def test_too_small_a_limit_leaves_nothing(data, tmp_path, limit, capsys):
    folder, weights = data
    words = [tmp_path / "pack", "--data", folder, "--weights", weights, "--limit", limit]
    assert pack.main(list(map(str, words))) == 1
    assert "MiB" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "pack").exists()


def test_wheels_travel_where_pip_can_fetch_them(data, tmp_path, capsys, monkeypatch):
    def fetch(command, **_):
        assert command[command.index("--python-version") + 1] == "3.12"
        Path(command[command.index("--dest") + 1], "one.whl").write_bytes(b"wheel")
        return subprocess.CompletedProcess(command, 0)

    folder, weights = data
    words = list(map(str, [tmp_path / "pack", "--data", folder, "--weights", weights]))
    monkeypatch.setattr(pack.subprocess, "run", fetch)
    assert pack.main(words) == 0
    assert (tmp_path / "pack/wheels/one.whl").read_bytes() == b"wheel"
    failed = subprocess.CompletedProcess([], 1, stderr="WARNING: x\nERROR: no network\n")
    monkeypatch.setattr(pack.subprocess, "run", lambda *_, **__: failed)
    assert pack.main(words) == 0
    assert not (tmp_path / "pack/wheels").exists()
    assert "not packed: ERROR: no network; the machine must have it" in capsys.readouterr().err


def test_missing_data_is_named(tmp_path, capsys):
    assert pack.main([str(tmp_path / "pack"), "--data", str(tmp_path / "none")]) == 1
    assert pack.TRAIN in capsys.readouterr().err
