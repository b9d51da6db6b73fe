"""The quick PNG decoder: PIL's pixels, or nothing."""

import struct
import zlib
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from ttvos.core.png import SIGNATURE, decode_simple

PALETTE = np.random.default_rng(7).integers(0, 256, (256, 3), dtype=np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    values: np.ndarray,
    filters: int | list[int] = 0,
    palette: np.ndarray | None = None,
    header: tuple[int, ...] = (8, 0, 0, 0, 0),
    extra: bytes = b"",
    pieces: int = 1,
    cut: int = 0,
) -> bytes:
    """A PNG of (H, W) uint8 written by hand, each row with the filter (0 none, 1 Sub) asked for."""
    height, width = values.shape
    filters = [filters] * height if isinstance(filters, int) else filters
    rows = b""
    for kind, row in zip(filters, values, strict=True):
        left = np.concatenate([[np.uint8(0)], row[:-1]])
        rows += bytes([kind]) + (row - left if kind == 1 else row).tobytes()
    data = zlib.compress(rows)
    data = data[: len(data) - cut]
    cuts = np.linspace(0, len(data), pieces + 1).astype(int)
    return (
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *header))
        + (b"" if palette is None else chunk(b"PLTE", palette.tobytes()))
        + extra
        + b"".join(chunk(b"IDAT", data[a:b]) for a, b in pairwise(cuts))
        + chunk(b"IEND", b"")
    )


def images():
    rng = np.random.default_rng(0)
    for shape in [(1, 1), (1, 9), (9, 1), (30, 41)]:
        yield np.zeros(shape, dtype=np.uint8)
        yield np.full(shape, 255, dtype=np.uint8)
        yield rng.integers(0, 256, shape, dtype=np.uint8)
        yield np.repeat(rng.integers(0, 5, (shape[0], 1), dtype=np.uint8), shape[1], axis=1)


@pytest.mark.parametrize("filters", [0, 1])
def test_decodes_what_pil_decodes(filters):
    for values in images():
        data = png(values, filters, pieces=3)
        with Image.open(BytesIO(data)) as image:
            np.testing.assert_array_equal(np.asarray(image), values)
        decoded = decode_simple(data)
        assert decoded.palette is None
        assert decoded.values.dtype == np.uint8
        np.testing.assert_array_equal(decoded.values, values)


@pytest.mark.parametrize("filters", [0, 1])
def test_decodes_palettes(filters):
    values = np.random.default_rng(1).integers(0, 3, (20, 30), dtype=np.uint8)
    for colours in (3, 256):
        data = png(values, filters, PALETTE[:colours], (8, 3, 0, 0, 0), chunk(b"tIME", bytes(7)))
        decoded = decode_simple(data)
        np.testing.assert_array_equal(decoded.values, values)
        np.testing.assert_array_equal(decoded.palette, PALETTE[:colours])


def test_decodes_masks_as_they_are_found(shared):
    """DAVIS's are grey with Sub, OSVOS's a palette without filter; some DAVIS masks are odd."""
    quick = 0
    for folder in ("data/davis2016-val8/Annotations/480p", "data/osvos-masks"):
        for path in sorted((shared / folder).glob("*/*.png"))[::40]:
            if decoded := decode_simple(path.read_bytes()):
                quick += 1
                with Image.open(path) as image:
                    np.testing.assert_array_equal(decoded.values, np.asarray(image))
    assert quick >= 20


VALUES = np.random.default_rng(2).integers(0, 4, (6, 8), dtype=np.uint8)
SOUND = png(VALUES)
MIDDLE = SOUND.index(b"IDAT") + 8


def _saved(mode: str, **options) -> bytes:
    stream = BytesIO()
    Image.fromarray(VALUES).convert(mode).save(stream, format="PNG", **options)
    return stream.getvalue()


OTHERS = {
    "no PNG": b"hello, this is not a PNG file",
    "nothing": b"",
    "16 bits": png(VALUES, header=(16, 0, 0, 0, 0)),
    "1 bit": _saved("1"),
    "two channels": _saved("LA"),
    "colours": _saved("RGB"),
    "interlaced": png(VALUES, header=(8, 0, 0, 0, 1)),
    "an unknown method": png(VALUES, header=(8, 0, 1, 0, 0)),
    "mixed filters": png(VALUES, [0, 1, 0, 1, 0, 1]),
    "another filter": png(VALUES, 2),
    "a palette without colours": png(VALUES, header=(8, 3, 0, 0, 0)),
    "grey with a palette": png(VALUES, palette=PALETTE),
    "a palette of no triples": png(VALUES, palette=PALETTE.ravel()[:5], header=(8, 3, 0, 0, 0)),
    "an animation": png(VALUES, extra=chunk(b"acTL", bytes(8))),
    "a second header": png(VALUES, extra=chunk(b"IHDR", bytes(13))),
    "a short header": SIGNATURE + chunk(b"IHDR", bytes(5)) + chunk(b"IEND", b""),
    "only an end": SIGNATURE + chunk(b"IEND", b""),
    "no pixels": SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 0, 0, 0, 0)),
    "no data": SIGNATURE + SOUND[8:33] + chunk(b"IEND", b""),
    "data without its checksum": png(VALUES, cut=4),
    "too many rows": png(VALUES).replace(SOUND[8:33], png(VALUES[:5])[8:33]),
    "too few rows": png(VALUES).replace(SOUND[8:33], png(np.vstack([VALUES, VALUES]))[8:33]),
    "a wrong checksum": SOUND[:MIDDLE] + bytes([SOUND[MIDDLE] ^ 1]) + SOUND[MIDDLE + 1 :],
    "too many pixels": png(VALUES).replace(
        SOUND[8:33], chunk(b"IHDR", struct.pack(">IIBBBBB", 2**20, 2**20, 8, 0, 0, 0, 0))
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_leaves_all_else_to_pil(name):
    assert decode_simple(SOUND) is not None
    assert decode_simple(OTHERS[name]) is None


@pytest.mark.parametrize("palette", [None, PALETTE])
def test_every_truncation_and_every_flipped_bit_is_noticed(palette):
    whole = png(VALUES, 1, palette, (8, 0 if palette is None else 3, 0, 0, 0))
    for length in range(len(whole)):
        assert decode_simple(whole[:length]) is None
    for at in range(0, len(whole), 3):
        assert decode_simple(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]) is None


def test_a_file_that_holds_too_much_does_not_fill_the_memory():
    bomb = chunk(b"IDAT", zlib.compress(bytes(2**26)))
    data = SIGNATURE + SOUND[8:33] + bomb + chunk(b"IEND", b"")
    assert len(data) < 2**17
    assert decode_simple(data) is None
