"""Frames and masks in and out of files.

Frame: (H, W, 3) uint8 RGB. Mask: (H, W) uint8, one object id per pixel, 0 = background.
Files that are stored turned (EXIF orientation) come as viewers and OpenCV show them.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.core.png import Simple, decode_simple

VOID = 255  # DAVIS 2017: a pixel that belongs to no object; scored as background
IGNORED = 255  # training labels: a pixel that counts in no loss
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB in [0, 1]
MAX_GREY_ID = 20  # a grey PNG (no palette) may hold ids up to here; above are intensities
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_WAY_OUT = "save it as a palette PNG of object ids"
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


def read_frame(path: Path | str) -> np.ndarray:
    """Read an image as (H, W, 3) uint8 RGB.

    Raises UserError for a file that is missing, unreadable, truncated or not 8 bits deep.
    """
    image = _open(path, _read_bytes(path))
    if image.mode not in {"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"}:
        raise UserError(f"{path}: a frame of pixel type {image.mode}; save it as 8-bit RGB")
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def read_mask(path: Path | str, year: int, void_alone: bool = False) -> np.ndarray:
    """Read a mask PNG as (H, W) uint8.

    year 2016: 0 and 1, any value above 0 being the object (docs/facts.md, section 5).
    year 2017: object ids 0..254; 255 (void) is kept.

    Palette PNGs hold ids. Grey PNGs are accepted when they hold 0 and 255 (2016) or small ids.
    void_alone: of 2017, also 0 and 255: the sequence is known to hold ids, and here is only void.
    DAVIS-2016's `bear/00077.png` has a second, constant channel, which is dropped.
    Raises UserError for anything else: a missing, truncated, RGB, anti-aliased or otherwise
    ambiguous mask is never guessed at.
    """
    if year not in (2016, 2017):
        raise UserError(f"year {year}: masks are read as DAVIS 2016 or 2017")
    data = _read_bytes(path)
    ids, palette = decode_simple(data) or _decode_mask(path, data)
    used = distinct_values(ids)
    if palette is None or _check_palette(path, used, palette):
        _check_grey(path, used, year, void_alone)
    return (ids > 0).view(np.uint8) if year == 2016 else np.array(ids, dtype=np.uint8, order="C")


def write_mask(path: Path | str, ids: np.ndarray) -> None:
    """Write (H, W) integer ids 0..255 as an 8-bit PNG with the DAVIS palette, atomically."""
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0 or not (ids.dtype == bool or ids.dtype.kind in "iu"):
        raise ValueError(f"a mask is (H, W) integers, not {ids.shape} {ids.dtype}")
    if ids.min() < 0 or ids.max() > 255:
        raise ValueError(f"mask ids run from 0 to 255, not {ids.min()} to {ids.max()}")
    image = Image.fromarray(np.ascontiguousarray(ids, dtype=np.uint8))
    image.putpalette(davis_palette())
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


@cache
def davis_palette() -> bytes:
    """The DAVIS palette: 256 RGB triples, which is the PASCAL VOC colour map.

    The bits of an id are dealt out to red, green and blue in turn, most significant bit first,
    so that neighbouring ids get colours far apart: 0 black, 1 (128,0,0), 2 (0,128,0), ...
    """
    colours = np.zeros((256, 3), dtype=np.uint8)
    ids = np.arange(256)
    for bit in range(8):
        for channel in range(3):
            source = 3 * bit + channel
            if source < 8:
                colours[:, channel] |= (((ids >> source) & 1) << (7 - bit)).astype(np.uint8)
    return colours.tobytes()


def overlay(frame: np.ndarray, mask: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """Paint the objects of `mask` (H, W) over `frame` (H, W, 3) uint8; returns uint8 RGB.

    alpha: share of the object's palette colour, 0 (frame only) to 1 (colour only).
    """
    if frame.shape[:2] != mask.shape:
        raise ValueError(f"frame {frame.shape} and mask {mask.shape} differ in size")
    colours = np.frombuffer(davis_palette(), dtype=np.uint8).reshape(256, 3)
    painted = frame.astype(np.float32) * (1 - alpha) + colours[mask].astype(np.float32) * alpha
    return np.where((mask > 0)[..., None], np.rint(painted).astype(np.uint8), frame)


def image_size(path: Path | str) -> tuple[int, int]:
    """Width and height of an image, from its header only; UserError as for `read_frame`."""
    with _clear_errors(path), Image.open(path) as image:
        # What a PNG says behind its pixels, PIL would have to decode them for.
        tells = image.format != "PNG" or "exif" in image.info
        turned = tells and image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        return image.size[::-1] if turned else image.size


def _read_bytes(path: Path | str) -> bytes:
    with _clear_errors(path):
        return Path(path).read_bytes()


def _open(path: Path | str, data: bytes) -> Image.Image:
    """Decode an image file's bytes wholly; UserError for a damaged file or one that is no image."""
    with _clear_errors(path):
        image = Image.open(BytesIO(data))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    # PIL is content once it has all pixels; a PNG without its end was cut off all the same.
    if image.format == "PNG" and b"IEND" not in data:
        raise UserError(f"{path}: damaged or no image (PNG truncated); replace the file")
    return image


