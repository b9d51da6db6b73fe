"""Published masks: from archives of every kind, on a server that misbehaves, to checked folders."""

import io
import json
import stat
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.server import Server
from tests.unit.evaluation.mask_formats import FORMATS, write_masks
from ttvos.cli.main import main
from ttvos.core.files import read_json
from ttvos.core.video import read_mask
from ttvos.data import published_fetch
from ttvos.data.download import Patience
from ttvos.data.fetch import recorded
from ttvos.data.published_check import check_masks
from ttvos.data.published_fetch import fetch_masks
from ttvos.data.published_masks import MASK_SETS, MaskArchive, MaskSet
from ttvos.data.sources import Archive
from ttvos.evaluation.davis import evaluate

QUICK = Patience(timeout=1, attempts=2, wait=0.01)
LENGTH = 8


def packed(folder: Path, top: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    """A zip of a folder, below a folder `top`, with further entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, str(Path(top) / path.relative_to(folder)))
        for name, data in (extra or {}).items():
            file.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def davis16(tiny_davis) -> Path:
    return tiny_davis.parent / "davis16"


@pytest.fixture
def make(davis16, tmp_path):
    """make(format) -> a folder with masks of the two sequences: the ground truth, moved."""

    def made(name: str) -> Path:
        folder = tmp_path / f"made{len(list(tmp_path.glob('made*')))}"
        for sequence in ("one", "two"):
            files = sorted((davis16 / "Annotations/480p" / sequence).glob("*.png"))
            masks = [np.roll(read_mask(path, 2016), 2, axis=1) > 0 for path in files]
            write_masks(folder / sequence, masks, name)
        return folder

    return made


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        yield server


@pytest.fixture
def masks(server, make) -> MaskSet:
    """OSMN's of 2016, but of two sequences and from the tests' server."""
    server.files["/osmn.zip"] = packed(make("grey 0/255, palette 0/1"), "osmn")
    return of_server(server, "/osmn.zip")


def of_server(server: Server, *paths: str, inside: str = "") -> MaskSet:
    archive = Archive("osmn.zip", tuple(server.url(path) for path in paths), 1000)
    return replace(
        MASK_SETS["osmn", 2016],
        archives=(MaskArchive(archive, inside),),
        sequences=("one", "two"),
        masks=2 * LENGTH,
    )


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "data"


def fetched(masks: MaskSet, root: Path) -> list[str]:
    """Fetch, which must do; the report's lines."""
    report, trouble = fetch_masks(masks, root, QUICK)
    assert (trouble, report.complete) == ("", True)
    return report.lines()


def refused(masks: MaskSet, root: Path, *words: str) -> None:
    """Fetching fails in one line with `words`, and leaves no masks and no archive."""
    report, trouble = fetch_masks(masks, root, QUICK)
    assert report is None
    assert "\n" not in trouble
    for word in ("osmn 2016: ", *words):
        assert word in trouble
    assert not masks.folder(root).exists()
    assert not list(root.rglob("*.zip"))
    assert not (root / ".ttvos/unpack/published-masks-osmn-2016").exists()


def test_mixed_masks_below_a_top_folder_become_a_folder_of_sequences(masks, root, davis16):
    lines = fetched(masks, root)
    folder = root / "published-masks/osmn/2016"
    assert lines[0] == f"{folder}: <sequence>/<frame>.png layout, 2 sequences, 16 masks: complete"
    assert "  note: format: grey 0/255, palette 0/1" in lines
    assert "licence: none stated" in lines[-1]
    assert sorted(p.name for p in folder.iterdir()) == ["one", "origin.json", "two"]
    assert not list((root / "downloads").rglob("*.zip"))
    scores = evaluate(folder, davis16, 2016, "val")
    assert 0.5 < scores["global"]["J-Mean"] < 1
    origin = scores["provenance"]["masks_origin"]
    assert origin["from"].endswith("/osmn.zip")
    assert (origin["archive"], origin["dated"]) == ("osmn.zip", str(date.today()))
    assert recorded(root) == {"published-masks/osmn/2016/osmn.zip": origin["checksum"]}


@pytest.mark.parametrize(
    ("name", "top"),
    [*((name, "") for name in FORMATS), ("1-bit", "osmn"), ("1-bit", "results/Annotations/480p")],
)
def test_every_format_and_layout(server, masks, make, root, name, top):
    junk = {"__MACOSX/one/._00000.png": b"x", "one/readme.txt": b"x", "deer/00000.png": b"x"}
    server.files["/osmn.zip"] = packed(make(name), top, junk)
    lines = fetched(masks, root)
    wanted = f"format: {name}" + ("" if name == masks.formats else f" (expected {masks.formats})")
    assert f"  note: {wanted}" in lines
    files = {str(p.relative_to(masks.folder(root))) for p in masks.folder(root).rglob("*.png")}
    assert files == {f"{s}/{t:05}.png" for s in ("one", "two") for t in range(LENGTH)}


def test_a_broken_download_goes_on(server, masks, root):
    server.script["/osmn.zip"] = ["break"]
    fetched(masks, root)
    half = len(server.files["/osmn.zip"]) // 2
    assert server.requests == [("/osmn.zip", None), ("/osmn.zip", f"bytes={half}-")]


def test_what_is_there_is_only_checked(server, masks, root):
    fetched(masks, root)
    server.requests.clear()
    fetched(masks, root)
    (masks.folder(root) / "two/00003.png").write_bytes(b"cut")
    (masks.folder(root) / "one/00007.png").unlink()
    report, trouble = fetch_masks(masks, root, QUICK)
    assert report.missing == ["1 of the 16 masks of DAVIS 2016 val"]
    assert "two/00003.png" in report.damaged[0]
    assert "not complete" in trouble
    assert server.requests == []


@pytest.mark.parametrize("bad", [404, b"<html>Sign in</html>", b"version https://git-lfs oid"])
def test_the_next_address_stands_in_for_one_that_gives_no_masks(server, masks, root, bad):
    if isinstance(bad, int):
        server.script["/bad.zip"] = [bad] * 9
    server.files["/bad.zip"] = bad if isinstance(bad, bytes) else b""
    fetched(of_server(server, "/bad.zip", "/osmn.zip"), root)
    assert [path for path, _ in server.requests] == ["/bad.zip", "/osmn.zip"]


def test_a_part_of_a_repository_s_zip(server, make, root):
    extra = {"STM-44c5/test/17val/one/00000.png": b"other masks", "STM-44c5/readme": b"x"}
    content = packed(make("palette 0/1"), "STM-44c5/test/16val", extra)
    server.files["/history.zip"] = content
    fetched(of_server(server, "/history.zip", inside="test/16val"), root)


def test_an_archive_put_there_by_hand_is_used_and_kept(server, masks, root):
    by_hand = root / "downloads/published-masks/2016/osmn.zip"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(server.files["/osmn.zip"])
    fetched(masks, root)
    assert by_hand.exists()
    assert server.requests == []
    assert json.loads((masks.folder(root) / "origin.json").read_text())["from"] == str(by_hand)


def test_zips_made_to_do_harm_are_refused(server, masks, make, root, tmp_path):
    folder = make("1-bit")
    server.files["/osmn.zip"] = packed(folder, "", {"../../escaped.png": b"x"})
    refused(masks, root, "'../../escaped.png' leads out of its folder")
    assert not list(tmp_path.rglob("escaped.png"))
    link = zipfile.ZipInfo("one/00009.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(packed(folder))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr(link, "/etc/passwd")
    server.files["/osmn.zip"] = buffer.getvalue()
    refused(masks, root, "is a link")


def test_what_holds_no_masks_of_these_sequences_is_refused(server, masks, root):
    server.files["/osmn.zip"] = packed(Path("none"), "", {"deer/00000.png": b"x"})
    refused(masks, root, "no masks of DAVIS 2016 val in it")
    assert recorded(root) == {}


def test_the_first_checksum_is_enforced(server, masks, make, root):
    fetched(masks, root)
    masks.folder(root).rename(root / "aside")
    server.files["/osmn.zip"] = packed(make("1-bit"))
    refused(masks, root, "wrong bytes", "checksums.json")


def test_an_incomplete_archive_is_reported(server, masks, make, root):
    folder = make("1-bit")
    (folder / "two/00005.png").unlink()
    server.files["/osmn.zip"] = packed(folder)
    report, trouble = fetch_masks(masks, root, QUICK)
    assert report.missing == ["1 of the 16 masks of DAVIS 2016 val"]
    assert "not complete" in trouble


@pytest.fixture
def two_methods(server, masks, monkeypatch):
    """The command's registry: OSMN's masks, and RANet's, which cannot be had."""
    lost = replace(of_server(server, "/lost.zip"), method="ranet", label="RANet")
    server.files["/lost.zip"], server.script["/lost.zip"] = b"", [404] * 9
    known = {("ranet", 2016): lost, ("osmn", 2016): masks}
    monkeypatch.setattr("ttvos.data.published_masks.MASK_SETS", known)
    monkeypatch.setattr(published_fetch, "download", quick_download(published_fetch.download))


def quick_download(download):
    return lambda urls, target, checksum, patience: download(urls, target, checksum, QUICK)


def test_a_method_that_fails_does_not_keep_the_others_back(two_methods, root, capsys):
    command = ["data", "fetch", "published-masks", "--root", str(root)]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "FAILED ranet 2016: " in out
    assert "HTTP 404" in out
    assert "published-masks/osmn/2016" in out
    assert "do not pass them on" in out
    assert err.splitlines() == [
        "ttvos: 1 of 2 published masks failed, for the reasons above: ranet 2016"
    ]
    assert main([*command, "--methods", "osmn", "--years", "2016"]) == 0
    assert main(["data", "check", "published-masks", "--root", str(root)]) == 0
    assert (
        main(["data", "check", "published-masks", "--root", str(root), "--methods", "ranet"]) == 1
    )


def test_a_record_says_what_came_and_what_did_not(two_methods, root, tmp_path, capsys):
    record, scores = tmp_path / "record.json", tmp_path / "scores.json"
    command = ["data", "fetch", "published-masks", "--root", str(root), "--record", str(record)]
    assert main(command) == 0
    assert "FAILED ranet 2016: " in capsys.readouterr().out
    found = read_json(record)
    assert found["brought"] == ["osmn 2016"]
    assert "HTTP 404" in found["not_fetched"]["ranet 2016"]
    assert found["provenance"]["command"]
    evaluate = ["evaluate", "--masks", "gone", "--dataset", "gone", "--year", "2016"]
    assert main([*evaluate, "--fetched", str(record), "--out", str(scores)]) == 0
    assert read_json(scores)["missing"] == found["not_fetched"]["ranet 2016"]
    assert main([*command, "--methods", "osmn", "--years", "2016"]) == 0
    assert main([*evaluate, "--fetched", str(record), "--out", str(scores)]) == 1
    assert main([*evaluate, "--fetched", str(scores), "--out", str(scores)]) == 1
    assert "not a file of ttvos data fetch --record" in capsys.readouterr().err


def test_the_check_names_what_it_misses(two_methods, masks, root, capsys):
    check = ["data", "check", "published-masks", "--root", str(root)]
    assert main(check) == 1
    assert "no published-masks in it" in capsys.readouterr().err
    fetched(masks, root)
    assert main(check) == 0
    assert main(["data", "check", "--root", str(root)]) == 0
    assert capsys.readouterr().out.count("osmn/2016: <sequence>") == 2
    assert main(["data", "check", "--root", str(root), "--years", "2016"]) == 1
    assert "choose among published-masks" in capsys.readouterr().err
    (masks.folder(root) / "two/00003.png").write_bytes(b"cut")
    assert main(check) == 1
    assert "two/00003.png: damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["published-masks", "--methods", "gc"], "no published masks of 'gc'; known: onavos"),
        (["published-masks", "--methods", "crn", "--years", "2017"], "no masks of crn for 2017"),
        (["ecssd", "--methods", "stm"], "--methods and --years choose among published-masks"),
        (["ecssd", "--record", "x.json"], "--record is theirs"),
    ],
)
def test_what_is_not_published_is_refused(options, words, root, capsys):
    assert main(["data", "fetch", *options, "--root", str(root)]) == 1
    assert words in capsys.readouterr().err
    assert not root.exists()


def test_a_check_changes_nothing_and_counts_what_is_there(masks, root):
    report = check_masks(masks, root)
    assert report.holds == {"sequences": 0, "masks": 0}
    assert len(report.missing) == 3
    assert not root.exists()
