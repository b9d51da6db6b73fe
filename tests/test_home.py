"""`~` in options and profiles, where no shell has replaced it."""

import json
import os

import pytest

from tests.cli.conftest import evaluate, predict
from ttvos.cli import main
from ttvos.config import parse_config
from ttvos.errors import UserError
from ttvos.home import expand
from ttvos.weights import find_weights

PROFILE = {"profile": "p", "title": "~80 clips", "caution": "", "rows": []}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home folder, and another that is the current one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_commands_read_and_write_there(home, tiny_davis):
    assert tiny_davis.parent == home
    words = predict("~/davis17", "~/masks")
    assert main([str(word) for word in words]) == 0
    assert len(list((home / "masks").rglob("*.png"))) == 16
    words = evaluate("~/masks", "~/davis17", "~/scores.json")
    assert main([str(word) for word in words]) == 0
    root = json.loads((home / "scores.json").read_text())["provenance"]["data"]["root"]
    assert root == str(tiny_davis)
    assert list((home / "work").iterdir()) == []


def test_profiles_name_folders_there(home):
    values = PROFILE | {
        "results": "~/run",
        "davis": "~/DAVIS",
        "datasets": {
            "a": {"root": "{davis}", "year": 2017},
            "b": {"root": "{results}/b", "year": 2017},
        },
    }
    config = parse_config(values)
    assert config.results == f"{home}/run"
    assert [data.root for data in config.datasets.values()] == [f"{home}/DAVIS", f"{home}/run/b"]
    assert config.title == "~80 clips"


def test_texts_within_options(home):
    assert expand([("out", "~/x"), 3, None]) == [("out", f"{home}/x"), 3, None]
    assert expand("~") == str(home)
    for text in ("a/~/b", "~80 clips", "./~x", "", "x~"):
        assert expand(text) == text
    assert find_weights("~/a.safetensors") == home / "a.safetensors"


def test_an_unknown_home_is_one_clear_line(home, monkeypatch, capsys):
    path = "~nobody-of-that-name/masks"
    assert main([str(word) for word in predict(home, path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ttvos: {path}: the home folder")
    with pytest.raises(UserError, match=r"^mine: ~nobody-of-that-name/x: the home folder"):
        parse_config(PROFILE | {"results": "~nobody-of-that-name/x", "datasets": {}}, "mine")
    assert not any("~" in name for name in os.listdir(home / "work"))
