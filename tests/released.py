"""What the released code gave with weights made by a formula: `tests/golden`, and the formula.

The released checkpoints are not at hand, and their code has no licence, so neither is here. The
golden files hold what that code gave once for drawn frames; the weights it ran with are drawn
again here, from the names and shapes of its state dicts.
"""

import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ttvos.tracking.protocol import Track

GOLDEN = Path(__file__).parent / "golden"
CLIPS = ("one_object", "two_objects")


@dataclass(frozen=True)
class GoldenClip:
    """Drawn frames and the released code's outputs for them; T = 3 frames, O objects.

    frames (T, H, W, 3) uint8 RGB; first_mask (H, W) uint8 ids; masks (T, H, W) uint8 ids;
    foreground (T, O, H, W) float32 in [0, 1], before the objects are aggregated, the given mask
    in frame 0; update_weights (T - 1, O) float32.
    """

    frames: np.ndarray
    first_mask: np.ndarray
    masks: np.ndarray
    foreground: np.ndarray
    update_weights: np.ndarray


def golden_clip(backbone: str, clip: str) -> GoldenClip:
    """clip: "one_object" (80x128) or "two_objects" (74x122, which must be padded)."""
    with np.load(GOLDEN / f"{backbone}-{clip}.npz") as file:
        return GoldenClip(
            file["frames"],
            file["first_mask"],
            file["segs"],
            file["foreground_prob"],
            file["update_weight"],
        )


def released_state_dict(backbone: str) -> dict[str, Tensor]:
    """The weights that the golden outputs were made with, under the released names."""
    shapes = json.loads((GOLDEN / "released-keys.json").read_text())[backbone]
    return {name: torch.from_numpy(_entry(name, tuple(shape))) for name, shape in shapes.items()}


def _entry(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Drawn by a generator of its own for each name, so that no order of entries matters.

    Scaled so that activations stay near 1 and probabilities lie between 0 and 1: fewer than 2
    labels in 1,000 are ties within rounding.
    """
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    drawn = rng.standard_normal(shape)
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if kind == "running_var":
        values = 0.5 + rng.random(shape)
    elif len(shape) > 1:
        values = drawn / math.sqrt(math.prod(shape[1:]))
    else:
        values = 0.1 * drawn + (kind == "weight")
    return values.astype(np.float32)


# Bounds on the distance between our outputs and the released code's, both of which round to
# float32. The largest distances seen were 2.3e-6 (foreground, ResNet50) and 1.2e-7 (update weight:
# two units in the last place), for the readable tracker and for the fast engine alike, over the
# instruction sets SSE4.1, AVX2 and AVX-512, with and without oneDNN. The bounds are twice that, so
# that no processor decides.
FOREGROUND_BOUND = 5e-6
UPDATE_WEIGHT_BOUND = 2.5e-7
MASKS_BOUND = 0.9999  # share of equal labels; those that differ must be ties within rounding


def assert_meets_golden(track: Track, golden: GoldenClip) -> None:
    """Foreground, update weights and masks of a track are those of the released code."""
    assert np.abs(track.foreground - golden.foreground).max() < FOREGROUND_BOUND
    assert np.abs(track.update_weights - golden.update_weights).max() < UPDATE_WEIGHT_BOUND
    differs = track.masks != golden.masks
    assert differs.mean() <= 1 - MASKS_BOUND
    assert (margin(golden.foreground)[differs] < FOREGROUND_BOUND).all()


def margin(foreground: np.ndarray) -> np.ndarray:
    """(T, O, H, W) -> (T, H, W): the distance between the two most likely labels."""
    background = (1 - foreground).min(axis=1, keepdims=True)
    ordered = np.sort(np.concatenate([background, foreground], axis=1), axis=1)
    return ordered[:, -1] - ordered[:, -2]
