"""Every result says what made it."""

import json
import shutil
from pathlib import Path

import pytest

import ttvos.provenance as origin
from ttvos.provenance import provenance, settings_hash, source_hash


def test_it_names_what_can_change_a_number():
    found = provenance({"a": 1}, seed=3, device="a GPU", precision="float16", note="mine")
    assert found["seed"] == 3
    assert found["device"] == "a GPU"
    assert found["precision"] == "float16"
    assert found["note"] == "mine"
    assert {"torch", "numpy", "timm"} <= set(found["libraries"])
    assert found["config"] == settings_hash({"a": 1})
    json.dumps(found)


def test_the_device_is_the_processor_unless_said():
    assert provenance()["device"] == origin.cpu_name()


def test_settings_hash_ignores_the_order_of_keys():
    assert settings_hash({"a": 1, "b": 2}) == settings_hash({"b": 2, "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})
    assert settings_hash(None) is None


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the package that `source_hash` looks at."""
    copy = tmp_path / "ttvos"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(origin.__file__).parent, copy, ignore=ignored)
    monkeypatch.setattr(origin, "__file__", str(copy / "provenance.py"))
    return copy


@pytest.mark.parametrize(
    "file", ["model/ttvos.py", "render/templates/page.html.j2", "render/templates/style.css"]
)
def test_source_hash_sees_a_change_in_its_part_only(package, file):
    part = file.split("/")[0]
    before, other = source_hash(part), source_hash("evaluation", "video.py")
    with open(package / file, "a") as handle:
        handle.write("\n")
    assert source_hash(part) != before
    assert source_hash("evaluation", "video.py") == other


def test_a_part_that_is_not_there_is_an_error(package):
    with pytest.raises(FileNotFoundError):
        source_hash("no_such_file.py")


def test_outside_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(origin, "REPOSITORY", tmp_path)
    monkeypatch.delenv("TTVOS_COMMIT", raising=False)
    origin.git_commit.cache_clear()
    try:
        assert origin.git_commit() is None
    finally:
        origin.git_commit.cache_clear()
