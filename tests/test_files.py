"""Results appear whole or not at all."""

import errno
import os

import pytest

from ttvos.errors import UserError
from ttvos.files import (
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
    assert [path.name for path in target.parent.iterdir()] == ["result.json"]


def test_failure_keeps_the_earlier_result(tmp_path):
    write_json(tmp_path / "result.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "result.json", float("nan"))
    assert read_json(tmp_path / "result.json") == 1


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
