"""Unpacking archives made to do harm."""

import io
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from ttvos.core.errors import UserError
from ttvos.data.extract import extract, unpacked_size

TREE = {"set/a.txt": b"a" * 3000, "set/sub/b.txt": b"b", "__MACOSX/set/._a.txt": b"junk"}


def make_zip(path: Path, entries: dict[str, bytes], kind: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.external_attr = name, (kind | 0o644) << 16
            file.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, entries: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as file:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            file.addfile(info, io.BytesIO(data))
    return path


def below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(archive: Path, *words: str, **limits: int) -> None:
    """Unpacking fails in one line, and nothing lands beside the folder it was meant for."""
    folder = archive.parent / "deep" / "er" / "out"
    with pytest.raises(UserError) as caught:
        extract(archive, folder, **limits)
    text = str(caught.value)
    assert str(archive) in text
    assert "\n" not in text
    for word in words:
        assert word in text
    outside = [p for p in archive.parent.rglob("*") if not p.is_relative_to(folder)]
    assert {p for p in outside if p.is_file()} == {archive}
    assert not any(p.is_symlink() for p in archive.parent.rglob("*"))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_files_come_out_without_the_file_managers_junk(tmp_path, name):
    make = make_zip if name.endswith("zip") else make_tar
    archive = make(tmp_path / name, TREE)
    extract(archive, tmp_path / "out")
    assert below(tmp_path / "out") == {k: TREE[k] for k in ("set/a.txt", "set/sub/b.txt")}


def test_a_zip_says_what_it_needs(tmp_path):
    assert unpacked_size(make_zip(tmp_path / "a.zip", TREE)) == sum(map(len, TREE.values()))
    assert unpacked_size(make_tar(tmp_path / "a.tar", TREE)) is None


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/x", "//host/share/x", "C:\\x", "C:x", "..\\x", "a\\..\\..\\x", "\\x"],
)
def test_no_entry_leads_out(tmp_path, make, name):
    suffix = ".zip" if make is make_zip else ".tar"
    refused(make(tmp_path / f"a{suffix}", {"fine": b"1", name: b"2"}), "leads out", repr(name))


def test_no_links_in_zips(tmp_path):
    refused(make_zip(tmp_path / "a.zip", {"link": b"/etc/passwd"}, 0o120000), "is a link")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_no_links_or_devices_in_tars(tmp_path, kind):
    refused(make_tar(tmp_path / "a.tar", {"link": b""}, kind), "is a link or device")


def test_one_name_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a", b"2")
    refused(tmp_path / "a.zip", "two entries")


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")])
def test_limits(tmp_path, make, name):
    archive = make(tmp_path / name, {str(i): bytes(10**6) for i in range(4)})
    refused(archive, "unpacks to more", max_bytes=3 * 10**6)
    assert sum(map(len, below(tmp_path / "deep").values())) <= 3 * 10**6


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")])
def test_limit_of_files(tmp_path, make, name):
    refused(make(tmp_path / name, {str(i): b"" for i in range(4)}), "3 files", max_files=3)


def test_a_zip_that_lies_about_its_size(tmp_path):
    """A bomb declares few bytes to pass the limit; it may not write more than it declared."""
    archive = make_zip(tmp_path / "a.zip", {"bomb": bytes(10**6)})
    data = archive.read_bytes()
    archive.write_bytes(data.replace(struct.pack("<L", 10**6), struct.pack("<L", 10)))
    refused(archive, max_bytes=1000)
    assert sum(map(len, below(tmp_path / "deep").values())) <= 10


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated(tmp_path, make, name, share):
    archive = make(tmp_path / name, {"noise": random.Random(0).randbytes(50_000), "end": b"1"})
    data = archive.read_bytes()
    archive.write_bytes(data[: int(share * len(data))])
    refused(archive, "fetch it again")


def test_flipped_bits(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"text": b"abc" * 1000})
    data = bytearray(archive.read_bytes())
    data[45] ^= 0xFF
    archive.write_bytes(data)
    refused(archive, "damaged")


def test_a_web_page_is_no_archive(tmp_path):
    page = tmp_path / "a.zip"
    page.write_text("<html>Sign in first</html>")
    refused(page, "neither a zip nor a tar", "web page")
