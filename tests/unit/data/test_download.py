"""Downloading from a server that breaks off, stalls, lies and refuses."""

import errno
import hashlib
import os
import shutil
import socket
from collections import namedtuple

import pytest

from tests.unit.data.server import Server
from ttvos.core.errors import UserError
from ttvos.data import download as module
from ttvos.data.download import Patience, WrongBytesError, download

BODY = bytes(range(256)) * 2000
SHA = hashlib.sha256(BODY).hexdigest()
QUICK = Patience(timeout=0.25, attempts=3, wait=0.01)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        server.files = {"/a.zip": BODY, "/mirror.zip": BODY, "/wrong.zip": b"other" * 100}
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "a.zip"


def refused(server, target, *words, paths=("/a.zip",), kind=UserError, checksum=None):
    """The download fails in one line with `words`, and leaves no file at the target."""
    with pytest.raises(kind) as caught:
        download(tuple(server.url(path) for path in paths), target, checksum, QUICK)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text
    assert not target.exists()
    return text


def test_a_file_comes_whole_and_leaves_nothing_beside_it(server, target):
    assert download((server.url("/a.zip"),), target, f"sha256:{SHA}", QUICK) == SHA
    assert target.read_bytes() == BODY
    assert os.listdir(target.parent) == ["a.zip"]


def test_after_a_break_it_goes_on_where_it_was(server, target):
    server.script["/a.zip"] = ["break"]
    download((server.url("/a.zip"),), target, None, QUICK)
    assert target.read_bytes() == BODY
    assert server.requests == [("/a.zip", None), ("/a.zip", f"bytes={len(BODY) // 2}-")]


def test_breaks_that_bring_bytes_do_not_use_up_the_attempts(server, target):
    server.script["/a.zip"] = ["break"] * 8
    download((server.url("/a.zip"),), target, None, QUICK)
    assert target.read_bytes() == BODY
    assert len(server.requests) == 9


def test_a_later_call_goes_on_where_the_first_gave_up(server, target):
    server.script["/a.zip"] = ["break", 404]
    refused(server, target, "HTTP 404")
    del server.requests[:]
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA
    assert server.requests == [("/a.zip", f"bytes={len(BODY) // 2}-")]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_half_here_is_never_mixed_with_another_version(server, target, ranges):
    """A server without ranges, or with a file that changed meanwhile, sends all of it anew."""
    server.ranges = ranges
    server.script["/a.zip"] = ["break", 404]
    refused(server, target, "HTTP 404")
    server.files["/a.zip"] = other = BODY[::-1]
    download((server.url("/a.zip"),), target, None, QUICK)
    assert target.read_bytes() == other


def test_a_server_without_ranges_starts_again(server, target):
    server.ranges = False
    server.script["/a.zip"] = ["break"]
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server, target):
    server.ranges = False
    server.script["/a.zip"] = ["break"] * 20
    refused(server, target, f"broke off after {len(BODY) // 2} of {len(BODY)} bytes")
    assert len(server.requests) == 1 + QUICK.attempts - 1


def test_a_wrong_part_is_not_taken(server, target):
    server.script["/a.zip"] = ["break", "shifted"]
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA


def test_more_bytes_than_the_server_has_are_dropped(server, target):
    server.script["/a.zip"] = ["break", 404]
    refused(server, target, "404")
    part = target.with_name(".a.zip.part")
    part.write_bytes(BODY)
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA
    assert len(server.requests) == 4  # the last two: 416, then all of it


def test_wrong_bytes_are_refused_and_not_kept(server, target):
    refused(
        server,
        target,
        "wrong bytes",
        SHA,
        paths=("/wrong.zip",),
        kind=WrongBytesError,
        checksum=f"sha256:{SHA}",
    )
    assert os.listdir(target.parent) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", ["/wrong.zip", "/none.zip", "/down.zip"])
def test_a_mirror_helps(server, target, first):
    server.script |= {"/none.zip": [404], "/down.zip": [500] * 3}
    urls = tuple(server.url(path) for path in (first, "/mirror.zip"))
    assert download(urls, target, f"md5:{hashlib.md5(BODY).hexdigest()}", QUICK) == SHA


def test_every_address_and_its_reason_are_named(server, target):
    server.script |= {"/a.zip": [404], "/mirror.zip": [500] * 3}
    refused(
        server,
        target,
        f"{server.url('/a.zip')}: HTTP 404",
        f"{server.url('/mirror.zip')}: HTTP 500",
        paths=("/a.zip", "/mirror.zip"),
    )
    assert [path for path, _ in server.requests] == ["/a.zip"] + ["/mirror.zip"] * 3


def test_an_overloaded_server_is_asked_again(server, target):
    server.script["/a.zip"] = [500, 503]
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA


def test_a_stall_is_noticed_and_gone_over(server, target):
    server.script["/a.zip"] = ["stall"]
    assert download((server.url("/a.zip"),), target, None, QUICK) == SHA
    assert server.requests[1] == ("/a.zip", f"bytes={len(BODY) // 2}-")


def test_a_server_that_only_stalls_is_given_up(server, target):
    server.ranges = False
    server.script["/a.zip"] = ["stall"] * 9
    refused(server, target, "stalled: no byte for 0.25 s")


def test_nobody_there(server, target, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(UserError, match="Connection refused"):
        download((f"http://127.0.0.1:{port}/a.zip",), target, None, QUICK)

    def no_names(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    refused(server, target, "no such host, or no network")


def test_a_small_disk_is_noticed_before_the_first_byte(server, target, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, module.SPARE + len(BODY) - 1))
    refused(server, target, "GB free", "make room")
    assert not target.with_name(".a.zip.part").exists()


def test_a_disk_that_fills_up_is_one_line_and_keeps_what_came(server, target, monkeypatch):
    receive = module._receive

    def full(*arguments):
        receive(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_receive", full)
    server.script["/a.zip"] = ["whole"]
    refused(server, target, "the disk is full")
    assert target.with_name(".a.zip.part").read_bytes() == BODY
    assert len(server.requests) == 1
