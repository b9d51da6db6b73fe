"""What every tracker there is must do, whoever wrote it: references, TTVOS, and all built peers."""

from functools import cache

import numpy as np
import pytest
import torch

from ttvos.config.peers import built_peers, load_records
from ttvos.core.errors import UserError
from ttvos.core.reachable import reachable
from ttvos.measure.clip import disc_clip
from ttvos.measure.macs import count_parameters
from ttvos.tracking.protocol import check_prediction, object_ids, stream

HEIGHT, WIDTH, FRAMES = 64, 96, 3
TRACKERS = ["still", "flow", "ttvos", "ttvos-reference", *built_peers()]


@pytest.fixture(scope="module", autouse=True)
def small_inputs():
    """CRN and RANet resize every frame to one size; a smaller one takes a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ttvos.peers.crn.SIZE", 128)
        patch.setattr("ttvos.peers.ranet.INPUT_SIZE", (128, 224))
        yield


@cache  # the large networks take seconds to make; a tracker keeps nothing of a clip
def made(name: str):
    """Each tracker once."""
    if name in built_peers():
        from ttvos.tracking.registry import load_tracker

        return load_tracker(name)
    if name.startswith("ttvos"):
        from ttvos.config.experiments import Variant
        from ttvos.engine.tracker import make_tracker
        from ttvos.model.ttvos import build_model

        engine = "reference" if name.endswith("reference") else "fast"
        return make_tracker(build_model(Variant("exp8"), "hrnet").eval(), engine=engine)
    from ttvos.tracking.baselines import FlowCarried, HeldStill

    return {"still": HeldStill, "flow": FlowCarried}[name]()


@cache
def clip() -> tuple[np.ndarray, np.ndarray]:
    """Two discs with the ids 2 and 5, and a stripe of void."""
    frames, mask = disc_clip(FRAMES, HEIGHT, WIDTH, objects=2)
    mask = np.array([0, 2, 5], dtype=np.uint8)[mask]
    mask[:2] = 255
    return frames, mask


@cache
def tracked(name: str) -> list:
    """Predictions of the clip's frames after the first."""
    frames, mask = clip()
    before = frames.copy(), mask.copy()
    tracker = made(name)
    predictions = list(stream(tracker, frames[1:], tracker.init(frames[0], mask)))
    assert (frames == before[0]).all(), "it changed a frame"
    assert (mask == before[1]).all(), "it changed the first mask"
    return predictions


@pytest.mark.parametrize("name", TRACKERS)
class TestTracker:
    """Each tracker in turn."""

    def test_masks_have_the_frames_size_and_the_first_masks_ids(self, name):
        frames, mask = clip()
        assert len(tracked(name)) == FRAMES - 1
        for frame, prediction in zip(frames[1:], tracked(name), strict=True):
            check_prediction(prediction, frame, object_ids(mask))

    def test_foreground_if_any_is_a_probability_of_each_object(self, name):
        for prediction in tracked(name):
            if prediction.foreground is not None:
                assert prediction.foreground.shape == (2, HEIGHT, WIDTH)
                assert prediction.foreground.dtype == np.float32
                assert np.isfinite(prediction.foreground).all()
                assert prediction.foreground.min() >= 0
                assert prediction.foreground.max() <= 1

    def test_a_second_time_gives_the_same_and_knows_nothing_of_the_first(self, name):
        frames, mask = clip()
        tracker = made(name)
        other, other_mask = disc_clip(2, HEIGHT, WIDTH)
        list(stream(tracker, other[::-1][:1], tracker.init(other[0], other_mask)))
        again = list(stream(tracker, frames[1:], tracker.init(frames[0], mask)))
        for one, two in zip(tracked(name), again, strict=True):
            assert (one.mask == two.mask).all()

    def test_an_empty_mask_or_another_size_is_one_clear_line(self, name):
        frames, mask = clip()
        tracker = made(name)
        with pytest.raises(UserError, match="empty"):
            tracker.init(frames[0], np.zeros_like(mask))
        with pytest.raises(UserError, match="size"):
            tracker.init(frames[0], mask[:-1])
        state = tracker.init(frames[0], mask)
        with pytest.raises(UserError, match="size"):
            tracker.step(frames[1][:-2], state)

    def test_it_says_its_name_and_device(self, name):
        tracker = made(name)
        assert isinstance(tracker.name, str)
        assert tracker.name
        assert str(getattr(tracker, "device", "cpu")) == "cpu"


def parameters(name: str) -> dict:
    """Of all modules that a tracker holds, by part."""
    held = [value for value in reachable(made(name)) if isinstance(value, torch.nn.Module)]
    return count_parameters(made(name).parts, held)


@pytest.mark.parametrize("name", built_peers())
def test_parts_of_a_peer_hold_all_its_parameters(name):
    """`other` would hide what no part of the table of costs accounts for."""
    assert parameters(name)["other"] == 0


@pytest.mark.parametrize("name", built_peers())
def test_parameters_of_a_peer_are_those_of_the_facts(name):
    """Within 1 %. Their MACs are held to the facts in each peer's own test."""
    expected = built_peers()[name].expected.parameters_m
    assert expected, f"data/peers/{name}.yaml: expected.parameters_m is missing"
    assert parameters(name)["total"] / 1e6 == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", built_peers())
def test_weights_that_cannot_be_had_are_one_clear_line(name):
    from ttvos.tracking.registry import load_tracker

    message = "no such file" if made(name).loads_weights else "cost only"
    with pytest.raises(UserError, match=message) as caught:
        load_tracker(name, weights="no-such-file.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", built_peers())
def test_states_of_a_peer_say_ids_and_size(name):
    frames, mask = clip()
    state = made(name).init(frames[0], mask)
    assert (state.ids, state.size) == ((2, 5), (HEIGHT, WIDTH))
    assert made(name).precision == "float32"
    assert made(name).cycle >= 1


def test_records_name_the_papers_methods():
    import csv

    from ttvos.core.provenance import REPOSITORY

    with open(REPOSITORY / "data/paper/table3.csv", newline="") as handle:
        methods = {line["method"] for line in csv.DictReader(handle)} - {"TTVOS"}
    assert {peer.method for peer in load_records().values()} == methods
