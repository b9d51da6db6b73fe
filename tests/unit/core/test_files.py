"""Results appear whole or not at all."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from ttvos.core.errors import UserError
from ttvos.core.files import (
    LISTING,
    atomic_directory,
    atomic_path,
    deleted_files,
    read_json,
    read_yaml,
    write_json,
)


def test_file_appears_only_on_success(tmp_path):
    target = tmp_path / "deep" / "result.json"

    def interrupted() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert list(target.parent.iterdir()) == []
    write_json(target, {"a": 1})
    assert read_json(target) == {"a": 1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, float("nan"))
    assert read_json(target) == {"a": 1}
    assert [path.name for path in target.parent.iterdir()] == ["result.json"]


def test_directory_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "masks"
    for names in (["a", "b"], ["c"]):
        with atomic_directory(target, "mark") as temporary:
            for name in ["mark", *names]:
                (temporary / name).write_text(name)
    assert sorted(path.name for path in target.iterdir()) == [LISTING, "c", "mark"]
    with pytest.raises(RuntimeError), atomic_directory(target, "mark") as temporary:
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["masks"]


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    """A slip of the pen in --out must not cost anybody a data set."""
    (tmp_path / "DAVIS").mkdir()
    (tmp_path / "DAVIS" / "video.jpg").write_text("precious")
    for name in ("DAVIS", "DAVIS/video.jpg"):
        with (
            pytest.raises(UserError, match="no mark in it"),
            atomic_directory(tmp_path / name, "mark"),
        ):
            pytest.fail("work was begun")
    assert (tmp_path / "DAVIS" / "video.jpg").read_text() == "precious"


def test_an_empty_folder_and_a_link_are_replaced(tmp_path):
    (tmp_path / "other disk").mkdir()
    (tmp_path / "masks").symlink_to(tmp_path / "other disk")
    with atomic_directory(tmp_path / "masks", "mark") as temporary:
        (temporary / "mark").write_text("")
    assert (tmp_path / "masks").is_symlink()
    assert (tmp_path / "other disk" / "mark").exists()


def test_the_earlier_result_survives_a_failed_replacement(tmp_path, monkeypatch):
    def refuse_parts(source, target):
        if ".part." in str(source):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    rename = os.replace
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "mark").write_text("earlier")
    monkeypatch.setattr(os, "replace", refuse_parts)
    with (
        pytest.raises(UserError, match="cannot write"),
        atomic_directory(tmp_path / "masks", "mark"),
    ):
        pass
    assert (tmp_path / "masks" / "mark").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["masks"]


def lists(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(
    params=["a mount point", "a parent that cannot be written", "the current folder", "refused"]
)
def fixed(request, tmp_path, monkeypatch):
    """A folder in whose place nothing can be put, with an earlier result and the disk's own."""
    target = tmp_path / "masks"
    (target / "lost+found").mkdir(parents=True)
    (target / "clip").mkdir()
    for name in ("mark", "clip/0.png", "clip/1.png"):
        (target / name).write_text("earlier")
    rename = os.replace

    def refuse(source, goal):
        if target in (Path(source), Path(goal)):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        rename(source, goal)

    monkeypatch.setattr(os, "replace", refuse)
    if request.param == "a mount point":
        monkeypatch.setattr(Path, "is_mount", lambda path: path == target)
    elif request.param == "a parent that cannot be written":
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    elif request.param == "the current folder":
        monkeypatch.chdir(target)
    return target


def test_a_folder_that_cannot_be_replaced_gets_the_new_contents(fixed):
    for names in (["clip/0.png"], ["other/5.png"]):
        with atomic_directory(fixed, "mark") as temporary:
            for name in ["mark", *names]:
                (temporary / name).parent.mkdir(exist_ok=True)
                (temporary / name).write_text("new")
            assert (fixed / "mark").exists(), "the earlier result goes at the end only"
        folder = names[0].partition("/")[0]
        assert lists(fixed) == sorted([LISTING, folder, *names, "lost+found", "mark"])
        assert (fixed / "mark").read_text() == "new"
        assert deleted_files(fixed) == []
    assert lists(fixed.parent) == ["masks", *(f"masks/{name}" for name in lists(fixed))]


