"""The order that frames' names stand for, and frames that are missing from it.

Frames are numbered from 0 or 1, by ones or by fives, with zeros in front (00012) or without (12),
behind a word (frame_12), or by the time of the shot, in seconds down to nanoseconds.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from ttvos.core.errors import UserError

GAP = 1.5  # of the smallest step; time stamps that jitter stay below


def in_order(stems: Iterable[str]) -> list[str]:
    """The names in the order of their numbers: 2 before 10, frame_2 before frame_10."""
    stems = list(stems)
    if all(re.fullmatch(r"\d+\.\d+", stem) for stem in stems):  # seconds, with decimals
        return sorted(stems, key=lambda stem: (Decimal(stem), stem))
    return sorted(stems, key=_words_and_numbers)


def find_gaps(stems: list[str]) -> list[tuple[str, str]]:
    """Pairs of neighbours, of names in order, between which frames are missing.

    Numbers go up in about equal steps. Names that are not all numbered alike have no gaps.
    Raises UserError for two names with one number (1 and 01).
    """
    numbers = _numbers(stems)
    if numbers is None or len(stems) < 3:
        return []
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    for pair, step in zip(pairwise(stems), steps, strict=True):
        if step == 0:
            raise UserError(f"frames {pair[0]} and {pair[1]} have one number; remove or rename one")
    usual = min(steps)
    return [p for p, step in zip(pairwise(stems), steps, strict=True) if step >= GAP * usual]


def missing_between(gap: tuple[str, str], stems: list[str]) -> list[str] | None:
    """The names that are missing in a gap of `find_gaps(stems)`; None where they are not sure."""
    numbers = _numbers(stems)
    at = stems.index(gap[0])
    usual = min(later - earlier for earlier, later in pairwise(numbers))
    first, last = numbers[at], numbers[at + 1]
    if (last - first) % usual or (last - first) // usual > len(stems):
        return None
    words, digits, tail = _split(gap[0])
    names = range(first + usual, last, usual)
    return [f"{words}{str(number).zfill(len(digits))}{tail}" for number in names]


def _words_and_numbers(stem: str) -> tuple[list[str | int], str]:
    parts: list[str | int] = re.split(r"(\d+)", stem)
    parts[1::2] = map(int, parts[1::2])
    return parts, stem


def _split(stem: str) -> tuple[str, str, str] | None:
    """What stands before the last number of a name, its digits, and what stands behind."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", stem)
    return found.groups() if found else None


def _numbers(stems: list[str]) -> list[int] | None:
    """Each name's last number; None where the names differ in more than that."""
    found = [_split(stem) for stem in stems]
    if None in found or len({(words, tail) for words, _, tail in found}) > 1:
        return None
    return [int(digits) for _, digits, _ in found]
