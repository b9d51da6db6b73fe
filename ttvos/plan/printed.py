"""Speeds that the paper prints, for methods whose masks are there and whose computers are not."""

import csv
from functools import cache

from ttvos.core.folders import shipped

DEVICE = "the paper's device (Table 3)"


@cache
def printed_speeds() -> dict[str, float]:
    """Frames a second of Table 3, by the method's name as it stands there."""
    with open(shipped("data/paper") / "table3.csv", newline="", encoding="utf-8") as handle:
        return {line["method"]: float(line["fps"]) for line in csv.DictReader(handle)}
