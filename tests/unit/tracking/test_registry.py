"""Trackers by name: peers, users' classes in both forms, and what is refused in one line."""

from itertools import islice

import numpy as np
import pytest
import torch

from ttvos.config.peers import Peer
from ttvos.core.errors import UserError
from ttvos.tracking.protocol import Prediction, check_prediction, stream
from ttvos.tracking.registry import find_peer, load_tracker

FRAME = np.zeros((32, 48, 3), dtype=np.uint8)
MASK = np.zeros((32, 48), dtype=np.uint8)
MASK[8:16, 8:24] = 2
OWN = """
import numpy as np
import torch

class Simple:
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        return torch.from_numpy(self.mask).long()

class WithState:
    name = "with state"
    def __init__(self, device="cpu", weights=None):
        self.made_with = device, weights
    def init(self, frame, mask):
        return mask
    def step(self, frame, state):
        from ttvos.tracking.protocol import Prediction
        return Prediction(state), state

class Soft(Simple):
    def step(self, frame):
        return self.mask / 2

class Raising(Simple):
    def __init__(self):
        raise ValueError("two\\nlines")

class Demanding(Simple):
    def __init__(self, size): ...

class Nameless:
    def init(self, frame, mask): ...
    def step(self, frame, state): ...

class Half:
    def init(self, frame, mask): ...

class Blind(Simple):
    def init(self, frame): ...

class Idle(Simple):
    def step(self): ...

class Greedy(Simple):
    def step(self, frame, state, mask): ...

class Selfless(Simple):
    def step(): ...

class Keyword(Simple):
    def step(self, frame, *, mask): ...

class Pair(Simple):
    def step(self, frame):
        return self.mask, frame

class Nothing(Simple):
    def step(self, frame): ...

class Unpaired(WithState):
    def step(self, frame, state):
        return state

number = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_of_test.py").write_text(OWN)
    (tmp_path / "broken_of_test.py").write_text("import numpy\ndef (:\n")
    (tmp_path / "lacking_of_test.py").write_text("import no_such_library\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_of_test"


def test_a_class_that_keeps_the_clip_itself_becomes_a_tracker(own):
    tracker = load_tracker(f"{own}:Simple")
    state = tracker.init(FRAME, MASK)
    prediction, state = tracker.step(FRAME, state)
    check_prediction(prediction, FRAME, (2,))
    assert (prediction.mask == MASK).all()
    assert tracker.name == "Simple"


def test_it_refuses_to_go_on_with_a_clip_that_it_has_left(own):
    tracker = load_tracker(f"{own}:Simple")
    first = tracker.init(FRAME, MASK)
    tracker.init(FRAME, MASK)
    with pytest.raises(UserError, match="another clip"):
        tracker.step(FRAME, first)


def test_a_class_by_the_whole_protocol_is_taken_as_it_is(own):
    tracker = load_tracker(f"{own}:WithState", weights="file.pth")
    assert tracker.made_with == ("cpu", "file.pth")
    assert tracker.name == "with state"


def test_a_step_must_return_whole_ids(own):
    tracker = load_tracker(f"{own}:Soft")
    state = tracker.init(FRAME, MASK)
    with pytest.raises(UserError, match="mask of whole ids, not float64"):
        tracker.step(FRAME, state)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Pair", r"Pair: step\(\) must return a mask of whole ids, not tuple; see docs/your-own"),
        ("Nothing", "mask of whole ids, not NoneType; see docs/your-own"),
        ("Unpaired", r"step\(\) returned ndarray, not \(Prediction, state\); see docs/your-own"),
    ],
)
def test_what_a_step_may_not_return_is_one_clear_line(own, name, message):
    tracker = load_tracker(f"{own}:{name}")
    state = tracker.init(FRAME, MASK)
    with pytest.raises(UserError, match=message):
        list(stream(tracker, [FRAME], state))


@pytest.mark.parametrize(
    ("name", "named", "message"),
    [
        ("own_of_test:Half", {}, r"no tracker, it has no step\(\); see docs/your-own-tracker.md"),
        ("own_of_test:Blind", {}, r"Blind: its init\(\) must take \(frame, mask\): too many"),
        (
            "own_of_test:Idle",
            {},
            r"Idle: its step\(\) must take \(frame\), or \(frame, state\): .*see",
        ),
        (
            "own_of_test:Greedy",
            {},
            "Greedy: its step.*missing a required argument: 'mask'; see docs",
        ),
        ("own_of_test:Selfless", {}, r"Selfless: its step.*see docs/your-own-tracker.md"),
        ("own_of_test:Keyword", {}, "Keyword: its step.*missing a required .*'mask'; see docs"),
        ("own_of_test:Nobody", {}, "has no class 'Nobody'"),
        ("own_of_test:number", {}, "has no class 'number'"),
        ("no_such_module:Nobody", {}, "no module 'no_such_module'"),
        ("own_of_test:Simple", {"weights": "x"}, "takes no 'weights'"),
        ("own_of_test:Simple", {"device": "cuda"}, "takes no 'device'"),
        ("own_of_test:Raising", {}, r"raised ValueError: two lines \(.*own_of_test.py, line 27\)"),
        ("own_of_test:Demanding", {}, "missing a required argument: 'size'"),
        ("own_of_test:Nameless", {}, "needs an attribute name"),
        ("broken_of_test:Simple", {}, r"SyntaxError: .*broken_of_test.py, line 2"),
        ("lacking_of_test:Simple", {}, "no module 'no_such_library'"),
        (":Simple", {}, "package.module:Class"),
        ("own_of_test:", {}, "package.module:Class"),
        ("vggt", {}, "unknown tracker 'vggt'; built: .*; your own: package.module:Class"),
    ],
)
def test_what_is_no_tracker_is_one_clear_line(own, name, named, message):
    with pytest.raises(UserError, match=message) as caught:
        load_tracker(name, **named)
    assert "\n" not in str(caught.value)


def test_a_peer_that_is_not_built_says_why(monkeypatch):
    absent = Peer("absent", "Absent", "VGG16", None, "not built", reason="No facts are known.")
    monkeypatch.setattr("ttvos.tracking.registry.load_records", lambda: {"absent": absent})
    for find in (find_peer, load_tracker):
        with pytest.raises(UserError, match=r"^absent is not built: No facts are known\.$"):
            find("absent")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (MASK.astype(np.int32), "uint8 ids, this is int32"),
        (MASK[:16], r"mask is \(16, 48\), its frame \(32, 48\)"),
        (MASK + 5, "has id 5; the first mask has 2"),
        (torch.from_numpy(MASK), "this is torch.uint8"),
    ],
)
def test_a_prediction_that_does_not_fit_is_one_clear_line(mask, message):
    with pytest.raises(UserError, match=message):
        check_prediction(Prediction(mask), FRAME, (2,))


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"foreground": np.full((1, 32, 48), np.nan)}, "foreground is not a number"),
        ({"foreground": np.full((1, 32, 48), np.inf)}, "foreground is not a number"),
        ({"update_weight": np.array([np.nan])}, "update weight is not a number"),
        ({"attention": np.full((1, 4, 6), np.nan)}, "attention is not a number"),
        ({"transition": np.full((1, 4, 6), -np.inf)}, "transition is not a number"),
        ({"foreground": np.zeros((32, 48))}, r"foreground is \(32, 48\), expected \(1, 32, 48\)"),
        ({"update_weight": np.zeros(2)}, r"update weight is \(2,\), expected \(1,\)"),
    ],
)
def test_what_comes_beside_a_mask_is_checked(beside, message):
    with pytest.raises(UserError, match=message):
        check_prediction(Prediction(MASK, **beside), FRAME, (2,))


class Streaming:
    """A tracker whose stream yields so many predictions more than it reads frames; with `late`
    it yields them all at the end."""

    name = "streaming"

    def __init__(self, more: int, late: bool = False, reads: int | None = None) -> None:
        self.more, self.late, self.reads = more, late, reads

    def stream(self, frames, state):
        seen = 0
        for _ in islice(frames, self.reads):
            seen += 1
            if not self.late:
                yield Prediction(MASK)
        for _ in range(self.more + (seen if self.late else 0)):
            yield Prediction(MASK)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", [iter, list])
def test_a_stream_may_be_late(late, kind):
    assert len(list(stream(Streaming(0, late), kind([FRAME] * 3), None))) == 3


@pytest.mark.parametrize("kind", [iter, list])
@pytest.mark.parametrize(
    ("tracker", "message"),
    [
        (Streaming(1), r"streaming: its stream\(\) has yielded 4 predictions for 3 frames"),
        (Streaming(1, late=True), "yielded 4 predictions for 3 frames"),
        (Streaming(-1, late=True), r"streaming: its stream\(\) ended after 2 predictions"),
        (Streaming(0, reads=2), "ended after 2 predictions although more frames were there"),
        (Streaming(0, reads=0), "ended after 0 predictions"),
    ],
)
def test_a_stream_yields_one_prediction_a_frame(tracker, message, kind):
    with pytest.raises(UserError, match=message):
        list(stream(tracker, kind([FRAME] * 3), None))


def test_a_stream_yields_none_before_it_has_read_a_frame():
    with pytest.raises(UserError, match="yielded 1 prediction for 0 frames"):
        list(stream(Streaming(1, reads=0), iter([FRAME] * 3), None))
