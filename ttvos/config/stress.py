"""What a tracker's input can be stressed by, and how much (docs/stress.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ttvos.config.settings import settings
from ttvos.core.errors import UserError

MASK, RATE, FRAME = "first mask", "frames seen", "picture"


@dataclass(frozen=True)
class Kind:
    """A stress. what: of the input it touches. does: what it does at a strength s, in words.

    strengths: those that are tried; 0 is the input as it is. most: the largest there may be.
    per: the unit of slopes. whole: strengths are whole numbers.
    """

    what: str
    does: str
    strengths: tuple[float, ...]
    per: float = 1
    most: float = 100
    whole: bool = False


_OF_SIZE = "% of the object's size (the root of its area)"
KINDS = {
    "erode": Kind(MASK, f"smaller all round by s {_OF_SIZE}", (5, 10, 20), 10),
    "dilate": Kind(MASK, f"larger all round by s {_OF_SIZE}", (5, 10, 20), 10),
    "shift": Kind(MASK, f"moved by s {_OF_SIZE}, in a direction drawn", (5, 10, 20), 10),
    "box": Kind(MASK, "the box around the object", (1,), most=1, whole=True),
    "ellipse": Kind(MASK, "the ellipse in the box around the object", (1,), most=1, whole=True),
    "skip": Kind(RATE, "s frames left out between two", (1, 2, 3), whole=True),
    "half": Kind(FRAME, "height and width halved s times", (1, 2), most=4, whole=True),
    "blur": Kind(FRAME, "blurred by a Gaussian of s pixels", (1, 2, 4)),
    "noise": Kind(FRAME, "with Gaussian noise of s grey levels", (10, 20, 40), 10),
    "dark": Kind(FRAME, "s % darker", (25, 50, 75), 25),
    "jpeg": Kind(FRAME, "compressed as JPEG of quality 100 - s", (50, 80, 90), 10),
}


@dataclass(frozen=True)
class Stress:
    """A stress at a strength; UserError for one that there is not."""

    name: str
    strength: float

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise UserError(f"stress {self.name!r}: there is {', '.join(KINDS)}")
        kind = KINDS[self.name]
        if not 0 < self.strength <= kind.most or (kind.whole and self.strength % 1):
            number = "a whole number" if kind.whole else "a number"
            raise UserError(
                f"stress {self}: the strength is {number} above 0 and at most {kind.most:g}: "
                f"{kind.does}"
            )

    def __str__(self) -> str:
        return f"{self.name}={self.strength:g}"


def parse_stress(text: str) -> Stress:
    """NAME=STRENGTH as a stress; UserError for anything else."""
    name, _, strength = text.partition("=")
    try:
        return Stress(name, float(strength))
    except ValueError:
        raise UserError(f"stress {text!r}: expected NAME=STRENGTH, e.g. blur=2") from None


def all_stresses(strengths: dict[str, Sequence[float]] | None = None) -> list[Stress]:
    """Every kind at each of its strengths; `strengths` names others, () leaves a kind out."""
    chosen = {name: kind.strengths for name, kind in KINDS.items()} | (strengths or {})
    return [Stress(name, strength) for name, own in chosen.items() for strength in own]


@settings
class StressConfig:
    """Which data sets the trackers of a run are stressed on, and how (docs/stress.md).

    datasets: names of the run's. strengths: by kind, where others than the usual ones are tried;
    none leaves the kind out. seed: of the noise and of the directions.
    """

    datasets: tuple[str, ...]
    strengths: dict[str, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        all_stresses(self.strengths)
        if self.seed < 0:
            raise UserError("seed: a whole number, 0 or more")

    @property
    def options(self) -> list[str]:
        """What the command is told of it."""
        return [*map(str, all_stresses(self.strengths))]
