"""The paper's own numbers and the public record, from `data/paper/*.csv`, as printed.

All values are text, so that they keep their digits.
"""

import csv
import re
from functools import cache
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.folders import shipped

PAPER_FOLDER = shipped("data/paper")

# The paper's backbone names and the ones used here.
BACKBONES = {
    "HRNet": "hrnet",
    "ResNet18": "resnet18",
    "ResNet50": "resnet50",
    "ResNet101": "resnet101",
    "MobileNetV3-Large": "mobilenetv3",
}
FULL_MODEL = "8"  # the experiment of Table 4 that the other tables call TTVOS
FULL, BACKBONE = f"exp{FULL_MODEL}", "hrnet"  # the paper's model, in our names
NUMBERS = "numbers"  # the ledger's column: "TTVOS HRNet, 10.6 (HEADING)", several apart by ";"


def read_paper(name: str, folder: Path = PAPER_FOLDER) -> list[dict[str, str]]:
    """Rows of one table, e.g. "table3" or "ledger"; every value is the printed text."""
    path = folder / f"{name}.csv"
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it is part of the repository") from None


def plain(text: str) -> str:
    """A name without what spellings differ in: case, dashes, spaces."""
    return re.sub("[^a-z0-9]", "", text.casefold())


def is_backbone(printed: str, built: str) -> bool:
    """Whether a backbone is the printed one; "ResNet101 and FlowNetS" is ResNet101 too."""
    return plain(printed) in plain(built)


def subject(line: dict[str, str]) -> str:
    """Whom a line of a table is about, the same for lines of several tables that repeat a number.

    Table 2 names no backbone, Tables 4 and 6 no method: Table 3 does.
    """
    method = line.get("method", "TTVOS")
    named = (other["backbone"] for other in read_paper("table3") if other["method"] == method)
    words = [method, line.get("backbone") or next(named, "")]
    if line.get("exp", FULL_MODEL) != FULL_MODEL:
        words.append(f"experiment {line['exp']}")
    if line.get("transition_loss") == "1":
        words.append("with the transition loss")
    return " ".join(word for word in words if word)


@cache
def explained() -> dict[str, str]:
    """The ledger's item on why a number differs, by the number as a verdict's cell names it."""
    return {
        about.strip(): line["id"]
        for line in read_paper("ledger")
        for about in line[NUMBERS].split(";")
        if about.strip()
    }
