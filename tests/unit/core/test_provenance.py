"""Every result says what made it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import ttvos.core.provenance as origin
from ttvos.core.provenance import provenance, settings_hash, source_hash


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
    shutil.copytree(origin.PACKAGE, copy, ignore=ignored)
    monkeypatch.setattr(origin, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    "file", ["model/ttvos.py", "report/templates/page.html.j2", "report/templates/style.css"]
)
def test_source_hash_sees_a_change_in_its_part_only(package, file):
    part = file.split("/")[0]
    before, other = source_hash(part), source_hash("evaluation", "core/video.py")
    with open(package / file, "a") as handle:
        handle.write("\n")
    assert source_hash(part) != before
    assert source_hash("evaluation", "core/video.py") == other


def test_a_part_that_is_not_there_is_an_error(package):
    with pytest.raises(FileNotFoundError):
        source_hash("no_such_file.py")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def lay_out(folder: Path, name: str | None) -> Path:
    """A checkout with the package's file, and a pyproject.toml of that name."""
    (folder / "ttvos/core").mkdir(parents=True)
    (folder / "ttvos/core/provenance.py").write_text("")
    (folder / "results-published").mkdir()
    (folder / "results-published/scores.csv").write_text("1")
    if name:
        (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    return folder


def commit_all(folder: Path) -> str:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "--short=12", "HEAD")


@pytest.fixture
def commit_at(monkeypatch):
    """commit_at(folder): what is recorded where the package lies in that folder."""
    monkeypatch.delenv("TTVOS_COMMIT", raising=False)

    def ask(folder: Path) -> str | None:
        monkeypatch.setattr(origin, "REPOSITORY", folder)
        origin.git_commit.cache_clear()
        return origin.git_commit()

    yield ask
    origin.git_commit.cache_clear()


def test_outside_git_the_commit_is_unknown_unless_named(tmp_path, commit_at, monkeypatch):
    folder = lay_out(tmp_path / "here", "ttvos")
    assert commit_at(folder) is None
    monkeypatch.setenv("TTVOS_COMMIT", "abc")
    assert commit_at(folder) == "abc"


def test_the_commit_is_that_of_the_project_s_own_tree(tmp_path, commit_at):
    folder = lay_out(tmp_path / "here", "ttvos")
    commit = commit_all(folder)
    assert commit_at(folder) == commit
    (folder / "results-published/scores.csv").write_text("2")
    assert commit_at(folder) == commit, "what commands write there is no change of the code"
    (folder / "ttvos/core/provenance.py").write_text("changed")
    assert commit_at(folder) == f"{commit}+changes"


@pytest.mark.parametrize("named", [None, "theirs", "ttvos"])
def test_a_stranger_s_commit_is_not_recorded_where_the_package_is_installed(
    tmp_path, commit_at, named
):
    folder = lay_out(tmp_path / "theirs/.venv/lib/site-packages", named)
    commit_all(tmp_path / "theirs")
    assert commit_at(folder) is None


@pytest.mark.parametrize("named", [None, "theirs"])
def test_a_stranger_s_commit_is_not_recorded_where_the_package_is_copied(
    tmp_path, commit_at, named
):
    folder = lay_out(tmp_path / "theirs", named)
    commit_all(folder)
    assert commit_at(folder) is None


def test_a_tree_that_does_not_hold_the_package_does_not_tell_its_commit(tmp_path, commit_at):
    folder = lay_out(tmp_path / "here", "ttvos")
    (folder / ".gitignore").write_text("ttvos/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".gitignore", "pyproject.toml")
    git(folder, "commit", "--quiet", "--message", "without it")
    assert commit_at(folder) is None


def test_variables_of_a_stranger_s_hook_do_not_mislead(tmp_path, commit_at, monkeypatch):
    folder = lay_out(tmp_path / "here", "ttvos")
    commit = commit_all(folder)
    theirs = lay_out(tmp_path / "theirs", "theirs")
    commit_all(theirs)
    monkeypatch.setenv("GIT_DIR", str(theirs / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(theirs))
    assert commit_at(folder) == commit


def test_without_git_the_commit_is_unknown(tmp_path, commit_at, monkeypatch):
    folder = lay_out(tmp_path / "here", "ttvos")
    commit_all(folder)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_at(folder) is None
