"""Errors in the heatmaps fed back: the right share, of both kinds, still probabilities."""

import torch
from ttvos.training.corrupt import corrupt


def heatmaps(clips: int) -> torch.Tensor:
    """One square object a clip, each elsewhere."""
    foreground = torch.zeros(clips, 40, 60)
    for clip in range(clips):
        foreground[clip, 5 + clip % 20 : 20 + clip % 20, 10:30] = 1
    return torch.stack([1 - foreground, foreground], dim=1)


def test_none_is_spoilt_at_share_0():
    torch.manual_seed(0)
    assert torch.equal(corrupt(heatmaps(6), 0.0), heatmaps(6))


def test_the_asked_share_is_erased_or_confused():
    torch.manual_seed(0)
    before = heatmaps(400)
    after = corrupt(before, 0.5)
    assert torch.equal(after.sum(dim=1), torch.ones(400, 40, 60))
    change = (after - before)[:, 1]
    grown, shrunk = (change > 0).flatten(1).any(1), (change < 0).flatten(1).any(1)
    assert not (grown & shrunk).any()
    assert 0.17 < grown.float().mean() < 0.33
    assert 0.17 < shrunk.float().mean() < 0.33  # a rectangle about a pixel of the object hits it
    others = before.roll(1, dims=0)[:, 1]
    assert ((change > 0) <= (others > 0)).all()


def test_a_clip_alone_in_its_part_gets_its_own_object_a_second_time():
    """Half of what is spoilt is confused, whatever the number of clips in a part of the batch."""
    torch.manual_seed(0)
    before = heatmaps(1)
    changes = [(corrupt(before, 1.0) - before)[0, 1] for _ in range(200)]
    grown = [change for change in changes if (change > 0).any()]
    assert 0.35 < len(grown) / len(changes) < 0.65
    assert all((change >= 0).all() for change in grown)  # the object itself stays
    places = {tuple((change > 0).nonzero()[0].tolist()) for change in grown}
    assert len(places) > len(grown) / 2  # elsewhere each time
    size = int(before[0, 1].sum())
    assert all(size / 3 < (change > 0).sum() <= size for change in grown)


def test_parts_of_one_clip_draw_the_same_from_the_same_seed():
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(corrupt(heatmaps(1), 1.0))
    assert torch.equal(*drawn)


def test_the_rest_keeps_its_gradient():
    torch.manual_seed(0)
    logits = torch.zeros(8, 2, 40, 60, requires_grad=True)
    corrupt(logits.softmax(dim=1), 1.0)[:, 1].sum().backward()
    assert (logits.grad != 0).any()
    assert (logits.grad == 0).any()


def test_a_heatmap_without_an_object_is_fine():
    empty = torch.stack([torch.ones(2, 40, 60), torch.zeros(2, 40, 60)], dim=1)
    assert torch.equal(corrupt(empty, 1.0), empty)