@contextmanager
def _clear_errors(path: Path | str) -> Iterator[None]:
    """Turn whatever a missing, forbidden or damaged image raises into one line."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path}: the image is too large to be a video frame") from None
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        text = str(error) if "truncated" in str(error) else "not a readable image"
        raise UserError(f"{path}: damaged or no image ({text}); replace the file") from None


def _decode_mask(path: Path | str, data: bytes) -> Simple:
    """Decode the bytes of any mask PNG that `read_mask` accepts, by PIL."""
    image = _open(path, data)
    if image.mode != "P":
        return Simple(_single_channel(path, image), None)
    return Simple(np.asarray(image), np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3))


def _single_channel(path: Path | str, image: Image.Image) -> np.ndarray:
    """Return the values of a mask without palette as (H, W) uint8."""
    if image.mode in {"1", "L"}:
        return np.asarray(image).astype(np.uint8)
    if image.mode == "LA":
        values = np.asarray(image)
        if (values[..., 1] == values[0, 0, 1]).all():
            return values[..., 0]
        raise UserError(f"{path}: a mask with two channels that both vary; {_WAY_OUT}")
    raise UserError(f"{path}: a mask of pixel type {image.mode} has colours, not ids; {_WAY_OUT}")


def _check_palette(path: Path | str, used: np.ndarray, palette: np.ndarray) -> bool:
    """Refuse a palette that is not one of ids; True if it is a grey ramp, so no palette at all.

    used: the sorted distinct values of the mask.
    """
    if used[-1] >= len(palette):
        raise UserError(f"{path}: id {used[-1]} is not in the file's palette; {_WAY_OUT}")
    colours = palette[used]
    black = used[(colours == 0).all(axis=1)]
    # An image quantised to colours has its black anywhere; then index 0 is not the background.
    if black.size and used[0] == 0 and 0 not in black:
        raise UserError(
            f"{path}: the palette has black at index {black[0]} instead of 0, "
            f"so its indices are not ids; {_WAY_OUT}"
        )
    return len(used) > 1 and bool((colours == used[:, None]).all())


def _check_grey(path: Path | str, used: np.ndarray, year: int, void_alone: bool) -> None:
    """Refuse grey values that look like intensities rather than ids; used: as above."""
    if (year == 2016 or void_alone) and set(used) <= {0, 255}:
        return
    if set(used) == {0, 255}:
        raise UserError(f"{path}: a mask of 0 and 255 only is a DAVIS 2016 mask; use year 2016")
    strange = [v for v in used if v > MAX_GREY_ID and (v != VOID or year == 2016)]
    if strange:
        raise UserError(
            f"{path}: grey value {strange[0]} is no object id "
            f"(anti-aliased mask, or palette lost); {_WAY_OUT}"
        )


def distinct_values(ids: np.ndarray) -> np.ndarray:
    """Sorted distinct values of a uint8 array.

    Masks are long runs of one value: of the groups of 8 pixels only those that differ from the
    group before are counted, which is 40 times as quick as counting all.
    """
    flat = np.ascontiguousarray(ids).ravel()
    whole = flat.size // 8 * 8
    groups = flat[:whole].view(np.uint64)
    changed = groups[np.flatnonzero(groups[1:] != groups[:-1]) + 1]
    counted = np.concatenate([groups[:1].view(np.uint8), changed.view(np.uint8), flat[whole:]])
    return np.flatnonzero(np.bincount(counted, minlength=256))
