"""Dependencies: ranges in pyproject.toml, pinned once in the lock, the same for pip and conda."""

import tomllib

import yaml
from packaging.requirements import Requirement

from ttvos.core.provenance import REPOSITORY


def ranges() -> list[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = (extras[name] for name in ("report", "train", "workflow", "cluster", "dev"))
    lines = [*project["dependencies"], *(line for extra in named for line in extra)]
    found = [Requirement(line) for line in lines]
    return [requirement for requirement in found if requirement.name != "ttvos"]


def locked() -> set[str]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    return {line for line in lines if line and not line.startswith((" ", "#"))}


def test_every_dependency_has_two_ends_and_is_locked_between_them():
    pins = dict(line.partition(" ;")[0].split("==") for line in locked())
    for requirement in ranges():
        assert {one.operator for one in requirement.specifier} == {">=", "<"}, requirement
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_conda_users_get_the_same_versions():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    (listed,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    left_out = {line for line in locked() if line.startswith("vos-benchmark==")}
    assert set(listed) == locked() - left_out
    assert len(left_out) == 1


def test_there_is_one_opencv():
    """Two builds would overwrite each other's files; the one with windows fails on servers."""
    builds = [line.partition("==")[0] for line in locked() if line.startswith("opencv")]
    assert builds == ["opencv-python-headless"]
