"""How J&F falls under stress: one tracker, one data set, every stress (docs/stress.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ttvos.config.stress import KINDS, Stress
from ttvos.core.device import device_name
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash, provenance
from ttvos.core.video import read_frame, read_mask
from ttvos.data.annotations import Annotation
from ttvos.data.davis import Sequence as Video
from ttvos.data.davis import load_sequences
from ttvos.evaluation.crops import score_frame
from ttvos.evaluation.objects import object_count
from ttvos.records.schema import StressLine, StressSlope, StressTest
from ttvos.tracking.precision import precision_of
from ttvos.tracking.protocol import Tracker, stream
from ttvos.tracking.stress import is_seen, stressed

Scores = dict[str, np.ndarray]  # J&F of each object, "<sequence>_<id>", by scored frame


@dataclass(frozen=True)
class Clip:
    """A sequence in memory: frames (T, H, W, 3) uint8 and true masks (T, H, W) uint8.

    count: objects 1 to `count` are scored.
    """

    name: str
    frames: list[np.ndarray]
    masks: list[np.ndarray]
    count: int

    def scored(self, stress: Stress | None) -> list[int]:
        """Numbers of the frames that count: neither the first nor the last, and seen."""
        found = [t for t in range(1, len(self.frames) - 1) if is_seen(stress, t)]
        if not found:
            whom = f"for {stress}" if stress else "to score: the first and the last are excluded"
            raise UserError(f"{self.name}: {len(self.frames)} frames are too few {whom}")
        return found


def measure_stress(
    tracker: Tracker,
    dataset: Path | str,
    year: int,
    split: str,
    stresses: Sequence[Stress],
    seed: int = 0,
    only: tuple[str, ...] = (),
    profile: str | None = None,
    checkpoint: Path | str | None = None,
    origin: dict[str, Any] | None = None,
) -> StressTest:
    """Track a split as it is and under each stress; all scores against the true masks, fractions.

    Under a stress that leaves frames out, those that are seen are scored, and `untouched` is what
    the tracker scores on the same frames when it sees all. The other arguments are as of
    `ttvos.tracking.predict.predict`, and so are the errors.
    """
    if not stresses:
        raise UserError("no stress to measure: name one at least, e.g. blur=2")
    stresses = list(dict.fromkeys(stresses))
    videos = load_sequences(Path(dataset), year, split, only=only)
    ways = [None, *stresses]
    found: dict[Stress | None, Scores] = {way: {} for way in ways}
    same: dict[Stress, Scores] = {way: {} for way in stresses}
    with tqdm(total=len(videos) * len(ways), desc="stress", unit="clip", disable=None) as bar:
        for video in videos:
            clip = _read(video, year)
            for way in ways:
                found[way] |= _scores(tracker, clip, way, seed)
                bar.update()
            for way in stresses:
                same[way] |= _only(found[None], clip, way)
    lines = [_line(way, found[way], same[way]) for way in stresses]
    which = {"year": year, "split": split, **({"only": list(only)} if only else {})}
    tracked_by = {"name": tracker.name, **getattr(tracker, "options", {})}
    told = {"stresses": list(map(str, stresses)), "tracker": tracked_by, **which}
    return StressTest.model_validate(
        {
            "tracker": tracker.name,
            "J&F-Mean": _mean(found[None]),
            "sequences": len(videos),
            "objects": len(found[None]),
            "lines": lines,
            "slopes": slopes(lines),
            "provenance": provenance(
                told,
                seed=seed,
                device=device_name(getattr(tracker, "device", "cpu")),
                precision=precision_of(tracker),
                data={"profile": profile, "root": str(dataset), **which},
                tracker=tracked_by,
                **{"checkpoint": file_hash(checkpoint) if checkpoint else None, **(origin or {})},
            ),
        }
    )


def slopes(lines: Iterable[StressLine]) -> list[StressSlope]:
    """Points lost per unit of each kind's strength: least squares of a line through no loss."""
    lines, found = list(lines), []
    for name in dict.fromkeys(line.stress for line in lines):
        own = [line for line in lines if line.stress == name]
        strengths = np.array([line.strength for line in own]) / KINDS[name].per
        lost = np.array([line.untouched - line.jf_mean for line in own])
        slope = float(strengths @ lost / (strengths @ strengths))
        found.append(StressSlope(stress=name, per=KINDS[name].per, lost=slope))
    return found


def _read(video: Video, year: int) -> Clip:
    paths = tuple(path for path in video.masks if path)
    if len(paths) < len(video.frames):
        raise UserError(f"{video.name}: every frame must have its true mask")
    frames = [read_frame(path) for path in video.frames]
    masks = [read_mask(path, year, void_alone=t > 0) for t, path in enumerate(paths)]
    return Clip(video.name, frames, masks, object_count(Annotation(video.name, paths), year))


def _scores(tracker: Tracker, clip: Clip, way: Stress | None, seed: int) -> Scores:
    """J&F of each object in the frames that count."""
    follower = stressed(tracker, way, seed) if way else tracker
    scored = clip.scored(way)
    state = follower.init(clip.frames[0], clip.masks[0])
    values = []
    for t, found in enumerate(stream(follower, clip.frames[1:], state), start=1):
        if t in scored:
            pairs = score_frame(found.mask, clip.masks[t], clip.count)
            values.append([(j + f) / 2 for j, f, *_ in pairs])
    return {f"{clip.name}_{i + 1}": column for i, column in enumerate(np.array(values).T)}


def _only(whole: Scores, clip: Clip, way: Stress) -> Scores:
    """A clip's scores in the frames that count under a stress."""
    at = np.array(clip.scored(way)) - 1
    return {n: own[at] for n, own in whole.items() if n.rpartition("_")[0] == clip.name}


def _line(way: Stress, found: Scores, same: Scores) -> StressLine:
    values = {"stress": way.name, "strength": float(way.strength)}
    return StressLine.model_validate({**values, "J&F-Mean": _mean(found), "untouched": _mean(same)})


def _mean(scores: Scores) -> float:
    return float(np.mean([own.mean() for own in scores.values()]))
