"""Every tracker on a pretended CUDA device: it mixes no devices, and its masks are the CPU's."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch

from tests.pretended_cuda import pretended_cuda
from tests.unit.engine.conftest import lively
from tests.unit.engine.test_step import TIE, _distance
from ttvos.config.experiments import BACKBONES, Variant, load_variants
from ttvos.config.peers import built_peers
from ttvos.engine.tracker import FastTracker, make_tracker
from ttvos.measure.clip import disc_clip
from ttvos.tracking.adapters import OwnTracker, ScaledTracker
from ttvos.tracking.baselines import FlowCarried, HeldStill
from ttvos.tracking.protocol import Prediction, Tracker, cycle_of
from ttvos.tracking.registry import load_tracker

HEIGHT, WIDTH = 64, 96
EXP8 = Variant("exp8")
ONLINE = {  # what learns on frame 0 or on every frame, which by default is left out
    "crn": {"updates": 1},
    "osvos": {"updates": 1},
    "segflow": {"updates": 1},
    "onavos": {"first_steps": 1, "steps": 1, "passes": 2},
}
SOONER = {  # FRTM as published takes a minute
    "frtm-resnet18": {"fast": True, "labels": "condensed", "label_scale": 0.5},
    "frtm-resnet101": {"fast": True, "labels": "condensed", "label_scale": 0.5},
}
MODELS = [
    *((name, "hrnet") for name in sorted(load_variants())),
    *(("exp8", backbone) for backbone in BACKBONES if backbone != "hrnet"),
    ("exp7", "resnet18"),
]
EXACT = {"precision": "float32", "compile": "off"}
OPTIONS = [
    {**EXACT, "input_scale": 0.5, "details": True},
    {**EXACT, "single_object": "direct"},
    {"engine": "reference", "input_scale": 0.5},
    {"precision": "float16"},
    {"precision": "bfloat16", "details": True},
]
EXP8_HRNET = ("exp8", "hrnet")


def quick_first(values: Iterable[Any], *quick: Any) -> list[Any]:
    """The quick ones, which stand for all in `make test`, and the others, marked as slow."""
    rest = [value for value in values if value not in quick]
    slow = [value if isinstance(value, tuple) else (value,) for value in rest]
    return [*quick, *(pytest.param(*value, marks=pytest.mark.slow) for value in slow)]


@pytest.fixture(autouse=True)
def small_inputs(monkeypatch):
    """CRN and RANet resize every frame to one size; a smaller one takes a tenth of the time."""
    monkeypatch.setattr("ttvos.peers.crn.SIZE", 128)
    monkeypatch.setattr("ttvos.peers.crn.CROPS", range(96, 129, 32))
    monkeypatch.setattr("ttvos.peers.ranet.INPUT_SIZE", (128, 224))


def tracked(
    tracker: Tracker,
    objects: int = 2,
    steps: int = 2,
    begun: Callable[[], None] = lambda: None,
) -> list[Prediction]:
    """Predictions of so many steps, among them one that ends a cycle. begun: called after init."""
    frames, mask = disc_clip(steps + 1, HEIGHT, WIDTH, objects)
    state, predictions = tracker.init(frames[0], mask), []
    if (skipped := cycle_of(tracker) - 1) > 0:  # a step in this clip then ends a cycle
        state = dataclasses.replace(state, index=state.index + skipped)
    begun()
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        predictions.append(prediction)
    return predictions


def on_both(make: Callable[[str], Tracker], **how: Any) -> list[tuple[Prediction, Prediction]]:
    """Predictions of `make("cpu")` beside those of `make("cuda")`, which do compute there.

    With `pytest -s` it lists what the host waited for in the steps, and where.
    """
    here = tracked(make("cpu"), **how)
    with pretended_cuda() as cuda:
        tracker = make("cuda")
        there = tracked(tracker, begun=cuda.waits.clear, **how)
    print(f"\n{tracker.name}, waits in {len(there)} steps: {Counter(cuda.kinds())}")
    for wait, count in Counter(cuda.waits).items():
        print(f"  {count:4} {wait.kind:15} {wait.where}")
    assert str(tracker.device).startswith("cuda")
    assert cuda.operations
    return list(zip(here, there, strict=True))


def assert_same(pairs: list[tuple[Prediction, Prediction]]) -> None:
    for here, there in pairs:
        assert np.array_equal(here.mask, there.mask)
        for name in ("foreground", "update_weight", "transition", "attention"):
            one, two = getattr(here, name), getattr(there, name)
            assert (one is None) == (two is None)
            if one is not None:
                assert np.array_equal(one, two)


@pytest.mark.parametrize("name", quick_first(built_peers(), "gc", "osvos"))
def test_peers(name: str):
    assert_same(on_both(lambda device: load_tracker(name, device, options=SOONER.get(name))))


@pytest.mark.parametrize("name", quick_first(ONLINE, "osvos"))
def test_peers_that_learn_while_they_track(name: str):
    options = ONLINE[name]
    make = lambda device: load_tracker(name, device, options=options)  # noqa: E731
    assert_same(on_both(make, objects=1, steps=1))


@pytest.mark.parametrize(("variant", "backbone"), quick_first(MODELS, EXP8_HRNET, MODELS[-1]))
def test_ttvos_as_it_is_read(variant: str, backbone: str):
    model = lambda: lively(load_variants()[variant], backbone)  # noqa: E731 (each its own)
    assert_same(on_both(lambda device: make_tracker(model(), device, engine="reference"), steps=3))


@pytest.mark.parametrize(("variant", "backbone"), quick_first(MODELS, EXP8_HRNET, MODELS[-1]))
def test_ttvos_by_graphs(variant: str, backbone: str):
    """Other convolutions than on the CPU, so that the maps differ by rounding."""
    model = lambda: lively(load_variants()[variant], backbone)  # noqa: E731 (each its own)
    options = {**EXACT, "details": True}
    assert_near(on_both(lambda device: make_tracker(model(), device, **options), steps=3))


def assert_near(pairs: list[tuple[Prediction, Prediction]]) -> None:
    """Maps within rounding, relative to their size; masks but for ties and, where maps are resized,
    their neighbours."""
    for here, there in pairs:
        equal = here.mask == there.mask
        if here.foreground is not None:
            equal = equal[_distance(here.foreground) > TIE]
        assert equal.mean() > 0.999
        for name in ("foreground", "update_weight", "transition", "attention"):
            one, two = getattr(here, name), getattr(there, name)
            assert (one is None) == (two is None)
            if one is not None:
                np.testing.assert_allclose(two, one, atol=1e-4 * max(1, np.abs(one).max()))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_of_ttvos(options: dict[str, Any]):
    """They run; what half precision computes on a GPU is not what it computes here."""
    pairs = on_both(lambda device: make_tracker(lively(EXP8), device, **options), objects=1)
    assert all(there.mask.shape == (HEIGHT, WIDTH) for _, there in pairs)
    if options.get("precision", "float32") == "float32":
        assert_near(pairs)


def test_a_scaled_peer():
    assert_same(on_both(lambda device: ScaledTracker(load_tracker("osvos", device), 0.5)))


class Own:
    """A user's class, whose mask stays on the device."""

    def __init__(self, device: str) -> None:
        self.device = device

    def init(self, frame: np.ndarray, mask: np.ndarray) -> None:
        self.mask = torch.from_numpy(mask).to(self.device)

    def step(self, frame: np.ndarray) -> torch.Tensor:
        return self.mask.roll(int(frame[0, 0, 0]), dims=1).long()


