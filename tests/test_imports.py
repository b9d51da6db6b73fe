"""The code that a result depends on is found, all of it and no more."""

import shutil
from pathlib import Path

import pytest

import ttvos.imports as imports
from ttvos import provenance
from ttvos.imports import PLUMBING, code_hash, sources


def test_training_depends_on_what_it_imports():
    train = sources("train.py")
    for name in ("losses.py", "model/matching.py", "data/warp.py", "video.py"):
        assert name in train
    for name in ("predict.py", "model/tracking.py", "measure/cost.py", "data/mini.py"):
        assert name not in train


def test_imports_inside_functions_count():
    assert "evaluation/official.py" in sources("evaluation/davis.py")


def test_plumbing_is_left_out_and_exists():
    assert not PLUMBING & set(sources("train.py", "predict.py", "render/report.py"))
    assert all((imports.PACKAGE / name).is_file() for name in PLUMBING)


def test_no_scorer_or_renderer_knows_the_model():
    for entry in ("evaluation/davis.py", "render/report.py", "data/mini.py"):
        assert not [name for name in sources(entry) if name.startswith("model/")]


def test_the_model_knows_no_data():
    assert not [name for name in sources("model/ttvos.py") if name.startswith("data/")]


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    copy = tmp_path / "ttvos"
    shutil.copytree(imports.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(imports, "PACKAGE", copy)
    monkeypatch.setattr(provenance, "__file__", str(copy / "provenance.py"))
    return copy


@pytest.mark.parametrize(
    ("file", "changes"),
    [("losses.py", True), ("model/blocks.py", True), ("predict.py", False), ("config.py", False)],
)
def test_the_hash_of_training_follows_its_code(package, file, changes):
    before = code_hash("train.py")
    with open(package / file, "a") as handle:
        handle.write("\nCHANGED = 1\n")
    assert (code_hash("train.py") != before) == changes


def test_comments_docstrings_and_layout_change_no_hash(package):
    before, source = code_hash("train.py"), provenance.source_hash()
    path = package / "losses.py"
    text = path.read_text().replace('"""', '"""Other words. ', 1)
    path.write_text(text.replace("\n\n\n", "\n\n\n# a comment\n\n"))
    assert code_hash("train.py") == before
    assert provenance.source_hash() != source, "the record of the source sees every byte"


def test_a_folder_counts_as_a_whole(package):
    before = code_hash("render/templates")
    with open(package / "render/templates/style.css", "a") as handle:
        handle.write("\n")
    assert code_hash("render/templates") != before
