"""Result masks to evaluate."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation.drawn import davis_clips, write
from ttvos.core.video import read_mask, write_mask
from ttvos.data.davis import load_sequences
from ttvos.evaluation.davis import evaluate
from ttvos.records.schema import Scores


@pytest.fixture
def results(tiny_davis: Path) -> Path:
    """A folder of result masks for `tiny_davis`: the ground truth moved right by 3 pixels."""
    folder = tiny_davis.parent / "results"
    for sequence in load_sequences(tiny_davis, 2017, "val"):
        for path in sequence.masks:
            moved = np.roll(read_mask(path, 2017), 3, axis=1)
            write_mask(folder / sequence.name / path.name, moved)
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Drawn results and their truth."""
    return write(tmp_path_factory.mktemp("drawn"), davis_clips())


@pytest.fixture(scope="session")
def scores(folders) -> Scores:
    """What the evaluator makes of them by the rule of DAVIS."""
    results, truth = folders
    return evaluate(results, truth=truth, objects="first")
