"""One clip, played at one rate after another, and scored as it was seen."""

from dataclasses import dataclass

import numpy as np

from ttvos.evaluation.crops import NAMES, Scores, score_frame
from ttvos.evaluation.totals import object_statistics
from ttvos.measure.live_clip import Clip, Follower
from ttvos.measure.live_latency import draw
from ttvos.measure.live_schedule import Schedule, arrival_times, schedule
from ttvos.records.schema import ObjectScores, Timing


@dataclass(frozen=True)
class Played:
    """One sequence as it was seen. objects: scores by "<sequence>_<id>"."""

    objects: dict[str, ObjectScores]
    schedule: Schedule

    @property
    def ages(self) -> tuple[int, ...]:
        """Of the mask on screen in each scored frame, in frames."""
        return self.schedule.ages[1:-1]

    @property
    def frames(self) -> int:
        """Those after frame 0, which could be taken."""
        return len(self.schedule.shown) - 1


class Play:
    """One clip, followed once for each way in which its frames are taken."""

    def __init__(self, follower: Follower, clip: Clip) -> None:
        self.follower, self.clip = follower, clip
        self.timing: Timing | None = None
        self._masks: dict[tuple[int, ...], dict[int, np.ndarray]] = {}
        self._scores: dict[tuple[tuple[int, ...], int, int], list[Scores]] = {}

    def offline(self) -> Played:
        """The clip waits; what the tracker took for each frame is kept in `timing`."""
        every = tuple(range(len(self.clip.masks)))
        self._masks[every[1:]], self.timing = self.follower.follow(self.clip, every[1:])
        return self._played(Schedule(every[1:], (), every))

    def at(self, rate: float, timing: Timing, seed: int) -> Played:
        """The camera delivers so many frames a second."""
        frames = len(self.clip.masks)
        latencies = draw(timing, seed, self.clip.name, frames)
        planned = schedule(arrival_times(frames, rate), *latencies)
        if planned.taken not in self._masks:
            self._masks[planned.taken], _ = self.follower.follow(self.clip, planned.taken)
        return self._played(planned)

    def _played(self, planned: Schedule) -> Played:
        frames = range(1, len(self.clip.masks) - 1)
        scores = [self._score(planned.taken, planned.shown[frame], frame) for frame in frames]
        objects = {}
        for number, series in enumerate(zip(*scores, strict=True), start=1):
            columns = map(list, zip(*series, strict=True))
            values = dict(zip(NAMES, columns, strict=True))
            objects[f"{self.clip.name}_{number}"] = object_statistics(values)
        return Played(objects, planned)

    def _score(self, taken: tuple[int, ...], shown: int, frame: int) -> list[Scores]:
        """J and F of each object, of the mask of one frame against the truth of another."""
        key = (taken, shown, frame)
        if key not in self._scores:
            mask = self._masks[taken][shown] if shown else self.clip.given
            self._scores[key] = score_frame(mask, self.clip.truth(frame), self.clip.count)
        return self._scores[key]