def test_a_users_own_class():
    assert_same(on_both(lambda device: OwnTracker(Own(device), device)))


@pytest.mark.parametrize("reference", [HeldStill, FlowCarried])
def test_references_stay_on_the_cpu(reference: type):
    here = tracked(reference())
    with pretended_cuda() as cuda:
        assert_same(list(zip(here, tracked(reference()), strict=True)))
    assert cuda.operations == 0


def test_a_stream_waits_for_nothing_but_the_results_of_the_frame_before():
    """By this, nothing in the timed loop keeps the host from sending the next frame."""
    frames, mask = disc_clip(7, HEIGHT, WIDTH, objects=2)
    here = make_tracker(lively(EXP8), **EXACT)
    expected = list(here.stream(frames[1:], here.init(frames[0], mask)))
    with pretended_cuda() as cuda:
        tracker = make_tracker(lively(EXP8), "cuda", precision="float32")
        first = tracker.stream(frames[1:3], tracker.init(frames[0], mask))
        assert len(list(first)) == 2  # what is made once: weights, graph, pinned memory
        state = tracker.init(frames[0], mask)
        cuda.waits.clear()
        streamed = list(tracker.stream(frames[1:], state))
    assert_near(list(zip(expected, streamed, strict=True)))
    assert {wait.kind for wait in cuda.waits} == {"event"}
    assert len(cuda.waits) == len(frames) - 1
    assert all(wait.where.startswith("engine/transfer.py:") for wait in cuda.waits)


def test_the_waits_of_a_step_are_counted():
    """One step of OSVOS: in go the frame and the mean colour, out come labels and probabilities."""
    frames, mask = disc_clip(2, HEIGHT, WIDTH)
    with pretended_cuda() as cuda:
        tracker = load_tracker("osvos", "cuda")
        state = tracker.init(frames[0], mask)
        cuda.waits.clear()
        tracker.step(frames[1], state)
    assert Counter(cuda.kinds()) == {"copy to device": 2, "copy to host": 2}


def test_joined_convolutions_are_the_same_function(monkeypatch):
    """cuDNN's calls, with stand-ins that do on the CPU what their names say."""
    calls = Counter()

    def relu(x, weight, bias, stride, padding, dilation, groups):
        calls["relu"] += 1
        return torch.conv2d(x, weight, bias, stride, padding, dilation, groups).relu_()

    def add_relu(x, weight, shortcut, alpha, bias, stride, padding, dilation, groups):
        calls["add_relu"] += 1
        y = torch.conv2d(x, weight, bias, stride, padding, dilation, groups)
        return y.add_(shortcut, alpha=alpha).relu_()

    monkeypatch.setattr(torch, "cudnn_convolution_relu", relu)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", add_relu)
    model = lively(EXP8, "hrnet")
    frames, mask = disc_clip(3, HEIGHT, WIDTH)
    with pretended_cuda():
        found = {}
        for joined in (False, True):
            tracker = FastTracker(model, "cuda", precision="float32", joined=joined, details=True)
            state = tracker.init(frames[0], mask)
            found[joined] = [p.foreground for p in tracker.stream(frames[1:], state)]
    assert min(calls["relu"], calls["add_relu"]) > 20
    for plain, joined in zip(found[False], found[True], strict=True):
        np.testing.assert_allclose(joined, plain, atol=1e-5)
