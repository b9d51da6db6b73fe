"""The paper's own numbers, read from `data/paper/*.csv` as printed (strings keep their digits)."""

import csv
from pathlib import Path

from ttvos.errors import UserError
from ttvos.shipped import shipped

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


def read_paper(name: str, folder: Path = PAPER_FOLDER) -> list[dict[str, str]]:
    """Rows of one table, e.g. "table3" or "ledger"; every value is the printed text."""
    path = folder / f"{name}.csv"
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it is part of the repository") from None
