"""Pins: every dependency is pinned once, and the same for pip and for conda."""

import re
import tomllib

import yaml

from ttvos.core.provenance import REPOSITORY


def pins() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return {*project["dependencies"], *extras["workflow"], *extras["dev"]}


def locked() -> set[str]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    return {line for line in lines if line and not line.startswith((" ", "#"))}


def test_every_direct_dependency_is_pinned_and_locked():
    for pin in pins():
        assert re.fullmatch(r"[\w.-]+==[\w.]+", pin)
        assert pin in locked()


def test_conda_users_get_the_same_versions():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    (listed,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    left_out = {line for line in locked() if line.startswith("vos-benchmark==")}
    assert set(listed) == locked() - left_out
    assert pins() - left_out <= set(listed)
    assert len(left_out) == 1


def test_there_is_one_opencv():
    """Two builds would overwrite each other's files; the one with windows fails on servers."""
    builds = [line.partition("==")[0] for line in locked() if line.startswith("opencv")]
    assert builds == ["opencv-python-headless"]
