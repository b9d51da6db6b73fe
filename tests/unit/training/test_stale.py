"""Settings and data make a training stale; code is told of."""

import json
from pathlib import Path

import pytest
from ttvos.training.folder import changed_code_notice, deciding_hash, finished_notice, is_finished

from ttvos.core.provenance import file_hash, settings_hash

SETTINGS = {"seed": 0, "stages": ({"steps": 2},), "data": {"clips": "abc"}, "code": "first"}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "train/exp8-hrnet-s0"
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"weights")
    record = {
        **{"variant": "exp8", "backbone": "hrnet", "seed": 0, "steps": 2, "seconds": 1.0},
        "settings": SETTINGS,
        "hash": settings_hash(SETTINGS),  # as earlier code wrote it, with the code in it
        "checkpoint_sha256": file_hash(folder / "checkpoint.safetensors"),
    }
    (folder / "train.json").write_text(json.dumps(record))
    return folder


def test_code_alone_decides_nothing(trained: Path):
    assert is_finished(trained, SETTINGS)
    assert is_finished(trained, {**SETTINGS, "code": "second"})
    assert deciding_hash(SETTINGS) == deciding_hash({**SETTINGS, "code": "second"})


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"stages": ({"steps": 3},)}, {"data": {"clips": "abd"}}, {"new": None}]
)
def test_settings_and_data_decide(trained: Path, change: dict):
    assert not is_finished(trained, {**SETTINGS, **change})


def test_an_exchanged_or_lost_result_is_not_finished(trained: Path):
    path = trained / "checkpoint.safetensors"
    path.write_bytes(b"others")
    assert not is_finished(trained, SETTINGS)
    path.unlink()
    assert not is_finished(trained, SETTINGS)


def test_a_record_without_settings_is_not_finished(trained: Path):
    (trained / "train.json").write_text("{}")
    assert not is_finished(trained, SETTINGS)


def test_other_code_is_told_of(trained: Path):
    assert "other code" not in finished_notice(trained, SETTINGS)
    assert "(first, now second)" in finished_notice(trained, {**SETTINGS, "code": "second"})
    records = [trained / "train.json", trained.parent / "not-yet/train.json"]
    assert changed_code_notice(records, "first") is None
    told = changed_code_notice(records, "second")
    assert "exp8-hrnet-s0" in told
    assert "not-yet" not in told
    assert "\n" not in told
    assert changed_code_notice(records[1:], "second") is None
