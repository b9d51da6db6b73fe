"""Parameters and multiply-accumulate operations (MACs) of any tracker, counted while it runs.

Unlike `ttvos.measure.cost`, which takes TTVOS apart as the paper's tables do, this knows nothing
of the tracker but its protocol, and so counts every tracker alike.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ttvos.measure.clip import disc_clip
from ttvos.provenance import provenance
from ttvos.tracker import Tracker

OTHER = "other"
PROTOCOL = {
    "macs": "convolutions and matrix products only (PyTorch's FLOP counter, halved), while the "
    "tracker runs on a clip of moving discs on the CPU; resizing, batch norms and pointwise work "
    "not counted",
    "init": "frame 0 with its mask",
    "frame": "mean over one cycle of frames (after as many frames the work repeats), the first "
    "frame after frame 0 left out",
    "steps": "each frame after frame 0, from the first",
    "parameters": "every nn.Module that the tracker holds, each parameter once; what a tracker "
    "makes for each object of a clip is not in it",
}


def cost_tracker(
    tracker: Tracker, height: int = 480, width: int = 854, objects: int = 1
) -> dict[str, Any]:
    """Run a tracker over a short clip and count; all counts are integers.

    Returns tracker, height, width, objects, cycle (frames), parameters {total, parts {part: n},
    other}, macs {init, frame, parts {part: of a frame}, init_parts, steps [of each frame]},
    online_not_run, protocol, provenance. "other" stands for what no part of `tracker.parts` did.
    online_not_run: where the tracker has an `online_cost(height, width)`, what it says of the
    published fine-tuning, which it leaves out: {updates, macs, ...}; else None.
    Raises UserError for a size under 16 pixels.
    """
    cycle = int(getattr(tracker, "cycle", 1))
    parts = dict(getattr(tracker, "parts", {}))
    clip, mask = disc_clip(cycle + 2, height, width, objects)
    with _counting(parts) as counts:
        state = tracker.init(clip[0], mask)
    init, steps = dict(counts), []
    for frame in clip[1:]:
        with _counting(parts) as counts:
            _, state = tracker.step(frame, state)
        steps.append(dict(counts))
    whole = steps[1:]
    frame_parts = {part: round(sum(s[part] for s in whole) / len(whole)) for part in init}
    settings = {"tracker": tracker.name, **getattr(tracker, "options", {})}
    settings |= {"height": height, "width": width, "objects": objects}
    return {
        "tracker": tracker.name,
        "height": height,
        "width": width,
        "objects": objects,
        "cycle": cycle,
        "parameters": parameters(tracker, parts),
        "macs": {
            "init": sum(init.values()),
            "frame": round(sum(sum(s.values()) for s in whole) / len(whole)),
            "parts": frame_parts,
            "init_parts": init,
            "steps": [sum(s.values()) for s in steps],
        },
        "online_not_run": _online(tracker, height, width),
        "protocol": PROTOCOL,
        "provenance": provenance(settings, precision="float32"),
    }


def _online(tracker: Any, height: int, width: int) -> dict[str, int] | None:
    find = getattr(tracker, "online_cost", None)
    return find(height, width) if find else None


def parameters(tracker: Any, parts: dict[str, tuple[nn.Module, ...]]) -> dict[str, Any]:
    """Numbers of parameters: total, by part, and in no part. A shared one counts once."""
    every = {id(p): p.numel() for module in modules(tracker) for p in module.parameters()}
    counted: set[int] = set()
    by_part = {}
    for part, members in parts.items():
        own = {id(p): p.numel() for module in members for p in module.parameters()}
        by_part[part] = sum(size for key, size in own.items() if key not in counted)
        counted |= own.keys()
        every |= own
    total = sum(every.values())
    return {"total": total, "parts": by_part, OTHER: total - sum(by_part.values())}


def modules(holder: Any) -> Iterator[nn.Module]:
    """Every nn.Module in an object's attributes, or in lists and dictionaries there."""
    seen: set[int] = set()
    waiting = [holder]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, nn.Module):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif value is holder or value is getattr(holder, "own", None):
            waiting += vars(value).values()


@contextmanager
def _counting(parts: dict[str, tuple[nn.Module, ...]]) -> Iterator[Counter]:
    """Counts MACs by part: those of a part's modules while they run, the rest as OTHER."""
    counts = Counter(dict.fromkeys([*parts, OTHER], 0))
    with ExitStack() as hooks, FlopCounterMode(display=False) as counter:
        for part, members in parts.items():
            for module in members:
                for hook in _hooks(module, part, counter, counts):
                    hooks.callback(hook.remove)
        yield counts
        total = counter.get_total_flops() // 2
    counts[OTHER] = total - sum(counts.values())


def _hooks(module: nn.Module, part: str, counter: FlopCounterMode, counts: Counter) -> list:
    begun: list[int] = []

    def before(*_: Any) -> None:
        begun.append(counter.get_total_flops())

    def after(*_: Any) -> None:
        counts[part] += (counter.get_total_flops() - begun.pop()) // 2

    return [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
