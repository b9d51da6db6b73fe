"""Parameters and multiply-accumulate operations (MACs) of any tracker, counted while it runs.

`ttvos.measure.cost` takes TTVOS apart as the paper's tables do; this knows nothing of the tracker
but its protocol. Both count by `ttvos.measure.macs`, so that all are counted alike.

They do not depend on the device, so that the repository keeps the peers': a kept file names what it
was counted with, and is taken again until any of that differs.
"""

from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ttvos.core.code_hash import code_hash
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.core.reachable import reachable
from ttvos.measure.clip import disc_clip
from ttvos.measure.macs import OTHER, Parts, count_macs, count_parameters
from ttvos.records.schema import TrackerCost
from ttvos.records.store import read
from ttvos.tracking.precision import precision_of
from ttvos.tracking.protocol import Tracker, check_prediction, cycle_of, object_ids, step_of
from ttvos.tracking.registry import tracker_code

PROTOCOL = {
    "macs": "convolutions and matrix products only (PyTorch's FLOP counter, halved), while the "
    "tracker runs on a clip of moving discs on the CPU; resizing, batch norms, pointwise work, "
    "distances, and all that is done outside of PyTorch not counted",
    "init": "frame 0 with its mask",
    "frame": "mean over one cycle of frames (after as many frames the work repeats), the first "
    "frame after frame 0 left out",
    "steps": "each frame after frame 0, from the first",
    "uncounted": "operators that ran and whose MACs are not in the counts, because nobody has told "
    "how they are counted",
    "parameters": "every nn.Module that the tracker holds, each parameter once; what a tracker "
    "makes for each object of a clip is not in it",
}


def cost_tracker(
    tracker: Tracker,
    height: int = 480,
    width: int = 854,
    objects: int = 1,
    origin: dict[str, Any] | None = None,
    counted_with: dict[str, Any] | None = None,
) -> TrackerCost:
    """Run a tracker over a short clip and count; all counts are integers.

    "other" stands for what no part of `tracker.parts` did.
    online_not_run: where the tracker has an `online_cost(height, width)`, what it says of the
    published fine-tuning, which it leaves out: {updates, macs, ...}; else None.
    origin: for the provenance, such as `ttvos.tracking.registry.tracker_origin`. counted_with: for
    a file that is kept (`counted_with`).
    Raises UserError for a size under 16 pixels, a cycle or parts that are none, a wrong mask.
    """
    cycle, parts = cycle_of(tracker), _parts(tracker)
    uncounted: set[str] = set()
    clip, mask = disc_clip(cycle + 2, height, width, objects)
    init, steps = _run(tracker, parts, clip, mask, uncounted)
    # After the run: some trackers build their networks when the first clip comes.
    modules = [value for value in reachable(tracker) if isinstance(value, nn.Module)]
    whole, online = steps[1:], getattr(tracker, "online_cost", None)
    frame_parts = {part: round(sum(s[part] for s in whole) / len(whole)) for part in init}
    named = {"tracker": tracker.name, "height": height, "width": width, "objects": objects}
    settings = {**named, **getattr(tracker, "options", {})}
    return TrackerCost(
        **named,
        cycle=cycle,
        parameters=count_parameters(parts, modules),
        macs={
            "init": sum(init.values()),
            "frame": round(sum(sum(s.values()) for s in whole) / len(whole)),
            "parts": frame_parts,
            "init_parts": init,
            "steps": [sum(s.values()) for s in steps],
        },
        uncounted=sorted(uncounted),
        online_not_run=online(height, width) if online else None,
        protocol=PROTOCOL,
        provenance=provenance(settings, precision=precision_of(tracker), **(origin or {})),
        **({"counted_with": counted_with} if counted_with else {}),
    )


def _run(
    tracker: Tracker, parts: Parts, clip: np.ndarray, mask: np.ndarray, uncounted: set[str]
) -> tuple[Counter, list[Counter]]:
    """MACs by part: of frame 0, and of each further frame. uncounted: receives operators."""
    with count_macs(parts) as init:
        state = tracker.init(clip[0], mask)
    uncounted |= init.uncounted
    steps = []
    for frame in clip[1:]:
        with count_macs(parts) as counts:
            prediction, state = step_of(tracker, frame, state)
        check_prediction(prediction, frame, object_ids(mask))
        steps.append(counts.parts)
        uncounted |= counts.uncounted
    return init.parts, steps


def _parts(tracker: Tracker) -> Parts:
    """The tracker's parts; UserError where they are no modules, or one lies in another's."""
    parts = dict(getattr(tracker, "parts", {}))
    for part, members in parts.items():
        fit = isinstance(members, (tuple, list)) and all(isinstance(m, nn.Module) for m in members)
        if not fit or part == OTHER:
            raise UserError(
                f"{tracker.name}: part {part!r}: a tuple of nn.Module, by another name than {OTHER}"
            )
    named = [(part, module) for part, members in parts.items() for module in members]
    for i, (part, module) in enumerate(named):
        for other, second in named[i + 1 :]:
            if module in set(second.modules()) or second in set(module.modules()):
                raise UserError(
                    f"{tracker.name}: a module of part {part!r} is also one of {other!r}, or "
                    "inside of one: it would count twice"
                )
    return parts


COUNTING = ("measure/tracker_cost.py", "tracking/registry.py")


def counted_with(name: str, height: int, width: int, objects: int) -> dict[str, Any]:
    """All that a cost hangs on: the tracker's code and options, the counting's, the sizes."""
    return {
        "tracker": tracker_code(name),
        "counting": code_hash(*COUNTING),
        "libraries": {library: version(library) for library in ("torch", "torchvision")},
        "height": height,
        "width": width,
        "objects": objects,
    }


def find_kept(folder: Path | str, name: str, key: dict[str, Any]) -> TrackerCost | None:
    """The kept cost of a tracker, if it was counted with just that; its provenance says so.

    folder: of files NAME.json as `ttvos cost --trackers` writes them. key: `counted_with`.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        return None
    cost = read(path, TrackerCost)
    if cost.counted_with != key:
        return None
    kept = cost.provenance.model_copy(update={"kept": f"{path.parent.name}/{path.name}"})
    return cost.model_copy(update={"provenance": kept})
