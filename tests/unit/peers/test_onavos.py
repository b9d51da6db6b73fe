"""OnAVOS: labels, the loss, augmentation, and training (docs/peers.md, section 4.10)."""

import numpy as np
import pytest
import torch

from tests.conftest import disc_frame
from ttvos.core.errors import UserError
from ttvos.peers import onavos
from ttvos.peers import onavos_learning as learning
from ttvos.peers.base import make_seeded
from ttvos.peers.onavos import OnAVOSNetwork
from ttvos.peers.onavos_learning import Augmentation

DISCS = [(24, 24, 2, 16), (40, 70, -2, 14)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """Makes trackers whose network has a 32nd of the widths."""
    monkeypatch.setattr(onavos.OnAVOS, "network_class", lambda *_: OnAVOSNetwork(divisor=32))
    return onavos.OnAVOS


def test_negatives_are_far_from_the_eroded_mask() -> None:
    last = np.zeros((40, 300), dtype=bool)
    last[10:30, :20] = True
    far = learning.negatives(last)
    # the erosion takes 7 pixels from each side that is not the frame's edge
    assert not far[20, 12 + 220]
    assert far[20, 12 + 221]
    assert far.any(axis=0).argmax() > 12
    assert learning.negatives(np.zeros((20, 20), dtype=bool)) is None
    thin = np.zeros((40, 40), dtype=bool)
    thin[20, 5:35] = True
    assert learning.negatives(thin) is None


def test_pseudo_labels() -> None:
    posterior = torch.tensor([[0.98, 0.98, 0.5, 0.5, 0.97]])
    far = torch.tensor([[False, True, False, True, False]])
    assert learning.pseudo_labels(posterior, far).tolist() == [[[1, 0, 255, 0, 255]]]


def test_the_loss_is_of_the_hardest_quarter() -> None:
    margins = torch.tensor([3.0, -2.0, 1.0, 0.0, 5.0, 2.0, 4.0, -1.0, -9.0])
    logits = torch.stack([torch.zeros(9), margins])[None, :, None]
    labels = torch.ones(1, 1, 9, dtype=torch.long)
    labels[..., 8] = 255  # the worst, but void
    # 8 labelled pixels: the two worst have margins of -2 and -1
    right = np.mean([np.log1p(np.exp(2)), np.log1p(np.exp(1))])
    assert learning.bootstrapped_loss(logits, labels).item() == pytest.approx(right)
    nothing = torch.full_like(labels, 255)
    assert learning.bootstrapped_loss(logits, nothing).item() == 0


def test_augmentation_and_its_undoing() -> None:
    image = torch.linspace(0, 1, 48).view(1, 1, 1, 48).expand(1, 3, 32, 48)
    way = Augmentation(flip=True, scale=1.25, exponent=2.0)
    changed = way.image(image)
    assert changed.shape == (1, 3, 40, 60)
    assert changed[0, 0, 0, 0].item() == pytest.approx(1, abs=0.03)
    assert torch.allclose(way.undo(changed, (32, 48)), image.square(), atol=0.01)
    labels = (image[:, 0] > 0.5).long()
    assert torch.equal(way.labels(labels)[0, :, :30].unique(), torch.tensor([1]))
    ways = learning.draws(40, seed=1)
    assert ways == learning.draws(40, seed=1) != learning.draws(40, seed=2)
    assert {way.flip for way in ways} == {False, True}
    assert 0.7 <= min(way.scale for way in ways) < max(way.scale for way in ways) <= 1.3


def test_training_on_frame_0_learns_the_mask() -> None:
    network = make_seeded(lambda: OnAVOSNetwork(divisor=32)).eval().requires_grad_(False)
    frame, mask = disc_frame(0, DISCS[:1])
    first = torch.from_numpy(frame).permute(2, 0, 1)[None] / 255
    labels = torch.from_numpy(mask).long()[None]

    def loss(weights: dict) -> float:
        return learning.bootstrapped_loss(learning.run(network, weights, first), labels).item()

    before = loss({})
    weights = learning.train(network, first, labels, steps=8)
    assert loss(weights) < before
    assert loss({}) == before, "the network itself must not change"
    assert not any(w.requires_grad for w in weights.values())


def test_one_step_in_five_is_on_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        learning, "_current_loss", lambda n, w, known: seen.append("frame") or _zero(w)
    )
    monkeypatch.setattr(learning, "_first_loss", lambda n, w, *_: seen.append("first") or _zero(w))
    network = OnAVOSNetwork(divisor=32)
    known = learning.Known(*[torch.zeros(1)] * 4)
    learning.adapt(network, {}, known, steps=15, seed=1)
    assert seen == (["frame"] + ["first"] * 4) * 3


def _zero(weights: dict) -> torch.Tensor:
    return next(iter(weights.values())).sum() * 0


def test_two_objects_with_training_and_several_passes(small) -> None:
    tracker = small(first_steps=2, steps=2, passes=2)
    frame, mask = disc_frame(0, DISCS)
    mask[mask == 2] = 7
    with torch.inference_mode():  # a caller's mode does not hinder the training
        state = tracker.init(frame, mask)
        prediction, following = tracker.step(disc_frame(1, DISCS)[0], state)
        again, _ = tracker.step(disc_frame(1, DISCS)[0], state)
    assert np.array_equal(prediction.foreground, again.foreground)
    one, two = following.objects
    name = "head.classify.weight"
    assert not torch.equal(one.weights[name], two.weights[name])
    assert not torch.equal(one.weights[name], state.objects[0].weights[name])


def test_a_lost_object_is_not_trained_on(small) -> None:
    tracker = small(first_steps=1, steps=1)
    frame, mask = disc_frame(0, [(20, 20, 0, 3)])  # nothing is left of it after erosion
    state = tracker.init(frame, mask)
    _, following = tracker.step(frame, state)
    assert following.objects[0].weights is state.objects[0].weights


def test_what_is_far_is_taken_out_of_the_last_mask(small, monkeypatch) -> None:
    tracker = small()
    monkeypatch.setattr(tracker, "_posterior", lambda *_: np.full((64, 400), 0.9, dtype=np.float32))
    mask = np.zeros((64, 400), dtype=np.uint8)
    mask[20:40, :20] = 1
    frame = np.zeros((64, 400, 3), dtype=np.uint8)
    prediction, following = tracker.step(frame, tracker.init(frame, mask))
    assert (prediction.mask == 1).all()
    assert following.objects[0].last[:, 200].all()
    assert not following.objects[0].last[:, 260:].any()
    assert following.objects[0].weights == {}


def test_void_pixels_of_the_first_mask_are_not_learnt_from(small) -> None:
    frame, mask = disc_frame(0, DISCS)
    mask[:5, 7] = 255
    one, two = small().init(frame, mask).objects
    for number, learned in ((1, one), (2, two)):
        assert torch.equal(learned.first[0] == 255, torch.from_numpy(mask == 255))
        assert torch.equal(learned.first[0] == 1, torch.from_numpy(mask == number))
        assert not learned.last[:5, 7].any()


def test_options_out_of_range() -> None:
    for options in ({"passes": 0}, {"steps": -1}, {"first_steps": 1.5}, {"passes": True}):
        with pytest.raises(UserError, match=next(iter(options))):
            onavos.OnAVOS(**options)
