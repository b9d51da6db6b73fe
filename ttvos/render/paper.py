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


def read_paper(name: str, folder: Path = PAPER_FOLDER) -> list[dict[str, str]]:
    """Rows of one table, e.g. "table3" or "ledger"; every value is the printed text."""
    path = folder / f"{name}.csv"
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it is part of the repository") from None
