"""The DAVIS site's record: read, fetched, put together by hand, and refused where it is wrong."""

import json
from pathlib import Path

import pytest

from tests.unit.data.server import Server
from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.data import site_fetch
from ttvos.data.download import Patience
from ttvos.data.published_masks import SITE_RECORD
from ttvos.data.site_record import read_attributes, read_printed, recorded_methods
from ttvos.data.sources import SOURCES, Archive

QUICK = Patience(timeout=1, attempts=2, wait=0.01)
FRAMES = {"id": "stm", "camel": {"J": ["0.948", "1.000"], "F": ["0.900", "0.000"]}}
OBJECTS = {"id": "stm", "camel_1": {"J": "0.5942", "F": "0.6840"}}
INFO = "sequences:\n- {attributes: [OCC, AC], name: camel}\n- {attributes: [], name: goat}\n"


def write_record(folder: Path, frames: object = FRAMES, objects: object = OBJECTS) -> Path:
    """A record of one method, stm, of one sequence."""
    for year, values in ((2016, frames), (2017, objects)):
        path = folder / str(year) / "stm_davis.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    (folder / "db_info.yml").write_text(INFO)
    return folder


def test_a_record_is_read(tmp_path):
    folder = write_record(tmp_path)
    assert recorded_methods(folder, 2016) == ["stm"]
    ((name, (j, f)),) = read_printed(folder, 2016, "stm").items()
    assert (name, j.tolist(), f.tolist()) == ("camel_1", [0.948, 1], [0.9, 0])
    ((name, (j, f)),) = read_printed(folder, 2017, "stm").items()
    assert (name, j.tolist(), f.tolist()) == ("camel_1", [0.5942], [0.684])
    assert read_attributes(folder) == {"camel": ("OCC", "AC"), "goat": ()}
    (folder / "db_info.yml").unlink()
    assert read_attributes(folder) == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1], "not the DAVIS site's record of stm"),
        ({"id": "osvos"}, "not the DAVIS site's record of stm"),
        ({"id": "stm", "camel": ["0.9"]}, "camel: expected J and F"),
        ({"id": "stm", "camel": {"J": ["0.9"]}}, "camel: expected J and F"),
        ({"id": "stm", "camel": {"J": ["0.9"], "F": ["x"]}}, "camel: J and F are not numbers"),
        ({"id": "stm", "camel": {"J": ["0.9"], "F": None}}, "camel: "),
        ({"id": "stm", "camel": {"J": ["0.9"], "F": []}}, "as many values of F as of J"),
        ({"id": "stm", "camel": {"J": "0.9", "F": "0.9"}}, "in a list"),
        ({"id": "stm", "camel": {"J": ["1.1"], "F": ["1"]}}, "lie between 0 and 1"),
        ({"id": "stm", "camel": {"J": ["nan"], "F": ["1"]}}, "lie between 0 and 1"),
    ],
)
def test_a_wrong_record_is_one_line(tmp_path, values, words):
    folder = write_record(tmp_path, values)
    with pytest.raises(UserError, match=words) as caught:
        read_printed(folder, 2016, "stm")
    assert "2016/stm_davis.json: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"osvos_davis.json: no such file"):
        read_printed(write_record(tmp_path), 2016, "osvos")
    with pytest.raises(UserError, match=r"no record of the DAVIS site for 2016.*data fetch"):
        recorded_methods(tmp_path / "none", 2016)


@pytest.mark.parametrize("text", ["", "[1]", "sequences: 3", "sequences: [{name: camel}]"])
def test_attributes_of_another_form_are_refused(tmp_path, text):
    (tmp_path / "db_info.yml").write_text(text)
    with pytest.raises(UserError, match=r"db_info.yml: names no sequences with their attributes"):
        read_attributes(tmp_path)


def test_its_addresses_are_those_of_the_site_s_methods():
    names = {archive.name for archive in SITE_RECORD}
    assert {"2016/sfls_davis.json", "2016/stm_davis.json", "2017/stm_davis.json"} <= names
    assert not {name for name in names if "crn" in name or name == "2017/sfls_davis.json"}
    for archive in SITE_RECORD:
        ending = archive.name.rpartition("/")[2]
        assert all(url.startswith("https://") for url in archive.urls)
        assert all(url.endswith(f"/{ending}") for url in archive.urls)


@pytest.fixture
def server(monkeypatch):
    """One that has the record of stm, at the addresses that the command knows."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        found = []
        for year, values in ((2016, FRAMES), (2017, OBJECTS)):
            name = f"{year}/stm_davis.json"
            server.files[f"/{name}"] = json.dumps(values).encode()
            found.append(Archive(name, (server.url(f"/{name}"),), 100))
        monkeypatch.setattr(site_fetch, "SITE_RECORD", tuple(found))
        yield server


def fetch(root: Path) -> str:
    return site_fetch.fetch_record(SOURCES["davis-record"], root, QUICK)


def test_the_record_is_downloaded_once(server, tmp_path):
    told = fetch(tmp_path)
    assert "1 method of 2016, 1 method of 2017; no db_info.yml" in told
    assert read_printed(tmp_path / "davis-record", 2017, "stm")
    asked = len(server.requests)
    assert fetch(tmp_path) == told
    assert len(server.requests) == asked


def test_the_attributes_are_those_of_davis_2016(server, tmp_path):
    path = tmp_path / "DAVIS-2016/Annotations/db_info.yml"
    path.parent.mkdir(parents=True)
    path.write_text(INFO)
    assert "attributes of 2 sequences" in fetch(tmp_path)


def test_a_folder_fetched_by_hand_will_do(server, tmp_path):
    write_record(tmp_path / "downloads/davis-record")
    assert "attributes of 2 sequences" in fetch(tmp_path)
    assert server.requests == []


def test_what_cannot_be_had_is_named_and_the_rest_is_kept(server, tmp_path):
    server.script["/2016/stm_davis.json"] = [404] * 9
    with pytest.raises(UserError, match=r"1 of 2 files failed; put them into .*davis-rec") as told:
        fetch(tmp_path)
    assert "404" in str(told.value)
    assert "\n" not in str(told.value)
    assert (tmp_path / "davis-record/2017/stm_davis.json").exists()


def test_the_commands(server, tmp_path, capsys):
    options = ["davis-record", "--root", str(tmp_path)]
    assert main(["data", "check", *options]) == 1
    assert "no record of the DAVIS site" in capsys.readouterr().err
    assert main(["data", "fetch", *options]) == 0
    assert main(["data", "check", *options]) == 0
    assert capsys.readouterr().out.count("1 method of 2016") == 2
    path = tmp_path / "davis-record/2016/stm_davis.json"
    path.write_text("{")
    assert main(["data", "check", *options]) == 1
    path.unlink()
    path.with_name("osvos_davis.json").write_text(json.dumps(FRAMES | {"id": "osvos"}))
    assert main(["data", "check", *options]) == 1
    assert "lacks 2016/stm_davis.json" in capsys.readouterr().err
