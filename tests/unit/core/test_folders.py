"""`~` in options and profiles, where no shell has replaced it."""

import getpass
import json
import os
import pwd

import pytest

from tests.unit.cli.conftest import evaluate, predict
from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.folders import expand, home_folder
from ttvos.core.process import name_unknown_user
from ttvos.core.shipped_weights import find_weights
from ttvos.engine.compiled import cache_folder, compile_step, load_compiled, package_path
from ttvos.plan.run import parse_config

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


@pytest.fixture
def unknown_user(monkeypatch):
    """As `docker run --user 54321` without HOME."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME", "XDG_CACHE_HOME", "TTVOS_CACHE"):
        monkeypatch.setenv(name, "")  # so that it is put back, whoever sets it
        monkeypatch.delenv(name)


def test_an_unknown_user_gets_a_name(unknown_user):
    with pytest.raises((KeyError, OSError)):
        getpass.getuser()
    name_unknown_user()
    assert getpass.getuser() == f"uid{os.getuid()}"


def test_a_known_user_keeps_the_environment(monkeypatch):
    before = dict(os.environ)
    name_unknown_user()
    assert dict(os.environ) == before


def test_without_a_home_nothing_is_kept_and_one_line_says_so(unknown_user, monkeypatch, tmp_path):
    assert home_folder() is None
    assert cache_folder() is None
    assert load_compiled(package_path(None, "", ())) is None
    with pytest.raises(UserError, match=r"no home folder .* set HOME, or TTVOS_CACHE"):
        compile_step(None, (), None)
    with pytest.raises(UserError, match=r"~/x: the home folder that ~ stands for is not known"):
        expand("~/x")
    monkeypatch.setenv("TTVOS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "compiled"


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*; TTVOS_CACHE names another folder"):
        compile_step(None, (), tmp_path / "file" / "x.pt2")
