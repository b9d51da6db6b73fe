"""Result masks that others made: a user's own folders, and what Table 3's methods published."""

import math
from dataclasses import dataclass

from ttvos.data.published_masks import METHODS, check_methods
from ttvos.errors import UserError

SPLIT = "val"  # what published masks are of


@dataclass(frozen=True)
class Masks:
    """Somebody's result masks, scored as one more row. optional: left out where absent.

    root: folder with <sequence>/<frame>.png, in it or below (`ttvos.data.masks_layout`).
    fps: frames per second of what made them, as its authors say, and fps_device: on what; with
    them the masks are a point of Figure 1.
    """

    name: str
    root: str
    datasets: tuple[str, ...]
    optional: bool = False
    fps: float | None = None
    fps_device: str = ""

    def __post_init__(self) -> None:
        if self.fps is not None and not (self.fps > 0 and math.isfinite(self.fps)):
            raise UserError(f"fps: frames per second are above 0 and finite, not {self.fps:g}")
        if (self.fps is None) != (self.fps_device == ""):
            raise UserError("fps and fps_device belong together: a speed, and what it was had on")


@dataclass(frozen=True)
class Published:
    """Which published masks are scored (docs/published-masks.md).

    datasets: names of the profile's, of split val; a method's masks are those of the dataset's
    year. methods: as `ttvos data fetch published-masks` names them, ["all"] for all of them.
    fetch: bring what is not there; otherwise only what is on disk is scored.
    """

    datasets: tuple[str, ...]
    methods: tuple[str, ...] = ("all",)
    fetch: bool = False

    def __post_init__(self) -> None:
        check_methods([name for name in self.methods if name != "all"])

    @property
    def chosen(self) -> tuple[str, ...]:
        """The methods, with "all" spelt out."""
        return METHODS if "all" in self.methods else tuple(dict.fromkeys(self.methods))
