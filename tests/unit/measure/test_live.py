"""Live accuracy: what a viewer sees of trackers whose latencies are known."""

import json
import shutil

import numpy as np
import pytest

from tests.conftest import FRAMES
from ttvos.core.errors import UserError
from ttvos.core.video import read_frame, read_mask, write_mask
from ttvos.data.davis import load_sequences
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.metrics import jaccard
from ttvos.measure.live import live
from ttvos.measure.live_clip import MaskFollower, TrackerFollower
from ttvos.measure.live_latency import draw, given_latency, read_latency
from ttvos.measure.live_table import terminal_table
from ttvos.records.schema import Live, Timing
from ttvos.records.store import read, write
from ttvos.tracking.baselines import FlowCarried, HeldStill
from ttvos.tracking.predict import predict
from ttvos.tracking.protocol import Prediction

FAST, SLOW = given_latency(1e6, "a fast one"), given_latency(10, "a slow one")


class Knowing:
    """Finds the true mask by the frame's own pixels; keeps which frames it was given."""

    name, device = "knowing", "cpu"

    def __init__(self, davis, year=2017):
        self.seen, self.known = [], {}
        for sequence in load_sequences(davis, year, "val"):
            for number, (frame, mask) in enumerate(
                zip(sequence.frames, sequence.masks, strict=True)
            ):
                self.known[self._key(frame)] = (sequence.name, number, read_mask(mask, year))

    @staticmethod
    def _key(path):
        return read_frame(path).tobytes()

    def init(self, frame, mask):
        return "state"

    def step(self, frame, state):
        name, number, mask = self.known[frame.tobytes()]
        self.seen.append((name, number))
        return Prediction(mask), state


def play(follower, davis, latency=None, year=2017, rates=(25.0,), **more):
    return live(follower, davis, year, "val", rates, latency, **more)


def test_a_perfect_tracker_without_latency_has_100(davis):
    found = play(TrackerFollower(Knowing(davis)), davis, given_latency(1e12, "none"))
    assert found.offline.jf_mean == found.rates[0].means.jf_mean == 1
    late = play(TrackerFollower(Knowing(davis)), davis, FAST)
    assert late.rates[0].age.highest == 1  # a microsecond is late already
    assert late.rates[0].means.jf_mean < 1


def test_latency_0_in_a_file_has_100(davis, tmp_path):
    record = play(TrackerFollower(HeldStill()), davis, FAST).plain()
    record["latency"]["pooled"] = {"init_ms": [0.0], "step_ms": [0.0]}
    (tmp_path / "none.json").write_text(json.dumps(record))
    found = play(TrackerFollower(Knowing(davis)), davis, read_latency(tmp_path / "none.json"))
    assert found.rates[0].means.jf_mean == 1
    assert found.rates[0].age.highest == 0
    assert found.rates[0].processed == 1


def test_a_perfect_mask_one_frame_late_loses_what_the_object_moves(davis):
    found = play(MaskFollower(davis / "Annotations", "truth"), davis, given_latency(25, "ideal"))
    masks = [
        read_mask(davis / f"Annotations/480p/one/{t:05}.png", 2017) == 1 for t in range(FRAMES)
    ]
    late = np.mean([jaccard(masks[t - 1], masks[t]) for t in range(1, FRAMES - 1)])
    assert found.rates[0].sequences["one"].j_mean == pytest.approx(late, abs=1e-12)
    assert 0.5 < late < 0.95
    assert found.upper_bound
    assert found.offline.jf_mean == 1


def test_skipped_frames_are_never_given_to_the_tracker(davis):
    tracker = Knowing(davis)
    # 100 ms a frame at 25 a second: init until 100, frame 2 until 200, frame 5 from then on.
    found = play(TrackerFollower(tracker), davis, SLOW)
    one = [number for name, number in tracker.seen if name == "one"]
    assert one == [1, 2, *range(1, FRAMES), 2, 5]  # warmed up, waited for, then live
    assert found.rates[0].processed == 2 / (FRAMES - 1)


