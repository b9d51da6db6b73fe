"""The DAVIS reader: both archives' layouts, and names of frames and lists as people write them.

Every way in which a copy of the data can be broken: tests/unit/cli/test_bad_data.py.
"""

import shutil

import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.data.davis import first_mask, load_sequences, read_split


def test_lists_frames_with_their_masks(tiny_davis):
    sequences = load_sequences(tiny_davis, 2017, "val")
    assert [sequence.name for sequence in sequences] == ["one", "two"]
    for sequence in sequences:
        assert [path.name for path in sequence.frames] == [f"{t:05}.jpg" for t in range(8)]
        assert [path.name for path in sequence.masks] == [f"{t:05}.png" for t in range(8)]
        assert all(path.parent.name == sequence.name for path in sequence.masks)


def test_first_mask_has_ids_in_2017_and_one_object_in_2016(tiny_davis):
    assert set(np.unique(first_mask(load_sequences(tiny_davis, 2017, "val")[1], 2017))) == {0, 1, 2}
    two = load_sequences(tiny_davis.parent / "davis16", 2016, "val")[1]
    assert set(np.unique(first_mask(two, 2016))) == {0, 1}


def test_follows_the_order_of_the_split_file(tiny_davis):
    (tiny_davis / "ImageSets/2017/val.txt").write_text("two\r\n\r\none\r\n")
    assert [s.name for s in load_sequences(tiny_davis, 2017, "val")] == ["two", "one"]


def test_lists_only_the_named_sequences(tiny_davis):
    assert [s.name for s in load_sequences(tiny_davis, 2017, "val", only=("two",))] == ["two"]
    with pytest.raises(UserError, match="split val of 2017 has no three"):
        load_sequences(tiny_davis, 2017, "val", only=("two", "three"))


def test_reads_the_2016_archive_s_path_pairs(tiny_davis):
    root = tiny_davis.parent / "davis16"
    shutil.rmtree(root / "ImageSets")
    pairs = [
        f"/JPEGImages/480p/{name}/{t:05}.jpg /Annotations/480p/{name}/{t:05}.png"
        for name in ("two", "one")
        for t in range(8)
    ]
    (root / "ImageSets/480p").mkdir(parents=True)
    (root / "ImageSets/480p/val.txt").write_text("\n".join(pairs))
    assert [s.name for s in load_sequences(root, 2016, "val")] == ["two", "one"]
    with pytest.raises(UserError, match=r"2017/val.txt: no such split file"):
        load_sequences(root, 2017, "val")


def test_takes_480p_else_the_only_resolution_there_is(tiny_davis):
    (tiny_davis / "JPEGImages/Full-Resolution").mkdir()
    assert load_sequences(tiny_davis, 2017, "val")[0].frames[0].parts[-3] == "480p"
    for kind in ("JPEGImages", "Annotations"):
        (tiny_davis / kind / "480p").rename(tiny_davis / kind / "240p")
    with pytest.raises(UserError, match=r"240p, Full-Resolution"):
        load_sequences(tiny_davis, 2017, "val")
    assert len(load_sequences(tiny_davis, 2017, "val", resolution="240p")) == 2
    (tiny_davis / "JPEGImages/Full-Resolution").rmdir()
    assert len(load_sequences(tiny_davis, 2017, "val")) == 2


def test_ignores_the_system_s_hidden_files(tiny_davis):
    (tiny_davis / "JPEGImages/480p/one/._00000.jpg").write_bytes(b"x")
    (tiny_davis / "Annotations/480p/one/.DS_Store").write_bytes(b"x")
    assert len(load_sequences(tiny_davis, 2017, "val")[0].frames) == 8


