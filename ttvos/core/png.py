"""PNG files of the simplest kind, decoded by hand: for masks twice to ten times as fast as PIL.

A mask is long runs of one value. zlib undoes the compression; what PIL then does pixel by pixel
is done here run by run. Whatever is not of this kind, or not sound, is left to PIL and its verdict.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, PALETTE = 0, 3  # colour types
NO_FILTER, SUB_FILTER = 0, 1
MAX_PIXELS = 2**26  # larger images are PIL's to refuse
# Chunks beside the image's own that say nothing about its pixels.
IRRELEVANT = {b"tIME", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD"}


class Simple(NamedTuple):
    """values: (H, W) uint8, grey or palette index, not always writable or contiguous.

    palette: (N, 3) uint8 RGB, None if grey.
    """

    values: np.ndarray
    palette: np.ndarray | None


def decode_simple(data: bytes) -> Simple | None:
    """Decode a PNG file of one 8-bit channel whose rows are all unfiltered, or all "Sub".

    Masks that PIL and OpenCV write are of this kind, those of DAVIS too. Returns None for every
    other file and for a damaged one: checksums, lengths and sizes are those of a whole PNG.
    """
    try:
        chunks = list(_chunks(data))
    except (struct.error, ValueError):
        return None
    kinds = [kind for kind, _ in chunks]
    if not kinds or kinds[0] != b"IHDR" or kinds.count(b"IHDR") > 1 or kinds.count(b"PLTE") > 1:
        return None
    if not {*kinds} <= {b"IHDR", b"PLTE", b"IDAT", b"IEND", *IRRELEVANT}:
        return None
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in (GREY, PALETTE) or any(methods):
        return None
    if not 0 < width * height <= MAX_PIXELS or (colour == PALETTE) != (b"PLTE" in kinds):
        return None
    rows = _inflate(b"".join(body for kind, body in chunks if kind == b"IDAT"), height, width + 1)
    values = None if rows is None else _unfilter(rows)
    if values is None:
        return None
    if colour == GREY:
        return Simple(values, None)
    palette = np.frombuffer(dict(chunks)[b"PLTE"], dtype=np.uint8)
    return Simple(values, palette.reshape(-1, 3)) if palette.size % 3 == 0 else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk up to the end chunk; ValueError for a damaged file."""
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + body) != checksum or (kind == b"IHDR" and length != 13):
            raise ValueError("damaged chunk")
        yield kind, body
        at += 12 + length


def _inflate(compressed: bytes, height: int, row: int) -> np.ndarray | None:
    """Decompress to (height, row) uint8, a row's first byte being its filter; None if it fails."""
    stream = zlib.decompressobj()
    try:  # one byte more than needed: a file that holds too much must not fill the memory
        flat = stream.decompress(compressed, height * row + 1)
    except zlib.error:
        return None
    if not stream.eof or len(flat) != height * row:
        return None
    return np.frombuffer(flat, dtype=np.uint8).reshape(height, row)


def _unfilter(rows: np.ndarray) -> np.ndarray | None:
    """Undo the rows' filter, which must be one for all: none, or "Sub"."""
    kind = rows[0, 0]
    if kind not in (NO_FILTER, SUB_FILTER) or (rows[:, 0] != kind).any():
        return None
    return (rows if kind == NO_FILTER else _running_sums(rows))[:, 1:]


def _running_sums(rows: np.ndarray) -> np.ndarray:
    """Undo "Sub": each byte is a pixel's difference to its left neighbour (modulo 256).

    Differences are 0 but where a run of one value ends. In place of its filter byte, each row
    gets the difference that takes the last row's sum back to 0, so all rows are one sum.
    """
    differences = rows.copy()
    differences[0, 0] = 0
    differences[1:, 0] = -differences[:-1, 1:].sum(axis=1, dtype=np.uint8)
    flat = differences.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != 0) + 1])
    values = np.cumsum(flat[starts], dtype=np.uint8)
    return np.repeat(values, np.diff(starts, append=flat.size)).reshape(rows.shape)