def test_offline_is_what_predict_and_evaluate_find(davis, tmp_path):
    predict(FlowCarried(), davis, 2017, "val", tmp_path / "masks")
    scores = evaluate(tmp_path / "masks", davis, 2017, workers=1)
    found = play(TrackerFollower(FlowCarried()), davis, SLOW)
    assert found.offline == scores.means
    held = play(MaskFollower(tmp_path / "masks", "flow"), davis, SLOW)
    assert held.offline == scores.means
    assert held.scored == found.scored == scores.scored


def test_binary_masks_are_one_object(davis):
    found = play(TrackerFollower(HeldStill()), davis.parent / "davis16", SLOW, year=2016)
    assert found.scored.objects == 2
    assert found.rates[0].means == found.offline  # it gives the same mask whenever it is asked


def test_equal_seeds_give_equal_results_and_others_do_not(davis, tmp_path):
    write(tmp_path / "live.json", play(TrackerFollower(FlowCarried()), davis))
    record = json.loads((tmp_path / "live.json").read_text())
    spread = {"init_ms": [5.0], "step_ms": [1.0, 60.0, 130.0]}
    record["latency"]["sequences"] = {"one": spread, "two": spread}
    (tmp_path / "live.json").write_text(json.dumps(record))
    latency = read_latency(tmp_path / "live.json")
    runs = [play(TrackerFollower(FlowCarried()), davis, latency, seed=seed) for seed in (1, 1, 2)]
    assert runs[0].rates == runs[1].rates
    assert runs[0].rates != runs[2].rates
    part = play(TrackerFollower(FlowCarried()), davis, latency, seed=1, only=("two",))
    assert part.rates[0].sequences["two"] == runs[0].rates[0].sequences["two"]


def test_what_was_measured_plays_again_from_its_own_file(davis, tmp_path):
    first = play(TrackerFollower(FlowCarried()), davis, rates=(500.0, 30.0))
    assert first.latency.source == "measured"
    assert {len(timing.step_ms) for timing in first.latency.sequences.values()} == {FRAMES - 1}
    assert [rate.rate for rate in first.rates] == [30, 500]
    write(tmp_path / "live.json", first)
    assert read(tmp_path / "live.json", Live) == first
    again = play(
        TrackerFollower(FlowCarried()), davis, read_latency(tmp_path / "live.json"), rates=(30, 500)
    )
    assert again.rates == first.rates
    assert again.latency.file.endswith("live.json")


def test_a_slower_camera_never_shows_an_older_mask(davis):
    found = play(TrackerFollower(HeldStill()), davis, SLOW, rates=(5, 10, 20, 40, 80))
    ages = [rate.age.mean for rate in found.rates]
    assert ages == sorted(ages)
    taken = [rate.processed for rate in found.rates]
    assert taken == sorted(taken, reverse=True)


