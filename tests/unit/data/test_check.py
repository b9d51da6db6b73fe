"""What `ttvos data check` sees, and that it changes nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import FRAMES, HEIGHT, WIDTH
from ttvos.cli.main import main
from ttvos.core.video import write_mask
from ttvos.data.check import Report, check_set
from ttvos.data.recognise import find_sets


def check(root: Path, expected: dict[str, int] | None = None) -> Report:
    """The report on the only data set below `root`; checking leaves every file as it was."""
    before = snapshot(root)
    (found,) = find_sets(root)
    report = check_set(found, expected)
    assert snapshot(root) == before
    return report


def snapshot(root: Path) -> dict[Path, tuple[int, bytes]]:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [root, *root.rglob("*")]
    }


@pytest.fixture
def davis16(tiny_davis) -> Path:
    root = tiny_davis.parent / "davis16"
    shutil.rmtree(root / "ImageSets" / "2017")
    return root


def make_stills(folder: Path, images: str, masks: str, suffix: str = ".jpg") -> Path:
    """Three images of 30x40 and their masks."""
    for i in range(3):
        for name in (images, masks):
            (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (9, 90, 200)).save(folder / images / f"{i}{suffix}")
        Image.new("L", (40, 30), 255).save(folder / masks / f"{i}.png")
    return folder


@pytest.fixture
def ytvos(tiny_davis, tmp_path) -> Path:
    """YouTube-VOS: masks on frames 0 and 5 only."""
    root = tmp_path / "ytvos"
    for kind in ("JPEGImages", "Annotations"):
        shutil.copytree(tiny_davis / kind / "480p", root / "train" / kind)
    for path in (root / "train" / "Annotations").rglob("*.png"):
        if path.stem not in ("00000", "00005"):
            path.unlink()
    frames = {"objects": {"1": {"category": "disc", "frames": ["00000", "00005"]}}}
    meta = {"videos": {"one": frames, "two": frames}}
    (root / "train" / "meta.json").write_text(json.dumps(meta))
    return root


def test_whole_sets_are_complete(tiny_davis, davis16, ytvos):
    for root, kind, holds in (
        (tiny_davis, "davis2017", {"train": 2, "val": 2}),
        (davis16, "davis2016", {"train": 2, "val": 2}),
        (ytvos, "ytvos", {"videos": 2}),
    ):
        report = check(root, holds)
        assert (report.found.kind, report.holds, report.complete) == (kind, holds, True)
        assert report.notes == []


def test_lists_of_the_2016_archive_name_pairs_of_paths(davis16):
    shutil.rmtree(davis16 / "ImageSets" / "2016")
    (davis16 / "ImageSets" / "480p").mkdir()
    lines = [f"/JPEGImages/480p/one/{t:05}.jpg /Annotations/480p/one/{t:05}.png" for t in range(8)]
    (davis16 / "ImageSets" / "480p" / "val.txt").write_text("\n".join(lines))
    report = check(davis16)
    assert report.complete
    assert report.holds == {"val": 1}


def test_published_counts_are_asked_for_by_name_only(tiny_davis):
    assert check(tiny_davis).complete
    assert check(tiny_davis, {"train": 60, "val": 2}).missing == [
        "58 of the 60 train sequences of the published set"
    ]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def shrink(path: Path) -> None:
    Image.open(path).resize((WIDTH - 1, HEIGHT), Image.Resampling.NEAREST).save(path)


def colour(path: Path) -> None:
    Image.open(path).convert("RGB").save(path)


FRAME, MASK = "JPEGImages/480p/two/00004.jpg", "Annotations/480p/two/00004.png"


@pytest.mark.parametrize(
    ("harm", "file", "where", "text"),
    [
        (cut, FRAME, "damaged", "00004.jpg: damaged or no image"),
        (cut, MASK, "damaged", "00004.png: damaged or no image"),
        (remove, MASK, "missing", "Annotations/480p/two/00004.png"),
        (remove, FRAME, "missing", "JPEGImages/480p/two/00004.jpg"),
        (remove, FRAME, "missing", "the frame of the mask"),
        (shrink, MASK, "damaged", f"{HEIGHT}x{WIDTH - 1}, but its frame is {HEIGHT}x{WIDTH}"),
        (shrink, FRAME, "damaged", "00004.jpg: not of the size of two's first frame"),
        (colour, MASK, "damaged", "has colours, not ids"),
        (remove, "JPEGImages/480p/two", "missing", "JPEGImages/480p/two: no such folder"),
        (remove, "Annotations/480p/two", "missing", "Annotations/480p/two: no such folder"),
    ],
)
def test_trouble_is_named_file_by_file(tiny_davis, harm, file, where, text):
    harm(tiny_davis / file)
    report = check(tiny_davis)
    assert not report.complete
    assert any(text in line for line in getattr(report, where)), report
    assert all("/one" not in line for line in report.missing + report.damaged)


def test_all_troubles_are_listed_not_only_the_first(tiny_davis):
    for t in range(FRAMES):
        cut(tiny_davis / f"JPEGImages/480p/one/{t:05}.jpg")
    assert len(check(tiny_davis).damaged) == FRAMES


def test_no_lists(tiny_davis):
    for name in ("train.txt", "val.txt"):
        (tiny_davis / "ImageSets" / "2017" / name).unlink()
    assert "no train.txt or val.txt" in check(tiny_davis).missing[0]
    (tiny_davis / "ImageSets" / "2017" / "val.txt").write_text("\n")
    assert "names no sequences" in check(tiny_davis).damaged[0]


def rename_frames(root: Path, name_of) -> None:
    for folder in ("JPEGImages", "Annotations"):
        for path in sorted((root / folder / "480p/one").iterdir(), reverse=True):
            path.rename(path.with_stem(name_of(int(path.stem))))


@pytest.mark.parametrize(
    ("name_of", "missing"),
    [
        (lambda t: f"{t + 1:05d}", "one/00004.jpg"),
        (lambda t: f"{5 * t:05d}", "one/00015.jpg"),
        (lambda t: f"frame_{t + 5}", "one/frame_8.jpg"),
        (lambda t: f"{1403636579 + 7 * t}", "one/1403636600.jpg"),
        (
            lambda t: f"{1403636579763555584 + 50_000_000 * t + 997 * (t % 2)}",
            "one: frames between 1403636579863555584 and 1403636579963555584",
        ),
    ],
    ids=["from 1", "fives", "named", "seconds", "nanoseconds"],
)
def test_frames_by_any_numbers_are_whole_and_a_gap_is_found(tiny_davis, name_of, missing):
    rename_frames(tiny_davis, name_of)
    assert check(tiny_davis).complete
    for path in tiny_davis.rglob(f"one/{name_of(3)}.*"):
        path.unlink()
    (told,) = check(tiny_davis).missing
    assert told.endswith(missing)


def test_first_masks_alone_are_worth_a_note(tiny_davis):
    for path in (tiny_davis / "Annotations/480p/one").iterdir():
        if path.stem != "00000":
            path.unlink()
    report = check(tiny_davis)
    assert report.complete
    assert report.notes == ["sequences with the first frame's mask alone: 1"]
    published = check(tiny_davis, {"val": 2})
    assert len(published.missing) == FRAMES - 1
    (tiny_davis / "Annotations/480p/two/00004.png").unlink()
    assert [Path(name).name for name in check(tiny_davis).missing] == ["00004.png"]


def test_a_set_without_resolution_and_lists(tiny_davis):
    shutil.rmtree(tiny_davis / "ImageSets")
    for kind in ("JPEGImages", "Annotations"):
        for folder in (tiny_davis / kind / "480p").iterdir():
            folder.rename(tiny_davis / kind / folder.name)
        (tiny_davis / kind / "480p").rmdir()
    report = check(tiny_davis)
    assert (report.found.kind, report.holds, report.complete) == ("davis", {"all": 2}, True)
    (tiny_davis / "JPEGImages/two/00003.jpg").unlink()
    assert len(check(tiny_davis).missing) == 2


def test_davis_2016s_two_channel_and_empty_masks_are_no_damage(davis16):
    path = davis16 / "Annotations/480p/one/00007.png"
    grey = np.asarray(Image.open(path))
    Image.fromarray(np.stack([grey, np.full_like(grey, 255)], axis=-1), "LA").save(path)
    empty = Image.new("L", (WIDTH, HEIGHT), 0)
    empty.save(davis16 / "Annotations/480p/one/00003.png")
    report = check(davis16)
    assert report.complete
    assert report.notes == ["empty masks (no object in the frame): 1"]


@pytest.mark.parametrize(
    ("kind", "images", "masks", "suffix"),
    [
        ("ecssd", "images", "ground_truth_mask", ".jpg"),
        ("hku-is", "imgs", "gt", ".png"),
        ("msra10k", "MSRA10K_Imgs_GT/Imgs", "MSRA10K_Imgs_GT/Imgs", ".jpg"),
    ],
)
def test_stills_in_each_layout(tmp_path, kind, images, masks, suffix):
    root = make_stills(tmp_path / "set", images, masks, suffix)
    assert check(root, {"images": 3}).complete
    assert check(root).found.kind == kind
    Image.new("L", (41, 29), 255).save(root / masks / "0.png")
    report = check(root)
    assert report.complete
    assert report.notes == ["masks a pixel larger or smaller than their image: 1"]
    Image.new("L", (42, 30), 255).save(root / masks / "0.png")
    assert "0.png: 30x42, but its frame is 30x40" in check(root).damaged[0]
    (root / masks / "1.png").unlink()
    (root / images / f"2{suffix}").write_bytes(b"")
    report = check(root, {"images": 5})
    assert report.missing[0] == "2 of the 5 images of the published set"
    assert report.missing[1].endswith("1.png")
    assert len(report.damaged) == 2


def test_youtube_vos_asks_for_the_masks_that_meta_json_names(ytvos):
    (ytvos / "train/Annotations/one/00005.png").unlink()
    (ytvos / "train/JPEGImages/two/00005.jpg").unlink()
    write_mask(ytvos / "train/Annotations/two/00000.png", np.zeros((HEIGHT, WIDTH + 2), np.uint8))
    report = check(ytvos)
    assert len(report.missing) == 2
    assert len(report.damaged) == 1
    (ytvos / "train/meta.json").write_text('{"videos": {"one": {}, "two": {"objects": {}}}}')
    assert "video one: no lists of frames" in check(ytvos).damaged[0]
    (ytvos / "train/meta.json").write_text("[]")
    assert "names no videos" in check(ytvos).damaged[0]


def test_only_data_sets_are_found(tmp_path, tiny_davis):
    for name in ("deep/a/b/c", ".hidden", "downloads"):
        make_stills(tmp_path / "root" / name, "images", "ground_truth_mask")
    assert find_sets(tmp_path / "root") == []
    assert find_sets(tmp_path / "none") == []
    shutil.copytree(tiny_davis, tmp_path / "root" / "any" / "name")
    (found,) = find_sets(tmp_path / "root")
    assert (found.kind, found.folder) == ("davis2017", tmp_path / "root" / "any" / "name")


def test_the_command_lists_all_and_fails_when_anything_is_wrong(tiny_davis, tmp_path, capsys):
    make_stills(tmp_path / "ECSSD", "images", "ground_truth_mask")
    shutil.rmtree(tmp_path / "davis16")
    before = snapshot(tmp_path)
    assert main(["data", "check", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count(": complete") == 2
    assert main(["data", "check", "ecssd", "--root", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "missing: 997 of the 1000 images" in shown.out
    assert "davis" not in shown.out
    assert snapshot(tmp_path) == before
    cut(tiny_davis / FRAME)
    assert main(["data", "check", "--root", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert f"damaged: {tiny_davis / FRAME}" in shown.out
    assert shown.err == f"ttvos: {tmp_path}: 0 missing, 1 damaged, as listed\n"
    for name in (["msra10k"], []):
        assert main(["data", "check", *name, "--root", str(tmp_path / "none")]) == 1


@pytest.mark.parametrize(
    ("folder", "holds"),
    [("davis2016-val8", {"val": 8}), ("ecssd", {"images": 1000})],
)
def test_real_data(shared, folder, holds):
    """The copies in ../shared are whole; val8 is a part of DAVIS-2016, which is no damage."""
    root = shared / "data" / folder
    if not root.is_dir():
        pytest.skip(f"../shared/data/{folder} is absent")
    (found,) = find_sets(root)
    report = check_set(found)
    assert report.holds == holds
    assert report.complete, report.lines()[:5]