def test_only_test_splits_may_lack_masks_but_not_the_first(tiny_davis):
    masks = tiny_davis / "Annotations/480p"
    (tiny_davis / "ImageSets/2017/test-dev.txt").write_text("one\n")
    for t in range(1, 8):
        (masks / f"one/{t:05}.png").unlink()
    sequence = load_sequences(tiny_davis, 2017, "test-dev")[0]
    assert sequence.masks[0] is not None
    assert sequence.masks[1:] == (None,) * 7
    with pytest.raises(UserError, match=r"00001.png: missing"):
        load_sequences(tiny_davis, 2017, "val")
    (masks / "one/00000.png").rename(masks / "one/00001.png")
    with pytest.raises(UserError, match=r"00000.png: missing"):
        load_sequences(tiny_davis, 2017, "test-dev")


def test_refuses_other_years(tiny_davis):
    with pytest.raises(UserError, match=r"year 2019"):
        load_sequences(tiny_davis, 2019, "val")


@pytest.mark.parametrize("fill", [0, 255], ids=["empty", "void only"])
def test_refuses_an_empty_first_mask(tiny_davis, fill):
    sequence = load_sequences(tiny_davis, 2017, "val")[0]
    write_mask(sequence.masks[0], np.full((64, 96), fill, dtype=np.uint8))
    with pytest.raises(UserError, match=r"one/00000.png: the first mask is empty"):
        first_mask(sequence, 2017)


def test_accepts_every_fifth_frame(tiny_davis):
    """Some data sets annotate every n-th frame and keep the numbers."""
    for folder in ("JPEGImages", "Annotations"):
        for path in sorted((tiny_davis / folder / "480p/one").iterdir(), reverse=True):
            path.rename(path.with_stem(f"{5 * int(path.stem):05}"))
    assert load_sequences(tiny_davis, 2017, "val")[0].frames[-1].stem == "00035"


def _rename_frames(root, name_of):
    for folder in ("JPEGImages", "Annotations"):
        for path in sorted((root / folder / "480p/one").iterdir(), reverse=True):
            path.rename(path.with_stem(name_of(int(path.stem))))


@pytest.mark.parametrize(
    "name_of",
    [
        lambda t: f"frame_{t + 5}",  # frame_5 ... frame_12: text order begins with frame_10
        lambda t: f"{t + 5}",
        lambda t: f"{1403636579763555584 + 50_000_000 * t + 997 * (t % 3)}",
    ],
    ids=["named", "bare", "nanoseconds"],
)
def test_frames_come_in_the_order_of_their_numbers(tiny_davis, name_of):
    _rename_frames(tiny_davis, name_of)
    one = load_sequences(tiny_davis, 2017, "val")[0]
    assert [path.stem for path in one.frames] == [name_of(t) for t in range(8)]
    assert [path.stem for path in one.masks] == [name_of(t) for t in range(8)]


def test_one_number_under_two_names_is_refused(tiny_davis):
    shutil.copy(
        tiny_davis / "JPEGImages/480p/one/00003.jpg", tiny_davis / "JPEGImages/480p/one/3.jpg"
    )
    shutil.copy(
        tiny_davis / "Annotations/480p/one/00003.png", tiny_davis / "Annotations/480p/one/3.png"
    )
    with pytest.raises(UserError, match=r"one: frames .* have one number"):
        load_sequences(tiny_davis, 2017, "val")


def _move_up(root):
    """Leave the folder for the resolution out, as MOSE and YouTube-VOS do."""
    for kind in ("JPEGImages", "Annotations"):
        for folder in (root / kind / "480p").iterdir():
            folder.rename(root / kind / folder.name)
        (root / kind / "480p").rmdir()


@pytest.mark.parametrize("names", [["one", "two"], ["one"]], ids=["several", "single"])
@pytest.mark.parametrize("listed", [True, False])
def test_neither_resolution_nor_lists_are_needed(tiny_davis, names, listed):
    _move_up(tiny_davis)
    for kind in ("JPEGImages", "Annotations"):
        if "two" not in names:
            shutil.rmtree(tiny_davis / kind / "two")
    (tiny_davis / "ImageSets/2017/val.txt").write_text("\n".join(names))
    if not listed:
        shutil.rmtree(tiny_davis / "ImageSets")
    found = load_sequences(tiny_davis, 2017, "val")
    assert [sequence.name for sequence in found] == names
    assert all(len(sequence.masks) == 8 for sequence in found)


