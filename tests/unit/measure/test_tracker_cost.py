"""MACs and parameters of any tracker, against layers counted by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from ttvos.core.errors import UserError
from ttvos.measure.tracker_cost import cost_tracker
from ttvos.tracking.protocol import Prediction

H, W = 32, 48
CONV = H * W * 3 * 4 * 9  # 3 -> 4 channels, 3x3, at full size


@dataclass
class _Cyclic:
    """Frame 0: one convolution. A frame: one; every third: two, and a product outside all parts."""

    name: str = "cyclic"
    cycle: int = 3

    def __post_init__(self):
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.unused = [nn.Linear(5, 5, bias=False)]
        self.parts = {"backbone": (self.conv,)}

    @torch.inference_mode()
    def init(self, frame, mask):
        self._run(frame)
        return 0, mask

    @torch.inference_mode()
    def step(self, frame, state):
        number, mask = state[0] + 1, state[1]
        self._run(frame)
        if number % 3 == 0:
            self._run(frame)
            torch.zeros(7, 10) @ torch.zeros(10, 2)
        return Prediction(mask), (number, mask)

    def _run(self, frame):
        self.conv(torch.from_numpy(frame).permute(2, 0, 1)[None].float())


def test_a_frame_is_the_mean_of_a_cycle_and_parts_add_up():
    macs = cost_tracker(_Cyclic(), H, W)["macs"]
    assert macs["init"] == CONV
    assert macs["steps"] == [CONV, CONV, 2 * CONV + 140, CONV]
    assert macs["frame"] == round((4 * CONV + 140) / 3)
    assert macs["parts"] == {"backbone": round(4 * CONV / 3), "other": round(140 / 3)}
    assert macs["init_parts"] == {"backbone": CONV, "other": 0}


def test_parameters_are_found_in_lists_and_counted_once():
    tracker = _Cyclic()
    tracker.again = {"the same": tracker.conv}
    parameters = cost_tracker(tracker, H, W)["parameters"]
    assert parameters == {"total": 108 + 25, "parts": {"backbone": 108}, "other": 25}


def test_parameters_inside_of_other_objects_count():
    class Holder:
        __slots__ = ("layers",)

    tracker = _Cyclic()
    tracker.held = Holder()
    tracker.held.layers = (nn.Linear(6, 6, bias=False),)
    assert cost_tracker(tracker, H, W)["parameters"]["other"] == 25 + 36


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("cycle", 0, "cycle 0: a whole number"),
        ("cycle", 2.5, "cycle 2.5: a whole number"),
        ("parts", {"head": nn.Linear(2, 2)}, "part 'head': a tuple of nn.Module"),
        ("parts", {"other": ()}, "another name than other"),
    ],
)
def test_a_wrong_cycle_or_part_is_one_clear_line(attribute, value, message):
    tracker = _Cyclic()
    setattr(tracker, attribute, value)
    with pytest.raises(UserError, match=message):
        cost_tracker(tracker, H, W)


def test_parts_that_overlap_are_refused():
    tracker = _Cyclic()
    tracker.parts["whole"] = (nn.Sequential(tracker.conv),)
    with pytest.raises(UserError, match="it would count twice"):
        cost_tracker(tracker, H, W)


def test_a_wrong_mask_is_refused():
    tracker = _Cyclic()
    tracker.step = lambda frame, state: (Prediction(state[1][1:]), state)
    with pytest.raises(UserError, match="the tracker's mask is"):
        cost_tracker(tracker, H, W)


def test_hooks_are_gone_afterwards():
    tracker = _Cyclic()
    cost_tracker(tracker, H, W)
    assert not tracker.conv._forward_hooks
    assert not tracker.conv._forward_pre_hooks


@pytest.mark.parametrize("name", ["weights", "weights and input"])
def test_work_of_autograd_counts_too(name):
    """Backward of a convolution: the weights' gradient, and the input's where it is asked for."""

    class Learning(_Cyclic):
        cycle = 1

        def step(self, frame, state):
            image = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
            image.requires_grad_(name == "weights and input")
            self.conv(image).sum().backward()
            return Prediction(state[1]), state

    macs = cost_tracker(Learning(), H, W)["macs"]
    assert macs["steps"][0] == (3 if name == "weights and input" else 2) * CONV


def test_result_says_where_it_comes_from():
    result = cost_tracker(_Cyclic(), H, W, objects=2)
    assert result["provenance"]["config"]
    assert result["objects"] == 2
    assert result["online_not_run"] is None
    assert isinstance(result["macs"]["frame"], int | np.integer)


def test_operators_that_cannot_be_counted_stand_in_the_result():
    from torchvision.ops import DeformConv2d

    class Moved(_Cyclic):
        def __post_init__(self):
            super().__post_init__()
            self.net = DeformConv2d(3, 4, 3, padding=1)

        def _run(self, frame):
            x = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
            self.net(x, torch.zeros(1, 18, *x.shape[-2:]))

    assert cost_tracker(_Cyclic(), H, W)["uncounted"] == []
    cost = cost_tracker(Moved(), H, W)
    assert cost["uncounted"] == ["torchvision::deform_conv2d"]
    assert cost["macs"]["init"] == 0
