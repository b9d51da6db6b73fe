"""Fixtures for the whole suite: shared real data, and a tiny data set in DAVIS layout."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ttvos.core.video import write_mask

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
HEIGHT, WIDTH, FRAMES = 64, 96, 8


# Folders whose files take long come first, so that no worker is left alone with one at the end.
FIRST = ("tests/slow/workflow", "tests/slow", "tests/unit/report", "tests/unit/training")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of tests/slow is marked as slow, and has more time; what takes long is run first."""
    places = {item: Path(item.nodeid).as_posix() for item in items}
    for item, place in places.items():
        if place.startswith("tests/slow/"):
            item.add_marker(pytest.mark.slow)
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(900))
    ranks = {
        item: next((rank for rank, folder in enumerate(FIRST) if place.startswith(folder)), 9)
        for item, place in places.items()
    }
    items.sort(key=ranks.get)


@pytest.fixture(scope="session", autouse=True)
def clean_tree() -> Iterator[None]:
    """`ttvos publish` refuses to work in a tree with changes, as this one may have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ttvos.report.publication.publish.git_commit", lambda: "0123456789ab")
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; skips where it is absent."""
    if not (SHARED / "data" / "davis2016-val8").is_dir():
        pytest.skip("needs ../shared (real data), which may not be passed on with the repository")
    return SHARED


@pytest.fixture
def tiny_davis(tmp_path: Path) -> Path:
    """`write_tiny_davis`, private to the test, which may damage it."""
    return write_tiny_davis(tmp_path)


@pytest.fixture(scope="session")
def davis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`write_tiny_davis`, shared by all tests that only read it."""
    return write_tiny_davis(tmp_path_factory.mktemp("davis"))


def write_tiny_davis(folder: Path) -> Path:
    """Write a data set in DAVIS layout: `one` (1 object) and `two` (2), 8 frames of 64x96 each.

    Discs move over a textured background. `folder/davis17` has palette masks of ids,
    `folder/davis16` the same sequences with masks of 0/255; the path returned is that of
    `davis17`. Splits: train and val, both naming both sequences, under ImageSets/2016 and
    ImageSets/2017 in each.
    """
    root = folder / "davis17"
    discs = {"one": [(20, 20, 3, 14)], "two": [(18, 20, 4, 12), (44, 70, -4, 10)]}
    for sequence, objects in discs.items():
        for t in range(FRAMES):
            frame, ids = disc_frame(t, objects)
            for year in ("davis17", "davis16"):
                image = folder / year / "JPEGImages/480p" / sequence / f"{t:05}.jpg"
                image.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(frame).save(image, quality=95)
            write_mask(root / "Annotations/480p" / sequence / f"{t:05}.png", ids)
            binary = folder / "davis16/Annotations/480p" / sequence / f"{t:05}.png"
            binary.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.where(ids > 0, 255, 0).astype(np.uint8)).save(binary)
    for year in ("davis17", "davis16"):
        for names in ("2016", "2017"):
            for split in ("train", "val"):
                file = folder / year / "ImageSets" / names / f"{split}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("one\ntwo\n")
    return root


def disc_frame(t: int, discs: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Frame t (H, W, 3) and mask (H, W) of discs given as (row, column, columns a frame, radius).

    Object i is the i-th disc, later discs in front.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    texture = (60 + 30 * np.sin(rows / 5) + 20 * np.cos(columns / 3)).astype(np.uint8)
    frame = np.stack([texture, texture, 255 - texture], axis=-1)
    ids = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for i, (row, column, speed, radius) in enumerate(discs, start=1):
        inside = (rows - row) ** 2 + (columns - column - speed * t) ** 2 <= radius**2
        ids[inside] = i
        frame[inside] = (220, 80 * i, 40)
    return frame, ids
