"""Frames and masks in and out of files, and every mask that must be refused."""

import errno
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.png import decode_simple
from ttvos.core.video import (
    davis_palette,
    distinct_values,
    image_size,
    overlay,
    read_frame,
    read_mask,
    write_mask,
)

IDS = np.zeros((40, 61), dtype=np.uint8)
IDS[5:20, 10:30] = 1
IDS[15:35, 25:50] = 2


def save(path, array, mode=None):
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path)
    return path


def save_palette(path, ids, palette):
    image = Image.fromarray(ids)
    image.putpalette(palette)
    image.save(path)
    return path


def shorten_palette(path, colours):
    """Cut the PLTE chunk of a PNG: length, name, 256 triples, checksum."""
    data = path.read_bytes()
    start = data.index(b"PLTE") - 4
    chunk = b"PLTE" + data[start + 8 : start + 8 + 3 * colours]
    checked = struct.pack(">I", 3 * colours) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(data[:start] + checked + data[start + 12 + 768 :])


def test_palette_is_the_voc_colour_map():
    colours = np.frombuffer(davis_palette(), dtype=np.uint8).reshape(256, 3)
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 4: (0, 0, 128)}
    known |= {8: (64, 0, 0), 21: (128, 64, 128), 254: (96, 224, 192), 255: (224, 224, 192)}
    assert len(np.unique(colours, axis=0)) == 256
    for i, colour in known.items():
        assert tuple(colours[i]) == colour


def test_palette_equals_that_of_real_result_masks(shared):
    with Image.open(shared / "data/osvos-masks/cows/00000.png") as image:
        assert bytes(image.getpalette()) == davis_palette()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_masks_survive_writing(tmp_path, dtype):
    every_id = np.arange(256, dtype=dtype).reshape(16, 16)
    for name, ids in {"few": IDS.astype(dtype), "all": every_id}.items():
        path = tmp_path / "new folder" / f"{name}.png"
        write_mask(path, ids)
        np.testing.assert_array_equal(read_mask(path, 2017), ids)
        assert read_mask(path, 2017).dtype == np.uint8
        np.testing.assert_array_equal(read_mask(path, 2016), ids > 0)
        with Image.open(path) as image:
            assert image.mode == "P"
            assert bytes(image.getpalette()) == davis_palette()
            assert path.read_bytes()[24] == 8  # bits a pixel, whatever the number of ids
    assert sorted(p.name for p in path.parent.iterdir()) == ["all.png", "few.png"]


@pytest.mark.parametrize(
    "ids", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.full((4, 4), 256)]
)
def test_only_masks_are_written_as_masks(tmp_path, ids):
    with pytest.raises(ValueError, match="mask"):
        write_mask(tmp_path / "mask.png", ids)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch):
    write_mask(tmp_path / "mask.png", IDS)
    before = (tmp_path / "mask.png").read_bytes()

    def full(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UserError, match=r"cannot write .*mask.png: No space left on device"):
        write_mask(tmp_path / "mask.png", IDS + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]
    assert (tmp_path / "mask.png").read_bytes() == before


def test_grey_masks(tmp_path):
    binary = save(tmp_path / "binary.png", np.where(IDS > 0, 255, 0).astype(np.uint8))
    np.testing.assert_array_equal(read_mask(binary, 2016), IDS > 0)
    with pytest.raises(UserError, match="use year 2016"):
        read_mask(binary, 2017)
    only_void = read_mask(binary, 2017, void_alone=True)
    np.testing.assert_array_equal(only_void, np.where(IDS > 0, 255, 0))
    ids = save(tmp_path / "ids.png", IDS)
    np.testing.assert_array_equal(read_mask(ids, 2017), IDS)
    np.testing.assert_array_equal(read_mask(ids, 2016), IDS > 0)
    void = np.where(IDS == 2, 255, IDS)
    void[0] = 3
    np.testing.assert_array_equal(read_mask(save(tmp_path / "void.png", void), 2017), void)


