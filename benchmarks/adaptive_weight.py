"""What the adaptive weight does to a trained model's masks, and what its template holds.

    python benchmarks/adaptive_weight.py --checkpoint WEIGHTS --out adaptive-weight.json

Tracks every sequence with the weight as learnt, and with other shares of the new frame put in its
place: none (the first frame's template stays), 1/t (the mean of all frames, as GC), a half (the
weight's largest), and all (only the newest frame). Where J&F hardly differs, the template says the
same whatever frames it is made of, and nothing in training can tell the weight what to be.

Measured beside it, over all frames: the weight; the template's entropy as a share of the largest
(1: every row is flat and holds nothing; 0: every row is one channel); and how far a new frame's
template is from the one that is kept, as half the absolute difference of their rows (0 to 1). And
Pearson's r of the weight as learnt with the foreground ratio, as in the paper's Figure 9: of first
weights over the objects, and of all weights within each object's clip.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import ttvos
from benchmarks.command import parser, run_and_write
from benchmarks.masks import DATASET
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.provenance import file_hash, provenance
from ttvos.core.shipped_weights import find_weights
from ttvos.evaluation.davis import evaluate
from ttvos.model.ttvos import TTVOS, Step
from ttvos.report.correlation import pearson
from ttvos.report.figure_weights import curves, first_frame_points
from ttvos.tracking.predict import predict
from ttvos.tracking.readable import TTVOSTracker

Share = Callable[[Step, int], Tensor | float]
# Of the new frame in the template, by the step and the frames seen; None: as the model learnt it.
SHARES: dict[str, Share | None] = {
    "learnt": None,
    "none": lambda step, seen: 0.0,
    "1/t": lambda step, seen: 1 / (seen + 1),
    "half": lambda step, seen: 0.5,
    "all": lambda step, seen: 1.0,
}


class Watched:
    """A model whose share of the new frame is set, and whose templates are measured.

    weights, entropies, distances: one number a frame and object.
    """

    def __init__(self, model: TTVOS, share: Share | None) -> None:
        self.weights: list[float] = []
        self.entropies: list[float] = []
        self.distances: list[float] = []
        self._kept: Tensor | None = None
        advance, embed = type(model).advance, type(model)._embed

        def watched_advance(features, state, step, heatmap):
            self._kept = state.template
            self.weights += step.update_weight.flatten().tolist()
            return advance(model, features, state, step, heatmap)

        def watched_embed(features, heatmap, clue):
            new = embed(model, features, heatmap, clue)
            self._measure(new)
            return new

        model.advance, model._embed = watched_advance, watched_embed
        if share:
            model._new_share = share

    def _measure(self, new: Tensor) -> None:
        entropy = torch.special.entr(new).sum(-1).mean(-1) / math.log(new.shape[-1])
        self.entropies += entropy.tolist()
        if self._kept is not None and self._kept.shape == new.shape:
            self.distances += (0.5 * (new - self._kept).abs().sum(-1).mean(-1)).tolist()


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the file; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"shares": {name: {jf (points), and means over all frames and objects: weight, with its 5th
    and 95th percentiles, entropy, distance}}, "sizes": {of what: {n, r, low, high}}, "bars": {},
    "provenance"}."""
    if not options.dataset.is_dir():
        raise UserError(f"{options.dataset}: no such folder; name the data by --dataset")
    checkpoint = find_weights(options.checkpoint)
    shares, sizes = {}, {}
    for name in options.shares:
        print(name, file=sys.stderr)
        model = ttvos.load(checkpoint)
        if model.adaptive_weight is None:
            raise UserError(f"{options.checkpoint}: {model.variant.name} has no adaptive weight")
        watched = Watched(model, SHARES[name])
        tracker = TTVOSTracker(model, options.device, input_scale=options.input_scale)
        with tempfile.TemporaryDirectory(prefix="ttvos-benchmark-") as folder:
            predict(tracker, options.dataset, 2016, "val", folder, only=tuple(options.only))
            if name == "learnt":
                sizes = _with_size(read_json(Path(folder, "predict.json"))["sequences"])
            scores = evaluate(folder, options.dataset, 2016, "val", only=tuple(options.only))
        shares[name] = {
            "jf": 100 * scores.means.jf_mean,
            "weight": float(np.mean(watched.weights)),
            "weight_low": float(np.percentile(watched.weights, 5)),
            "weight_high": float(np.percentile(watched.weights, 95)),
            "entropy": float(np.mean(watched.entropies)),
            "distance": float(np.mean(watched.distances)),
        }
    device = find_device(options.device)
    settings = {key: str(value) for key, value in vars(options).items() if key != "out"}
    source = provenance(
        settings,
        device=device_name(device),
        precision="float32",
        checkpoint=file_hash(checkpoint),
        data={"root": options.dataset.name, "year": 2016, "split": "val"},
        command=["python", "benchmarks/adaptive_weight.py", *sys.argv[1:]],
    )
    return {"shares": shares, "sizes": sizes, "bars": {}, "provenance": source}


def _with_size(sequences: dict[str, Any]) -> dict[str, Any]:
    """Correlations of the weight with the foreground ratio: r, its 95 % interval, and of what."""
    objects = curves(sequences)
    first = pearson(*first_frame_points(objects))
    found = {"first weights, all objects": {"n": first.n, "r": first.r}}
    found["first weights, all objects"] |= {"low": first.low, "high": first.high}
    for each in objects:
        within = pearson(each.ratio[1:], each.weight)
        found[f"within {each.name}"] = {"n": within.n, "r": within.r}
    return found


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="file or name")
    options.add_argument("--dataset", type=Path, default=DATASET, help="DAVIS-2016 layout")
    options.add_argument("--only", nargs="+", default=[], metavar="SEQUENCE", help="some sequences")
    options.add_argument("--shares", nargs="+", choices=SHARES, default=SHARES, help="default: all")
    options.add_argument("--input-scale", type=float, default=1.0, help="as of ttvos predict")
    options.add_argument("--device", default="cpu", help="default: cpu")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
