"""Pack what a device machine without the data needs, into a folder of a limited size.

    python benchmarks/pack.py FOLDER

Training frames of DAVIS-2016 (240p) and stills are encoded anew, at the best JPEG quality that
fits; some validation sequences at 480p, and the initial weights, are copied. Layouts stay as they
are (DAVIS, ECSSD), so that every command reads FOLDER/train, FOLDER/ecssd, FOLDER/stills-extra
and FOLDER/val as it reads the originals. The data's licences stay what they are: pass nothing on.
FOLDER/wheels has pydantic for a machine that lacks it (benchmarks/gpu.sh uses it there), where pip
could fetch it.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import cv2
from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory

DATA, WEIGHTS = Path("../shared/data"), Path("../shared/weights/hrnet-humanseg.safetensors")
TRAIN, VAL = "davis2016-train27-240p", "davis2016-val8"
STILLS = ("ecssd", "stills-extra")
VAL_SEQUENCES = ("car-shadow",)  # the smallest at 480p
WHEELS = "pydantic"  # what the package needs and a machine for computing may lack
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
LIMIT_MIB = 49  # beside a checkout of 14 MiB it still makes less than 64
QUALITIES = (70, 60, 50, 40, 30)
LONGEST_STILL = 240  # pixels


def main(arguments: list[str] | None = None) -> int:
    """Pack; 0, or 1 after an error of one line."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as name:
        wheels = Path(name) if download_wheels(Path(name), options.python) else None
        try:
            size, quality = pack(
                options.data, options.weights, options.folder, options.limit, wheels
            )
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(f"{options.folder}: {size / 2**20:.1f} MiB, JPEG quality {quality}")
    return 0


def download_wheels(folder: Path, python: str) -> bool:
    """Fetch the wheels of WHEELS and what it needs; whether that could be done, else a line.

    python: version of the machine's, "3.12".
    """
    wanted = f"{WHEELS}=={version(WHEELS)}"
    target = ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:"]
    target += [word for name in PLATFORMS for word in ("--platform", name)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, *target, "--dest", str(folder), wanted], capture_output=True, text=True
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        print(
            f"{wanted} for Python {python} is not packed: {why}; the machine must have it itself",
            file=sys.stderr,
        )
    return done.returncode == 0


def pack(
    data: Path, weights: Path, folder: Path, limit_mib: float, wheels: Path | None = None
) -> tuple[int, int]:
    """Write `folder` whole or not at all; returns its bytes and the JPEG quality taken.

    wheels: a folder of them, copied to `folder`/wheels. Raises UserError for missing data, and
    where even the lowest quality is too large.
    """
    for needed in (*(data / name for name in (TRAIN, VAL, *STILLS)), weights):
        if not needed.exists():
            raise UserError(f"{needed}: missing; --data and --weights say where they lie")
    quality = 0
    for quality in QUALITIES:
        with atomic_directory(folder, marker="initial.safetensors") as made:
            shutil.copyfile(weights, made / "initial.safetensors")
            if wheels:
                shutil.copytree(wheels, made / "wheels")
            _copy_sequences(data / VAL, made / "val")
            _encode_tree(data / TRAIN, made / "train", quality)
            for name in STILLS:
                _encode_tree(data / name, made / name, quality, LONGEST_STILL)
            size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        if size <= limit_mib * 2**20:
            return size, quality
        print(f"quality {quality}: {size / 2**20:.1f} MiB, too large", file=sys.stderr)
    shutil.rmtree(folder)
    raise UserError(f"{folder}: over {limit_mib:g} MiB even at JPEG quality {quality}")


def _copy_sequences(source: Path, target: Path) -> None:
    """VAL_SEQUENCES of a DAVIS-2016 folder, and a split file that lists them."""
    for kind in ("JPEGImages", "Annotations"):
        for name in VAL_SEQUENCES:
            shutil.copytree(source / kind / "480p" / name, target / kind / "480p" / name)
    (target / "ImageSets/2016").mkdir(parents=True)
    (target / "ImageSets/2016/val.txt").write_text("\n".join(VAL_SEQUENCES) + "\n")


def _encode_tree(source: Path, target: Path, quality: int, longest: int | None = None) -> None:
    """Copy a folder; JPEGs at another quality, and pictures and masks at most `longest` wide."""
    for path in tqdm(list(_files(source)), f"{source.name}, quality {quality}", disable=None):
        out = target / path.relative_to(source)
        out.parent.mkdir(parents=True, exist_ok=True)
        is_mask = path.suffix.lower() == ".png"
        if path.suffix.lower() != ".jpg" and (longest is None or not is_mask):
            shutil.copyfile(path, out)
            continue
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED if is_mask else cv2.IMREAD_COLOR)
        scale = min(1.0, (longest or max(image.shape)) / max(image.shape[:2]))
        if scale < 1:
            how = cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA
            size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=how)
        jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        jpeg += [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
        cv2.imwrite(str(out), image, [cv2.IMWRITE_PNG_COMPRESSION, 9] if is_mask else jpeg)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("folder", type=Path, help="to write; replaced if a pack lies there")
    made.add_argument("--data", type=Path, default=DATA, help="with the four data sets")
    made.add_argument("--weights", type=Path, default=WEIGHTS, help="initial weights of HRNet")
    made.add_argument("--python", default="3.12", help="the machine's version, for the wheels")
    made.add_argument("--limit", type=float, default=LIMIT_MIB, help="MiB at most")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
