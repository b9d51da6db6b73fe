"""Speed of any tracker: what is summed up, and the state's growth; no test on time itself."""

from collections import deque

import numpy as np
import pytest
import torch

from ttvos.core.errors import UserError
from ttvos.measure.speedtable import table
from ttvos.measure.tracker_speed import TimedClip, speed_tracker, state_bytes, summary
from ttvos.tracking.baselines import HeldStill
from ttvos.tracking.protocol import Prediction


class _Growing:
    """Keeps every frame."""

    name = "growing"

    def init(self, frame, mask):
        return {"mask": mask, "frames": [torch.from_numpy(frame.copy())]}

    def step(self, frame, state):
        state["frames"].append(torch.from_numpy(frame.copy()))
        return Prediction(state["mask"]), state


def test_growth_of_the_state_is_seen():
    growth = speed_tracker(_Growing(), height=32, width=48, frames=7)["growth"]
    assert growth["state_bytes_last"] - growth["state_bytes_first"] == 5 * 32 * 48 * 3
    held = speed_tracker(HeldStill(), height=32, width=48, frames=7)["growth"]
    assert held["state_bytes_last"] == held["state_bytes_first"] == 32 * 48


def test_summary_of_known_latencies():
    found = summary([TimedClip(50.0, [10.0, 20.0, 30.0], [1, 2, 3])] * 2)
    assert found["streaming"]["fps"] == pytest.approx(50)
    assert found["streaming"]["p50_ms"] == 20
    assert (found["streaming"]["p90_ms"], found["streaming"]["p99_ms"]) == (None, None)
    assert found["streaming"]["init_ms"] == [50.0, 50.0]
    assert found["with_initialisation"]["fps"] == pytest.approx(1000 * 8 / 220)
    assert found["with_initialisation"]["frames"] == 4
    assert found["growth"]["time_ratio"] == 3


def test_a_clip_is_longer_than_the_trackers_cycle():
    tracker = _Growing()
    tracker.cycle = 9
    result = speed_tracker(tracker, height=32, width=48, frames=6)
    assert result["frames"] == 10
    assert result["streaming"]["timed_frames"] == 9


def test_one_row_of_the_table_without_what_is_not_known():
    result = speed_tracker(HeldStill(), height=32, width=48)
    assert "| still, 32x48, 1 object" in table(result["rows"])
    assert result["rows"][0]["macs"] is None


def test_a_wrong_mask_is_refused():
    class Wrong(_Growing):
        def step(self, frame, state):
            return Prediction(state["mask"] + 3), state

    with pytest.raises(UserError, match="has id 3"):
        speed_tracker(Wrong(), height=32, width=48)


def test_a_clip_has_a_frame_to_time():
    with pytest.raises(UserError, match="1 frames"):
        speed_tracker(HeldStill(), height=32, width=48, frames=1, repeats=9)


def test_too_few_latencies_are_refused():
    with pytest.raises(UserError, match="6 frames or more"):
        speed_tracker(HeldStill(), height=32, width=48, frames=3)


def test_bytes_of_a_state_count_each_storage_once():
    whole = np.zeros((4, 8), dtype=np.float32)
    tensor = torch.zeros(10)
    state = {"a": [whole, whole[1:]], "b": (tensor, tensor[2:], torch.nn.Linear(9, 9))}
    assert state_bytes(state) == 128 + 40


def test_bytes_of_a_state_are_found_wherever_they_are():
    class Slotted:
        __slots__ = ("kept",)

    slotted = Slotted()
    slotted.kept = torch.zeros(3)
    state = {"queue": deque([torch.zeros(5)], maxlen=4), "set": frozenset([slotted])}
    state |= {"library": np, "class": Slotted}  # which are not searched
    assert state_bytes(state) == 20 + 12
