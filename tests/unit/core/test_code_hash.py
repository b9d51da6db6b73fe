"""The code that a result depends on is found, all of it and no more."""

import shutil
from pathlib import Path

import pytest

import ttvos.core.code_hash as imports
from ttvos.core import provenance
from ttvos.core.code_hash import PLUMBING, code_hash, sources


def test_training_depends_on_what_it_imports():
    train = sources("training/ttvos.py")
    for name in ("training/losses.py", "model/matching.py", "data/warp.py", "core/video.py"):
        assert name in train
    for name in (
        "tracking/predict.py",
        "tracking/readable.py",
        "measure/cost.py",
        "data/builtin/clips.py",
    ):
        assert name not in train


def test_imports_inside_functions_count():
    assert "evaluation/official.py" in sources("evaluation/davis.py")


def test_plumbing_is_left_out_and_exists():
    assert not PLUMBING & set(
        sources("training/ttvos.py", "tracking/predict.py", "report/report.py")
    )
    assert all((imports.PACKAGE / name).is_file() for name in PLUMBING)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    copy = tmp_path / "ttvos"
    shutil.copytree(imports.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(imports, "PACKAGE", copy)
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("training/losses.py", True),
        ("model/blocks.py", True),
        ("tracking/predict.py", False),
        ("config/run.py", False),
    ],
)
def test_the_hash_of_training_follows_its_code(package, file, changes):
    before = code_hash("training/ttvos.py")
    with open(package / file, "a") as handle:
        handle.write("\nCHANGED = 1\n")
    assert (code_hash("training/ttvos.py") != before) == changes


def test_comments_docstrings_and_layout_change_no_hash(package):
    before, source = code_hash("training/ttvos.py"), provenance.source_hash()
    path = package / "training/losses.py"
    text = path.read_text().replace('"""', '"""Other words. ', 1)
    path.write_text(text.replace("\n\n\n", "\n\n\n# a comment\n\n"))
    assert code_hash("training/ttvos.py") == before
    assert provenance.source_hash() != source, "the record of the source sees every byte"


def test_a_folder_counts_as_a_whole(package):
    before = code_hash("report/templates")
    with open(package / "report/templates/style.css", "a") as handle:
        handle.write("\n")
    assert code_hash("report/templates") != before
