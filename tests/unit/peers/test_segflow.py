"""SegFlow: counts (docs/peers.md, section 4.3), where the branches meet, and fine-tuning."""

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import disc_frame
from ttvos.core.errors import UserError
from ttvos.peers import segflow
from ttvos.peers.online import balanced_loss
from ttvos.peers.record import load_records
from ttvos.peers.vgg import to_vgg_image

DISCS = [(18, 20, 4, 12), (44, 70, -4, 10)]


@pytest.fixture(scope="module")
def meta_network() -> segflow.SegFlowNetwork:
    with torch.device("meta"):
        return segflow.SegFlowNetwork().eval()


@pytest.fixture(scope="module")
def tracker() -> segflow.SegFlow:
    return segflow.SegFlow()


def test_parameters_and_macs_are_those_of_the_facts(meta_network: segflow.SegFlowNetwork) -> None:
    expected = load_records()["segflow"].expected
    millions = {
        name: sum(p.numel() for p in part.parameters()) / 1e6
        for name, part in meta_network.named_children()
    }
    assert millions["segmenter"] == pytest.approx(42.39, rel=0.01)
    assert millions["flownet"] == pytest.approx(38.68, rel=0.01)
    assert millions["segmentation"] + millions["flow"] == pytest.approx(0.02, abs=0.005)
    assert sum(millions.values()) == pytest.approx(expected.parameters_m, rel=0.01)
    image = torch.empty(1, 3, 480, 854, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        scores, flow = meta_network(image, image)
    assert scores.shape == flow.shape == (1, 2, 480, 854)
    found = counter.get_total_flops() / 2e9
    assert found == pytest.approx(expected.frame_gmac, rel=0.01)
    # to the last digit of the facts: without the finest flow it would be 99.18 and 38.673
    assert found == pytest.approx(99.3, abs=0.05)
    assert millions["flownet"] == pytest.approx(38.68, abs=0.005)


def test_the_motion_is_of_the_facts_sizes(meta_network: segflow.SegFlowNetwork) -> None:
    image = torch.empty(1, 3, 480, 854, device="meta")
    with torch.inference_mode():
        motion = meta_network.flownet(image, image)
        own = meta_network.segmenter(image)
    # of 512x896, the size to which the two frames are resized
    assert [tuple(m.shape[1:]) for m in motion] == [(770, 32, 56), (386, 64, 112), (194, 128, 224)]
    assert [tuple(f.shape[1:]) for f in own] == [(2048, 15, 27), (1024, 30, 54), (512, 60, 107)]


@pytest.mark.parametrize("size", [(33, 47), (64, 96), (101, 75)])
def test_any_size_of_frame_comes_back(
    meta_network: segflow.SegFlowNetwork, size: tuple[int, int]
) -> None:
    image = torch.empty(1, 3, *size, device="meta")
    assert meta_network(image, image)[0].shape == (1, 2, *size)


def test_a_step_sees_the_frame_and_the_one_before(tracker: segflow.SegFlow) -> None:
    frames = [disc_frame(t, DISCS)[0] for t in range(3)]
    mask = disc_frame(0, DISCS)[1]
    mask[mask == 2] = 7
    state = tracker.init(frames[0], mask)
    assert state.weights == ({}, {})
    prediction, after = tracker.step(frames[1], state)
    assert prediction.mask.dtype == np.uint8
    assert set(np.unique(prediction.mask)) <= {0, 1, 7}
    assert prediction.foreground.shape == (2, 64, 96)
    assert torch.equal(after.previous, to_vgg_image(frames[1]))
    one = tracker.step(frames[2], after)[0].foreground
    two = tracker.step(frames[2], state)[0].foreground
    assert not np.allclose(one, two, atol=1e-5)
    with pytest.raises(UserError, match="clip of size"):
        tracker.step(frames[1][:32], state)


def test_fine_tuning_learns_the_object() -> None:
    # a thousand times the published rate: the loss sums over pixels, of which there are few here
    tracker = segflow.SegFlow(updates=3, learning_rate=1e-6)
    frame, mask = disc_frame(0, DISCS[:1])
    state = tracker.init(frame, mask)
    image = to_vgg_image(frame)
    target = torch.from_numpy(mask.astype(np.float32))[None, None]

    def loss(weights: dict[str, torch.Tensor]) -> float:
        with torch.inference_mode():
            scores = functional_call(tracker.network, weights, (image, image))[0]
        return balanced_loss(segflow.object_logit(scores), target).item()

    assert loss(state.weights[0]) < 0.995 * loss({})
    own = dict(tracker.network.named_parameters())
    changed = {name for name, w in state.weights[0].items() if not torch.equal(w, own[name])}
    assert any(name.startswith("flownet.") for name in changed)
    assert not any(name.startswith("flow.") for name in changed)


def test_the_objects_logit_is_that_of_its_softmax() -> None:
    scores = torch.tensor([0.3, 1.7]).view(1, 2, 1, 1)
    assert torch.allclose(
        segflow.object_logit(scores).sigmoid(), scores.softmax(dim=1)[:, 1:], atol=1e-6
    )


def test_weights_cannot_be_loaded() -> None:
    with pytest.raises(UserError, match="cost only"):
        segflow.SegFlow(weights="segflow.caffemodel")
