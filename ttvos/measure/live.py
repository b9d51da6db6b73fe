"""J&F as a viewer sees it: a virtual camera does not wait for the tracker (docs/live.md).

The camera delivers the frames of a clip at a rate. The tracker takes the newest whenever it is
free, and is given no other. Scored at each frame is the mask that is on screen when it arrives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.evaluation.totals import means_over, scored_part
from ttvos.measure.latency import Load, percentiles
from ttvos.measure.live_clip import Follower, load_clips
from ttvos.measure.live_latency import measured_latency, timing_of
from ttvos.measure.live_play import Play, Played
from ttvos.measure.live_schedule import arrival_times
from ttvos.records.schema import (
    Live,
    LiveLatency,
    LiveRate,
    LiveSequence,
    MaskAge,
    ObjectScores,
    Timing,
)

PROTOCOL = {
    "camera": "frame k of a clip arrives k / rate seconds after frame 0, whose mask is given",
    "tracker": "begins with frame 0 when it arrives; whenever it is free it takes the newest frame "
    "that has arrived and that it has not taken, or waits for the next; it is given no other frame",
    "screen": "the newest mask that is ready; until the first is, the given one",
    "score": "J and F of the mask on screen at the instant at which a frame arrives, against that "
    "frame's truth, by the DAVIS protocol: first and last frame left out, means over objects",
    "latency": "drawn with replacement for each frame that is taken, of the listed ones; seeded by "
    "the sequence's name, the same for every rate",
    "offline": "the same tracker where the clip waits for it: it takes every frame, and each mask "
    "is scored at its own",
}


def live(
    follower: Follower,
    dataset: Path | str,
    year: int,
    split: str,
    rates: Sequence[float],
    latency: LiveLatency | None = None,
    seed: int = 0,
    only: tuple[str, ...] = (),
    profile: str | None = None,
) -> Live:
    """Play every sequence of a split at each rate, and score what is on screen.

    follower: `ttvos.measure.live_clip.TrackerFollower`, or `MaskFollower` for given masks. rates:
    frames a second that the camera delivers. latency: what a frame takes; None measures it here, on
    each sequence, while the tracker follows the whole of it. seed: of the draws.
    only, profile: as of `ttvos.tracking.predict.predict`.
    Raises UserError for no rate or one that is not above 0, masks without a latency, a data set in
    which frames have no true mask, and whatever tracking or reading it raises.
    """
    rates = _checked_rates(rates)
    if latency is None and not follower.measures:
        raise UserError(
            "masks cannot be timed: say what a frame took, by --latency FILE or --fps N"
        )
    truth, clips = load_clips(dataset, year, split, only, follower)
    load, seen = Load(), _Seen({}, {rate: {} for rate in rates}, {}, [])
    bar = tqdm(clips.values(), desc="live", unit="sequence", disable=None)
    with follower.running(), bar:
        for make_clip in bar:
            seen.play(Play(follower, make_clip()), rates, latency, seed)
    if latency is None:
        latency = measured_latency(seen.timed, follower.device, follower.precision, seen.sizes[0])
    which = {"year": year, "split": split, **({"only": list(only)} if only else {})}
    settings = {"follower": follower.facts, "rates": rates, "seed": seed, **which}
    settings |= {"latency": [latency.source, latency.file]}
    return Live(
        tracker=follower.name,
        upper_bound=not follower.measures,
        seed=seed,
        latency=latency,
        **seen.figures(),
        scored=scored_part(truth, year, split, len(_objects(seen.offline))),
        notes=_notes(follower, latency, seen),
        load=load.record() if latency.source == "measured" else None,
        protocol=PROTOCOL,
        provenance=provenance(
            settings,
            seed=seed,
            device=follower.device,
            precision=follower.precision,
            data={"profile": profile, "root": str(dataset), **which},
            **follower.origin,
        ),
    )


@dataclass(frozen=True)
class _Seen:
    """What was seen of all sequences, by name: where the clip waits, and at each rate.

    timed: what the tracker took while the clip waited. sizes: of frames, (H, W).
    """

    offline: dict[str, Played]
    at: dict[float, dict[str, Played]]
    timed: dict[str, Timing]
    sizes: list[tuple[int, int]]

    def play(
        self, play: Play, rates: Sequence[float], latency: LiveLatency | None, seed: int
    ) -> None:
        """Add one sequence."""
        name = play.clip.name
        self.offline[name] = play.offline()
        self.sizes.append(play.clip.given.shape)
        timing = timing_of(latency, name) if latency else play.timing
        if play.timing:
            self.timed[name] = play.timing
        for rate in rates:
            self.at[rate][name] = play.at(rate, timing, seed)

    def figures(self) -> dict[str, Any]:
        """That part of the record."""
        sequences = {name: _sequence(played).jf_mean for name, played in self.offline.items()}
        return {
            "offline": means_over(_objects(self.offline)),
            "offline_sequences": sequences,
            "rates": [_rate(rate, played) for rate, played in self.at.items()],
        }


def _checked_rates(rates: Sequence[float]) -> list[float]:
    """Ascending, each once; UserError for none, or one that no camera has."""
    if not rates:
        raise UserError("name one rate or more, in frames a second (--rates)")
    for rate in rates:
        arrival_times(1, rate)
    return sorted({float(rate) for rate in rates})


def _rate(rate: float, played: dict[str, Played]) -> LiveRate:
    taken = sum(len(one.schedule.taken) for one in played.values())
    return LiveRate(
        rate=rate,
        means=means_over(_objects(played)),
        age=_age([age for one in played.values() for age in one.ages], rate),
        processed=taken / sum(one.frames for one in played.values()),
        sequences={name: _sequence(one) for name, one in played.items()},
    )


def _objects(played: dict[str, Played]) -> dict[str, ObjectScores]:
    return {name: scores for one in played.values() for name, scores in one.objects.items()}


def _sequence(played: Played) -> LiveSequence:
    means = means_over(played.objects)
    return LiveSequence(
        jf_mean=means.jf_mean,
        j_mean=means.j_mean,
        f_mean=means.f_mean,
        processed=len(played.schedule.taken) / played.frames,
        age_mean=float(np.mean(played.ages)),
    )


def _age(ages: list[int], rate: float) -> MaskAge:
    """ages: in frames."""
    interval = 1000 / rate
    frames = {name.removesuffix("_ms"): value for name, value in percentiles(ages).items()}
    return MaskAge(
        mean=float(np.mean(ages)),
        highest=max(ages),
        mean_ms=float(np.mean(ages)) * interval,
        highest_ms=max(ages) * interval,
        **frames,
        **percentiles(age * interval for age in ages),
    )


def _notes(follower: Follower, latency: LiveLatency, seen: _Seen) -> list[str]:
    """Where latencies and masks are not of one piece."""
    notes, size = [], (latency.height, latency.width)
    objects = max(len(played.objects) for played in seen.offline.values())
    if not follower.measures:
        notes.append(
            "an upper bound: the masks were made with every frame seen, and are only held back"
        )
    if latency.source == "file" and (other := sorted({*seen.sizes} - {size})):
        played = ", ".join(f"{height}x{width}" for height, width in other)
        notes.append(f"the latencies are of frames of {size[0]}x{size[1]}, clips have {played}")
    if latency.objects and latency.objects < objects:
        notes.append(f"the latencies are of {latency.objects} object at once, clips have {objects}")
    if follower.precision and latency.precision not in (None, follower.precision):
        notes.append(
            f"the latencies are of {latency.precision}, the masks were made in {follower.precision}"
        )
    return notes