def test_one_bit_masks(tmp_path):
    path = tmp_path / "bits.png"
    Image.fromarray(IDS > 0).save(path)
    np.testing.assert_array_equal(read_mask(path, 2016), IDS > 0)
    np.testing.assert_array_equal(read_mask(path, 2017), IDS > 0)


def test_a_constant_second_channel_is_dropped(tmp_path):
    """DAVIS 2016's bear/00077.png has one."""
    grey = np.where(IDS > 0, 255, 0).astype(np.uint8)
    opaque = save(tmp_path / "opaque.png", np.dstack([grey, np.full_like(grey, 255)]))
    with Image.open(opaque) as image:
        assert image.mode == "LA"
    np.testing.assert_array_equal(read_mask(opaque, 2016), IDS > 0)
    varying = save(tmp_path / "varying.png", np.dstack([grey, 255 - grey]))
    with pytest.raises(UserError, match=r"varying.png: a mask with two channels"):
        read_mask(varying, 2016)


def _blurred():
    soft = np.where(IDS > 0, 255, 0).astype(np.uint8)
    soft[4, 10:30] = 128
    return soft


@pytest.mark.parametrize("year", [2016, 2017])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rgb", "pixel type RGB has colours"),
        ("rgba", "pixel type RGBA has colours"),
        ("sixteen", "pixel type I;16"),
        ("blurred", "grey value 128 is no object id .anti-aliased"),
        ("unpalletted", "grey value 38 is no object id .anti-aliased mask, or palette lost"),
        ("ramp", "grey value 128 is no object id"),
        ("quantised", "black at index 2 instead of 0"),
        ("outside", "id 2 is not in the file's palette"),
    ],
)
def test_refuses_masks_that_are_no_ids(tmp_path, year, name, text):
    path = tmp_path / f"{name}.png"
    colours = np.frombuffer(davis_palette(), dtype=np.uint8).reshape(256, 3)[IDS]
    grey_ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()
    {
        "rgb": lambda: save(path, colours),
        "rgba": lambda: save(path, colours, "RGBA"),
        "sixteen": lambda: save(path, IDS.astype(np.uint16)),
        "blurred": lambda: save(path, _blurred()),
        "unpalletted": lambda: save(path, colours, "L"),
        "ramp": lambda: save_palette(path, _blurred(), grey_ramp),
        "quantised": lambda: save_palette(path, IDS, bytes([128, 0, 0, 0, 128, 0, 0, 0, 0])),
        "outside": lambda: shorten_palette(save_palette(path, IDS, davis_palette()), colours=2),
    }[name]()
    with pytest.raises(UserError, match=text) as caught:
        read_mask(path, year)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("year", [2016, 2017])
def test_masks_are_the_same_however_they_are_decoded(tmp_path, monkeypatch, year):
    """The quick way for simple files, or PIL: one mask, one verdict."""
    grey_ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()
    paths = [
        save_palette(tmp_path / "voc.png", IDS, davis_palette()),
        save_palette(tmp_path / "ramp.png", _blurred(), grey_ramp),
        save_palette(tmp_path / "quantised.png", IDS, bytes([128, 0, 0] * 2 + [0] * 762)),
        save(tmp_path / "flat.png", np.full((9, 14), 3, dtype=np.uint8)),
        save(tmp_path / "binary.png", np.full((9, 14), 255, dtype=np.uint8)),
    ]
    assert all(decode_simple(path.read_bytes()) for path in paths[:3])
    quick = [_read(path, year) for path in paths]
    monkeypatch.setattr("ttvos.core.video.decode_simple", lambda data: None)
    slow = [_read(path, year) for path in paths]
    assert [type(found) for found in quick] == [type(found) for found in slow]
    assert {type(found) for found in quick} == {str, np.ndarray}
    for one, other in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(one, other)


def _read(path, year):
    """A mask, or the text of what is wrong with it."""
    try:
        mask = read_mask(path, year)
    except UserError as error:
        return str(error)
    assert mask.flags.c_contiguous
    assert mask.flags.writeable
    assert mask.dtype == np.uint8
    return mask


