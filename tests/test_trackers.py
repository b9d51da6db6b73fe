"""Trackers by name: peers, users' classes in both forms, and what is refused in one line."""

import numpy as np
import pytest
import torch

from ttvos.errors import UserError
from ttvos.tracker import Prediction, check_prediction
from ttvos.trackers import find_peer, load_tracker

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
        from ttvos.tracker import Prediction
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
    ("name", "named", "message"),
    [
        ("own_of_test:Half", {}, r"no tracker, it has no step\(\)"),
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
        ("feelvos", {}, "feelvos is not built: "),
    ],
)
def test_what_is_no_tracker_is_one_clear_line(own, name, named, message):
    with pytest.raises(UserError, match=message) as caught:
        load_tracker(name, **named)
    assert "\n" not in str(caught.value)


def test_a_peer_that_is_not_built_says_why():
    with pytest.raises(UserError, match=r"not built: [A-Z]"):
        find_peer("feelvos")


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
