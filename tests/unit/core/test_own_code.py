"""The hash of somebody's class: what changes it and what does not."""

import sys

import pytest

from ttvos.core.code_hash import own_code

FILES = {
    "mine/__init__.py": "",
    "mine/tracker.py": "import json\nfrom . import network\nfrom .parts.head import Head\n",
    "mine/network.py": "import shared\n",
    "mine/parts/__init__.py": "",
    "mine/parts/head.py": "class Head: ...\n",
    "shared.py": "N = 1\n",
    "other.py": "N = 2\n",
    "broken.py": "def (:\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / "here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize(
    "name",
    [
        "mine/__init__.py",
        "mine/tracker.py",
        "mine/network.py",
        "mine/parts/__init__.py",
        "mine/parts/head.py",
        "shared.py",
    ],
)
def test_it_changes_with_all_that_the_class_imports_here(folder, name):
    before = own_code("mine.tracker")
    assert before == own_code("mine.tracker")
    (folder / name).write_text(FILES[name] + "# more\n")
    assert own_code("mine.tracker") == before
    (folder / name).write_text(FILES[name] + "MORE = 1\n")
    assert own_code("mine.tracker") != before


def test_nothing_else_changes_it(folder):
    before = own_code("mine.tracker")
    (folder / "other.py").write_text("N = 3\n")
    assert own_code("mine.tracker") == before
    assert own_code("mine") != before


def test_a_package_of_the_environment_counts_by_itself(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    before = own_code("mine.tracker")
    (folder / "shared.py").write_text("N = 3\n")  # of another package
    assert own_code("mine.tracker") == before
    (folder / "mine/network.py").write_text("N = 3\n")
    assert own_code("mine.tracker") != before
    assert "mine" not in sys.modules, "it must not be imported"


def test_what_cannot_be_read(folder):
    assert own_code("broken") is not None
    assert own_code("nobody.at_all") is None
    assert own_code("mine.nobody") is None
    assert own_code("") is None