def test_many_resolutions_are_told_in_a_short_line(tiny_davis):
    for number in range(300):
        (tiny_davis / f"JPEGImages/{number:04}p").mkdir()
    (tiny_davis / "JPEGImages/480p").rename(tiny_davis / "JPEGImages/z")
    with pytest.raises(UserError, match=r"needs a folder 480p.* and 296 more") as caught:
        load_sequences(tiny_davis, 2017, "val")
    assert len(str(caught.value)) < 400


def test_the_first_mask_is_enough_where_that_is_asked_for(tiny_davis):
    for path in (tiny_davis / "Annotations/480p/one").iterdir():
        if path.stem not in ("00000", "00005"):
            path.unlink()
    one = load_sequences(tiny_davis, 2017, "val", first_masks=True)[0]
    assert [mask is not None for mask in one.masks] == [t in (0, 5) for t in range(8)]
    (tiny_davis / "Annotations/480p/one/00000.png").unlink()
    with pytest.raises(UserError, match=r"00000.png: missing"):
        load_sequences(tiny_davis, 2017, "val", first_masks=True)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"\xef\xbb\xbfone\ntwo\n", ["one", "two"]),
        (b"one\r\ntwo  \r\n\r\n", ["one", "two"]),
        (b"one/\n./two/\n", ["one", "two"]),
        (b"/one\n", ["one"]),
        (b"sea lion\ndog park\ndog\n", ["sea lion", "dog park", "dog"]),
        (b"ArgoVerse/clip1\nLaSOT/clip1\n", ["ArgoVerse/clip1", "LaSOT/clip1"]),
        (b"/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n", ["bear"]),
        (b"JPEGImages/480p/sea lion/00000.JPG  x.png", ["sea lion"]),
        (b"JPEGImages/480p/a/clip1/1.jpg\nJPEGImages/480p/b/clip1/1.jpg", ["a/clip1", "b/clip1"]),
        ("Bär\n".encode(), ["Bär"]),
    ],
)
def test_split_lists_as_people_write_them(tmp_path, content, names):
    (tmp_path / "val.txt").write_bytes(content)
    assert read_split(tmp_path / "val.txt") == names


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("one\r\n".encode("utf-16"), "not UTF-8 text; save the list as UTF-8"),
        (b"one\n../two\n", r"\.\./two: a sequence lies in the data set"),
        (b"/\n", "names no sequences"),
    ],
)
def test_refuses_other_lists(tmp_path, content, text):
    (tmp_path / "val.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"val\.txt: .*{text}"):
        read_split(tmp_path / "val.txt")


def test_names_with_blanks_and_folders_are_found(tiny_davis):
    for kind in ("JPEGImages", "Annotations"):
        (tiny_davis / kind / "480p/ArgoVerse").mkdir()
        (tiny_davis / kind / "480p/one").rename(tiny_davis / kind / "480p/ArgoVerse/clip1")
        (tiny_davis / kind / "480p/two").rename(tiny_davis / kind / "480p/dog park")
    (tiny_davis / "ImageSets/2017/val.txt").write_text("ArgoVerse/clip1\ndog park\n")
    found = load_sequences(tiny_davis, 2017, "val")
    assert [sequence.name for sequence in found] == ["ArgoVerse/clip1", "dog park"]
    assert [len(sequence.frames) for sequence in found] == [8, 8]


def test_real_davis_2016(shared):
    sequences = load_sequences(shared / "data/davis2016-val8", 2016, "val")
    assert len(sequences) == 8
    assert sum(len(sequence.frames) for sequence in sequences) == 506
    mask = read_mask(sequences[0].masks[0], 2016)
    assert mask.shape == (480, 854)
    assert set(np.unique(mask)) == {0, 1}
