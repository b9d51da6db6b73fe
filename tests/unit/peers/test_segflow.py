"""SegFlow: where the branches meet, and fine-tuning (docs/peers.md, section 4.3)."""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built, on_meta
from ttvos.peers import segflow
from ttvos.peers.online import balanced_loss
from ttvos.peers.vgg import to_vgg_image


@pytest.fixture(scope="module")
def meta_network() -> segflow.SegFlowNetwork:
    return on_meta(segflow.SegFlowNetwork)


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


def test_a_step_sees_the_frame_and_the_one_before() -> None:
    tracker = built("segflow")
    frames = [disc_frame(t, DISCS)[0] for t in range(3)]
    mask = disc_frame(0, DISCS)[1]
    state = tracker.init(frames[0], mask)
    assert state.weights == ({}, {})
    _, after = tracker.step(frames[1], state)
    assert torch.equal(after.previous, to_vgg_image(frames[1]))
    one = tracker.step(frames[2], after)[0].foreground
    two = tracker.step(frames[2], state)[0].foreground
    assert not np.allclose(one, two, atol=1e-5)


def test_fine_tuning_learns_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = built("segflow")
    monkeypatch.setattr(tracker, "updates", 3)
    # a thousand times the published rate: the loss sums over pixels, of which there are few here
    monkeypatch.setattr(tracker, "learning_rate", 1e-6)
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
