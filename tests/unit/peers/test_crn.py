"""CRN: what the mask gates, the prior, and fine-tuning (docs/peers.md, section 4.2)."""

import numpy as np
import pytest
import torch

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built
from ttvos.peers import crn
from ttvos.peers.online import UNKNOWN


def test_nothing_is_refined_where_the_mask_is_not() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        level = crn.Level(lateral=True, deeper=True).eval()
        lateral, deeper = torch.randn(2, 1, 32, 8, 8)
    gate = torch.zeros(1, 1, 8, 8)
    gate[..., :4] = 1
    with torch.inference_mode():
        x, _ = level(lateral, deeper, gate)
    changed = (x - lateral - deeper).abs().amax(dim=1)[0]
    assert changed[:, 4:].max() < 1e-6
    assert changed[:, :4].min() > 1e-3


def test_the_first_mask_steers_all_sizes() -> None:
    network = built("crn").network
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        none, every = (network(image, torch.full((1, 1, 2, 2), v)) for v in (0.0, 1.0))
    assert all(not torch.allclose(a, b, atol=1e-6) for a, b in zip(none, every, strict=True))


def test_masks_grow_by_a_square() -> None:
    mask = torch.zeros(1, 1, 9, 9)
    mask[..., 4, 3] = 1
    grown = torch.zeros(9, 9)
    grown[2:7, 1:6] = 1
    assert torch.equal(crn.dilate(mask, 2)[0, 0], grown)


def test_a_step_finds_nothing_far_from_the_previous_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crn, "SIZE", 256)  # a quarter of the time
    tracker, (frame, mask) = built("crn"), disc_frame(0, DISCS[:1])
    state = tracker.init(frame, mask)
    assert state.masks.shape == (1, 1, 256, 256)
    assert state.masks.mean().item() == pytest.approx(mask.mean(), rel=0.05)
    prediction, after = tracker.step(disc_frame(1, DISCS)[0], state)
    # 64 of 256 pixels are 16 rows and 24 columns of this frame; the disc ends at row 30, column 32
    near = prediction.foreground[0]
    assert near[48:].max() == 0
    assert near[:, 58:].max() == 0
    assert near[18, 20] > 0
    assert after.masks.sum() > 0


def test_crops_hold_image_mask_and_prior_together() -> None:
    mask = torch.from_numpy(disc_frame(0, DISCS[:1])[1]).float()[None, None]
    image = mask.expand(1, 3, -1, -1)
    drawn = list(crn.crops(image, mask, 6))
    sizes = [x.shape[-1] for x, _, _ in drawn]
    assert set(sizes) <= set(range(352, 545, 32))
    assert len(set(sizes)) > 1
    for number, (x, wanted, prior) in enumerate(drawn):
        assert x.shape[-2:] == wanted.shape[-2:] == prior.shape[-2:]
        assert (x[:, :1] - wanted).abs().mean() < 0.02
        inside = prior >= wanted if number % 2 == 0 else prior <= wanted
        assert inside.all()
        assert not torch.equal(prior, wanted)


def test_the_loss_is_of_all_six_masks() -> None:
    target = torch.zeros(1, 1, 64, 64)
    target[..., :32, :] = 1
    sizes = (2, 4, 8, 16, 32, 64)
    logits = [torch.zeros(1, 1, size, size) for size in sizes]
    assert crn.every_loss(logits, target).item() == pytest.approx(6 * np.log(2))
    right = [20 * (2 * torch.nn.functional.adaptive_avg_pool2d(target, s) - 1) for s in sizes]
    assert crn.every_loss(right, target).item() < 1e-6


def test_void_pixels_teach_nothing() -> None:
    target = torch.zeros(1, 1, 64, 64)
    target[..., :32, :16] = 1
    known = target.clone()
    target[..., 32:] = UNKNOWN  # whole pixels at every size
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(1, 1, s, s, generator=generator) for s in (2, 4, 8, 16, 32, 64)]
    halves = [x[..., : x.shape[-1] // 2] for x in logits]
    expected = crn.every_loss(halves, known[..., :32])
    assert crn.every_loss(logits, target).item() == pytest.approx(expected.item())


def test_one_update_changes_the_objects_weights_and_not_the_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crn, "CROPS", range(64, 97, 32))  # a twentieth of the time
    tracker, (frame, mask) = built("crn"), disc_frame(0, DISCS[:1])
    monkeypatch.setattr(tracker, "updates", 1)
    before = {name: p.clone() for name, p in tracker.network.named_parameters()}
    own = tracker.init(frame, mask).weights[0]
    assert all(torch.equal(before[name], p) for name, p in tracker.network.named_parameters())
    for part in ("backbone.conv1", "laterals.0", "levels.0", "levels.5"):
        names = [name for name in own if name.startswith(part)]
        assert any(not torch.equal(own[name], before[name]) for name in names), part