def test_the_record_says_what_does_not_fit(davis, tmp_path):
    speed = {
        **{"device": "cpu", "engine": "own", "height": 480, "width": 854, "objects": 1},
        "streaming": {"fps": 10.0, "repeats": [[100.0]], "init_ms": [100.0]},
        "with_initialisation": {"fps": 10.0, "frames": 2},
        "growth": {
            **{"frames": 2, "state_bytes_first": 1, "state_bytes_last": 1, "time_ratio": 1.0}
        },
        "provenance": {"source": "x", "device": "A processor", "time": "2026-01-02T03:04:05+00:00"},
    }
    (tmp_path / "speed.json").write_text(json.dumps(speed))
    latency = read_latency(tmp_path / "speed.json")
    assert latency.device == "A processor"
    notes = " ".join(play(TrackerFollower(HeldStill()), davis, latency).notes)
    assert "frames of 480x854, clips have 64x96" in notes
    assert "1 object at once, clips have 2" in notes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r["latency"]["pooled"].update(step_ms=[]), "holds no latencies"),
        (lambda r: r["latency"].update(pooled=None), "holds no latencies"),
        (lambda r: r["latency"]["pooled"].update(init_ms=[-1.0]), "a latency of -1 ms"),
        (lambda r: r["provenance"].update(device=None), "where its numbers come from"),
        (lambda r: r.pop("latency"), "holds no latencies; name a file"),
    ],
)
def test_files_that_hold_no_latencies(davis, tmp_path, change, words):
    record = play(TrackerFollower(HeldStill()), davis, SLOW).plain()
    change(record)
    (tmp_path / "broken.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=words):
        read_latency(tmp_path / "broken.json")


@pytest.mark.parametrize(("rates", "words"), [((), "one rate"), ((24, 0), "more than 0 frames")])
def test_rates_that_no_camera_has(davis, rates, words):
    with pytest.raises(UserError, match=words):
        play(TrackerFollower(HeldStill()), davis, SLOW, rates=rates)


def test_masks_cannot_be_timed(davis):
    with pytest.raises(UserError, match="--fps N"):
        play(MaskFollower(davis / "Annotations", "truth"), davis)


def test_masks_that_are_missing(davis, tmp_path):
    with pytest.raises(UserError, match="no result masks"):
        play(MaskFollower(tmp_path, "nobody's"), davis, SLOW)


@pytest.mark.parametrize("fps", [0, -3, float("inf"), float("nan")])
def test_a_given_speed_is_above_0_and_finite(fps):
    with pytest.raises(UserError, match="above 0"):
        given_latency(fps, "a device")


def test_draws_are_those_that_were_measured():
    init, steps = draw(Timing(init_ms=[7.0], step_ms=[1.0, 2.0]), 0, "dog", 50)
    assert init == 7
    assert set(steps) == {1.0, 2.0}
    assert len(steps) == 49
    assert draw(Timing(init_ms=[7.0], step_ms=[1.0, 2.0]), 0, "cat", 50)[1] != steps


def test_the_table_has_a_line_for_each_rate(davis):
    text = terminal_table(play(TrackerFollower(HeldStill()), davis, SLOW, rates=(10, 24)))
    assert "latency 100.0 ms in the median on a slow one" in text
    assert [line.split("|")[1].strip() for line in text.splitlines()[3:]] == ["10", "24"]


class Reusing(HeldStill):
    """Gives the same array each time, with other content."""

    def step(self, frame, state):
        found, state = super().step(frame, state)
        found.mask[:] = np.roll(found.mask, 3, axis=1)
        return found, state


def test_a_tracker_may_use_its_array_again(davis, tmp_path):
    predict(Reusing(), davis, 2017, "val", tmp_path / "masks")
    found = play(TrackerFollower(Reusing()), davis, SLOW)
    assert found.offline != play(TrackerFollower(HeldStill()), davis, SLOW).offline
    assert found.rates[0].means != found.offline


def test_masks_need_no_frames(tiny_davis):
    shutil.rmtree(tiny_davis / "JPEGImages")
    found = play(MaskFollower(tiny_davis / "Annotations", "truth"), tiny_davis, SLOW)
    assert found.offline.jf_mean == 1
    assert found.scored.frames == 2 * (FRAMES - 2)
    with pytest.raises(UserError, match="JPEGImages"):
        play(TrackerFollower(HeldStill()), tiny_davis, SLOW)


def test_void_in_the_first_mask_is_shown_as_background(tiny_davis):
    path = tiny_davis / "Annotations/480p/one/00000.png"
    mask = read_mask(path, 2017)
    mask[:5] = 255
    write_mask(path, mask)
    found = play(TrackerFollower(HeldStill()), tiny_davis, given_latency(0.1, "a very slow one"))
    assert found.rates[0].processed == 0  # it shows the given mask, to the end
    assert found.rates[0].means == found.offline
