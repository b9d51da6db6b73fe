"""Results appear whole or not at all."""

import errno
import os

import pytest

from ttvos.errors import UserError
from ttvos.files import atomic_directory, atomic_path, read_json, read_yaml, write_json


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
        with atomic_directory(target) as temporary:
            for name in names:
                (temporary / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["c"]
    with pytest.raises(RuntimeError), atomic_directory(target) as temporary:
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["masks"]


@pytest.mark.parametrize("writer", [atomic_path, atomic_directory])
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
    (tmp_path / "x.yaml").write_text("a: [")
    with pytest.raises(UserError, match=r"x\.json: not a readable JSON"):
        read_json(tmp_path / "x.json")
    with pytest.raises(UserError, match=r"x\.yaml: not a readable YAML"):
        read_yaml(tmp_path / "x.yaml")
    with pytest.raises(UserError, match="no such file"):
        read_json(tmp_path / "y.json")