def test_such_a_folder_keeps_its_contents_after_a_failure(fixed, monkeypatch):
    before = lists(fixed)
    with pytest.raises(RuntimeError), atomic_directory(fixed, "mark"):
        raise RuntimeError
    assert lists(fixed) == before

    def full(source, goal):
        if Path(goal).name == "b":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        move(source, goal)

    move = shutil.move
    monkeypatch.setattr(shutil, "move", full)

    def write() -> None:
        with atomic_directory(fixed, "mark") as temporary:
            for name in ("mark", "a", "b"):
                (temporary / name).write_text("new")

    with pytest.raises(UserError, match=r"cannot write .*masks: No space left"):
        write()
    assert lists(fixed) == before
    assert (fixed / "mark").read_text() == "earlier"


def test_a_fresh_disk_is_an_empty_folder(tmp_path, monkeypatch):
    """Its own folder does not count, nor what a killed run left."""
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "disk")
    for name in ("lost+found", ".part.killed"):
        (tmp_path / "disk" / name).mkdir(parents=True)
    with atomic_directory(tmp_path / "disk", "mark") as temporary:
        (temporary / "mark").write_text("")
    assert (tmp_path / "disk" / "mark").exists()


@pytest.mark.parametrize("reason", [errno.EBUSY, errno.EXDEV, errno.EPERM])
def test_a_file_that_cannot_be_replaced_is_written_into(tmp_path, monkeypatch, reason):
    """As a single file that is mounted into a container, or somebody else's in /tmp."""

    def busy(*_):
        raise OSError(reason, os.strerror(reason))

    write_json(tmp_path / "scores.json", "earlier, and much longer")
    monkeypatch.setattr(os, "replace", busy)
    write_json(tmp_path / "scores.json", 1)
    assert read_json(tmp_path / "scores.json") == 1
    assert lists(tmp_path) == ["scores.json"]
    with pytest.raises(UserError, match=os.strerror(reason)):
        write_json(tmp_path / "new.json", 1)


def test_a_pipe_or_a_device_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_json(pipe, [1, 2])
        assert json.loads(os.read(reader, 100)) == [1, 2]
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_in_place_of_a_file_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="it is a folder; name a file"):
        write_json(tmp_path, 1)


def test_disks_that_refuse_a_change_of_mode(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chmod", refuse)
    write_json(tmp_path / "result.json", 1)
    with atomic_directory(tmp_path / "masks", "mark") as temporary:
        (temporary / "mark").write_text("")
    assert lists(tmp_path) == ["masks", f"masks/{LISTING}", "masks/mark", "result.json"]


def directory_writer(path):
    return atomic_directory(path, "mark")


@pytest.mark.parametrize("writer", [atomic_path, directory_writer])
def test_full_disk_is_one_clear_line(tmp_path, monkeypatch, writer):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with (
        pytest.raises(UserError, match=r"cannot write .*result: No space left"),
        writer(tmp_path / "result"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), atomic_path(tmp_path / "file" / "x"):
        pass


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "x.yaml").write_text("a: [\n b: {")
    (tmp_path / "latin.yaml").write_bytes("name: Jörg".encode("latin-1"))
    with pytest.raises(UserError, match=r"x\.json: not a readable JSON"):
        read_json(tmp_path / "x.json")
    for name in ("x.yaml", "latin.yaml"):
        with pytest.raises(UserError, match=f"{name}: not a readable YAML") as caught:
            read_yaml(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such file"):
        read_json(tmp_path / "y.json")


def test_files_are_utf_8_whatever_the_locale_and_the_editor(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf" + '{"name": "Jörg"}'.encode())
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbf" + "name: Jörg\r\n".encode())
    assert read_json(tmp_path / "x.json") == read_yaml(tmp_path / "x.yaml") == {"name": "Jörg"}


def test_what_is_deleted_from_a_folder_is_noticed(tmp_path):
    target = tmp_path / "masks"
    assert deleted_files(target) == []
    with atomic_directory(target, "a") as temporary:
        (temporary / "a").write_text("a")
        (temporary / "clip").mkdir()
        (temporary / "clip" / "0.png").write_text("0")
    assert deleted_files(target) == []
    (target / "clip" / "0.png").unlink()
    assert deleted_files(target) == [str(target / "clip" / "0.png")]
    (target / LISTING).unlink()
    assert deleted_files(target) == [str(target / LISTING)]
