"""From address to checked folder: recorded checksums, gated data, what is there already."""

import fcntl
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.data.server import Server
from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.data.download import Patience, WrongBytesError
from ttvos.data.fetch import best_match, fetch_set, recorded
from ttvos.data.sources import NAMES, SET_NAMES, SOURCES, Archive, find_source

QUICK = Patience(timeout=1, attempts=2, wait=0.01)


def pack(folder: Path, archive: Path, top: str = "DAVIS") -> bytes:
    """A zip of a folder below a folder `top`, as DAVIS is published."""
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, Path(top) / path.relative_to(folder))
    return archive.read_bytes()


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def server(tiny_davis, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        server.files["/d.zip"] = pack(tiny_davis, tmp_path / "packed.zip")
        yield server


@pytest.fixture
def source(server):
    """davis2017, but the tiny set of two sequences from the tests' server."""
    archive = Archive("d.zip", (server.url("/d.zip"),), size=1000)
    return replace(
        find_source("davis2017"), archives=(archive,), contents={"train": 2, "val": 2}, unpacked=1
    )


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def test_fetched_unpacked_checked_and_recorded(source, root, server, tiny_davis):
    report = fetch_set(source, root, QUICK)
    assert report.complete
    assert report.found.folder == root / "DAVIS-2017"
    assert names_below(root / "DAVIS-2017") == names_below(tiny_davis)
    assert list(recorded(root)) == ["davis2017/d.zip"]
    assert not list((root / "downloads").rglob("*.zip"))
    assert not list((root / ".ttvos" / "unpack").iterdir())


def test_what_is_there_is_only_checked_wherever_and_whatever_its_name(source, root, server):
    fetch_set(source, root, QUICK)
    (root / "some" / "where").mkdir(parents=True)
    (root / "DAVIS-2017").rename(root / "some" / "where" / "DAVIS")
    del server.requests[:]
    assert fetch_set(source, root, QUICK).found.folder == root / "some" / "where" / "DAVIS"
    (root / "some/where/DAVIS/JPEGImages/480p/one/00003.jpg").write_bytes(b"\xff\xd8 cut")
    assert "00003.jpg" in fetch_set(source, root, QUICK).damaged[0]
    assert server.requests == []


def test_a_part_of_the_set_elsewhere_is_no_reason_not_to_fetch(source, root, tiny_davis):
    shutil.copytree(tiny_davis, root / "part")
    (root / "part/ImageSets/2017/train.txt").unlink()
    assert fetch_set(source, root, QUICK).found.folder == root / "DAVIS-2017"


def test_the_first_checksum_is_enforced_afterwards(source, root, server):
    fetch_set(source, root, QUICK)
    shutil.rmtree(root / "DAVIS-2017")
    server.files["/d.zip"] += b"\0"
    with pytest.raises(WrongBytesError, match=r"wrong bytes.*checksums\.json"):
        fetch_set(source, root, QUICK)
    assert not (root / "DAVIS-2017").exists()
    (root / ".ttvos" / "checksums.json").write_text("{}")
    assert fetch_set(source, root, QUICK).complete


def test_damaged_records_are_not_ignored(source, root):
    (root / ".ttvos").mkdir(parents=True)
    (root / ".ttvos" / "checksums.json").write_text("[]")
    with pytest.raises(UserError, match=r"checksums\.json: damaged"):
        fetch_set(source, root, QUICK)


def test_a_stated_checksum_counts_from_the_first_time(source, root):
    archive = replace(source.archives[0], checksum="sha256:" + 64 * "0")
    with pytest.raises(WrongBytesError, match="wrong bytes") as caught:
        fetch_set(replace(source, archives=(archive,)), root, QUICK)
    assert "checksums.json" not in str(caught.value)


def test_what_is_not_the_data_set_is_never_put_in_place_or_recorded(source, root, server, tmp_path):
    server.files["/d.zip"] = b"<html>Sign in first</html>"
    with pytest.raises(UserError, match="web page"):
        fetch_set(source, root, QUICK)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme").touch()
    (root / "downloads/davis2017/d.zip").write_bytes(pack(tmp_path / "other", tmp_path / "o.zip"))
    with pytest.raises(UserError, match="holds no DAVIS 2017"):
        fetch_set(source, root, QUICK)
    assert recorded(root) == {}
    assert sorted(p.name for p in root.iterdir()) == [".ttvos", "downloads"]


def test_a_taken_folder_is_left_alone(source, root):
    (root / "DAVIS-2017").mkdir(parents=True)
    (root / "DAVIS-2017" / "mine").write_text("keep")
    with pytest.raises(UserError, match="move it away"):
        fetch_set(source, root, QUICK)
    assert (root / "DAVIS-2017" / "mine").read_text() == "keep"


def test_what_a_killed_run_left_is_cleared(source, root):
    stale = root / ".ttvos/unpack/davis2017/DAVIS/ImageSets/2017/val.txt"
    stale.parent.mkdir(parents=True)
    stale.write_text("half")
    (root / "DAVIS-2017").mkdir()
    assert fetch_set(source, root, QUICK).complete
    assert not stale.exists()


def test_one_at_a_time(source, root):
    (root / ".ttvos").mkdir(parents=True)
    with (root / ".ttvos" / "davis2017.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process"):
            fetch_set(source, root, QUICK)
    assert fetch_set(source, root, QUICK).complete


def test_two_archives_make_one_set(server, root, tmp_path, shared):
    for part in ("images", "ground_truth_mask"):
        folder = tmp_path / part
        folder.mkdir()
        for path in sorted((shared / "data/ecssd" / part).iterdir())[:3]:
            shutil.copy(path, folder)
        server.files[f"/{part}.zip"] = pack(folder, tmp_path / f"{part}.zip", part)
    archives = tuple(
        Archive(name, (server.url(f"/{name}"),), 1)
        for name in ("images.zip", "ground_truth_mask.zip")
    )
    source = replace(find_source("ecssd"), archives=archives, contents={"images": 3}, unpacked=1)
    assert fetch_set(source, root, QUICK).complete
    assert len(recorded(root)) == 2


def test_gated_data_are_told_of_and_taken_from_where_the_text_says(root, tmp_path, tiny_davis):
    source = replace(find_source("ytvos2018"), contents={"videos": 2})
    with pytest.raises(UserError) as caught:
        fetch_set(source, root)
    by_hand = root / "downloads" / "ytvos2018" / "train.zip"
    for words in (source.page, str(by_hand), str(root / "YouTube-VOS" / "train")):
        assert words in str(caught.value)
    assert not root.exists()
    train = tmp_path / "train"
    for kind in ("JPEGImages", "Annotations"):
        shutil.copytree(tiny_davis / kind / "480p", train / kind)
    frames = {"objects": {"1": {"category": "disc", "frames": ["00000", "00005"]}}}
    (train / "meta.json").write_text(json.dumps({"videos": {"one": frames, "two": frames}}))
    by_hand.parent.mkdir(parents=True)
    pack(train, by_hand, "train")
    assert fetch_set(source, root).complete
    assert by_hand.exists()  # not ours to delete
    assert best_match(source, root).folder == root / "YouTube-VOS" / "train"


@pytest.mark.parametrize("name", ["hku-is", "released", "ytvos2019"])
def test_the_command_says_what_to_fetch_by_hand_in_one_line(name, tmp_path, capsys):
    assert main(["data", "fetch", name, "--root", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
    assert find_source(name).page in line


def test_imagenet_weights_become_a_file_that_training_starts_from(tmp_path, monkeypatch, capsys):
    from ttvos.config.experiments import find_variant
    from ttvos.model import weights as checkpoint
    from ttvos.model.backbones.hrnet import HRNet
    from ttvos.model.ttvos import build_model

    given = HRNet().net.state_dict()
    monkeypatch.setattr(HRNet, "imagenet_weights", lambda self: given)
    command = ["data", "fetch", "imagenet-hrnet", "--root", str(tmp_path)]
    assert main(command) == 0
    model = build_model(find_variant("exp8"), "hrnet")
    checkpoint.initial_backbone(model, tmp_path / "imagenet" / "hrnet.safetensors")
    loaded = model.backbone.net.state_dict()
    assert all(loaded[key].equal(value) for key, value in given.items())
    monkeypatch.delattr(HRNet, "imagenet_weights")
    assert main(command) == 0  # there already: nothing is fetched
    assert main(["data", "check", "imagenet-hrnet", "--root", str(tmp_path)]) == 0
    (tmp_path / "imagenet" / "hrnet.safetensors").write_bytes(b"cut")
    assert main(["data", "check", "imagenet-hrnet", "--root", str(tmp_path)]) == 1
    assert "hrnet.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_the_registry_says_all_of_every_source(name):
    source = SOURCES[name]
    assert source.title
    assert source.licence
    assert source.page.startswith("https://")
    assert not Path(source.folder).is_absolute()
    for archive in source.archives:
        assert all(url.endswith("/" + archive.name) for url in archive.urls)
        assert archive.urls or source.manual
    if name in SET_NAMES:
        assert source.contents
        assert source.archives or source.manual


def test_unknown_names():
    with pytest.raises(UserError, match="unknown data 'davis2018'; known: davis2016"):
        find_source("davis2018")