def test_any_palette_with_black_at_0_is_fine(tmp_path):
    path = save_palette(tmp_path / "own.png", IDS, bytes([0, 0, 0, 255, 255, 255, 9, 9, 9]))
    np.testing.assert_array_equal(read_mask(path, 2017), IDS)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_truncation_is_noticed(tmp_path, suffix):
    """Cut at any byte, a file is refused or (its last, empty marker lost) read in full."""
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    whole, path = BytesIO(), tmp_path / f"frame{suffix}"
    Image.fromarray(frame).save(whole, format="PNG" if suffix == ".png" else "JPEG")
    data = whole.getvalue()
    path.write_bytes(data)
    expected = read_frame(path)
    for length in [*range(0, len(data) - 4, 37), len(data) - 5]:
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match=r"frame\.(png|jpg): damaged or no image"):
            read_frame(path)
    assert expected.shape == frame.shape


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(UserError, match=r"no\.png: no such file"):
        read_mask(tmp_path / "no.png", 2017)
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UserError, match=r"text\.png: damaged or no image"):
        read_frame(tmp_path / "text.png")
    with pytest.raises(UserError, match="cannot be read"):
        read_frame(tmp_path)
    with pytest.raises(UserError, match="year 2018"):
        read_mask(tmp_path / "no.png", 2018)


def test_frames_are_rgb(tmp_path):
    red = np.zeros((8, 9, 3), dtype=np.uint8)
    red[..., 0] = 200
    np.testing.assert_array_equal(read_frame(save(tmp_path / "red.png", red)), red)
    assert read_frame(tmp_path / "red.png").flags.writeable
    np.testing.assert_array_equal(read_frame(save(tmp_path / "a.png", red, "RGBA")), red)
    grey = read_frame(save(tmp_path / "grey.png", red[..., 0]))
    np.testing.assert_array_equal(grey, np.full((8, 9, 3), 200))
    with pytest.raises(UserError, match="pixel type I;16"):
        read_frame(save(tmp_path / "deep.png", red[..., 0].astype(np.uint16)))


# Exif 2.32, tag 274: where the first stored row and column are in the picture.
SHOWN = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],  # row 0 on top, column 0 at the right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.swapaxes(0, 1),  # left, top
    6: lambda stored: np.rot90(stored, -1),  # right, top
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda stored: np.rot90(stored),  # left, bottom
}


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_frames_and_masks_are_turned_as_they_are_shown(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    show = SHOWN[orientation]
    stored = np.zeros((*IDS.shape, 3), np.uint8)
    stored[:20, :30] = 255  # one corner
    path = tmp_path / f"frame.{suffix}"
    Image.fromarray(stored).save(path, quality=95, exif=exif)
    frame = read_frame(path)
    assert image_size(path) == frame.shape[1::-1] == show(stored).shape[1::-1]
    assert ((frame > 127) == (show(stored) > 127)).mean() > 0.99
    mask = Image.fromarray(IDS)
    mask.putpalette(davis_palette())
    mask.save(tmp_path / "mask.png", exif=exif)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", 2017), show(IDS))
    assert image_size(tmp_path / "mask.png") == show(IDS).shape[::-1]


def test_overlay_paints_objects_and_leaves_the_background():
    frame = np.full((*IDS.shape, 3), 100, dtype=np.uint8)
    painted = overlay(frame, IDS, alpha=0.5)
    assert painted.dtype == np.uint8
    assert (painted[IDS == 0] == 100).all()
    assert (painted[IDS == 1] == (114, 50, 50)).all()
    assert (painted[IDS == 2] == (50, 114, 50)).all()
    np.testing.assert_array_equal(overlay(frame, IDS, alpha=0.0), frame)
    with pytest.raises(ValueError, match="differ in size"):
        overlay(frame, IDS[1:])


def test_distinct_values_equal_numpy_s():
    rng = np.random.default_rng(1)
    for shape in [(1, 1), (1, 7), (3, 3), (8, 8), (13, 17)]:
        for high in (1, 2, 256):
            ids = rng.integers(0, high, shape, dtype=np.uint8)
            np.testing.assert_array_equal(distinct_values(ids), np.unique(ids))
            np.testing.assert_array_equal(distinct_values(ids.T), np.unique(ids))
