"""FEELVOS: both matchings, the objects' shares, and what a step looks at (docs/peers.md, 4.7)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built, calls_of, empty
from ttvos.peers import feelvos, feelvos_matching
from ttvos.peers.feelvos_matching import GlobalMatching, LocalMatching

FRAME, MASK = disc_frame(0, DISCS)
MOVED = disc_frame(3, DISCS)[0]


class Largest(TorchDispatchMode):
    """Notes the size of the largest tensor that is computed inside, in bytes."""

    size = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        found = function(*arguments, **(named or {}))
        if isinstance(found, Tensor) and found._base is None:
            self.size = max(self.size, found.numel() * found.element_size())
        return found


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) / 4


def likeness(pixel: Tensor, others: Tensor) -> float:
    """2 (sigmoid(d) - 0.5) of the smallest squared distance of (C,) to (n, C), 1 if n is 0."""
    if not len(others):
        return 1
    smallest = min(((pixel - other) ** 2).sum().item() for other in others)
    return 2 / (1 + np.exp(-smallest)) - 1


def test_global_matching_finds_the_nearest_pixel_of_each_object() -> None:
    embedding, references = drawn(1, 7, 3, 4), (drawn(9, 7, seed=1), drawn(5, 7, seed=2))
    found = GlobalMatching()(embedding, (*references, torch.empty(0, 7)))
    assert found.shape == (3, 1, 3, 4)
    for number, others in enumerate(references):
        expected = [likeness(pixel, others) for pixel in embedding[0].flatten(1).T]
        assert found[number].flatten().tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(found[2], torch.ones(1, 3, 4))  # there is no pixel of the third


def test_no_distance_is_below_zero_where_rounding_would_make_it_so() -> None:
    embedding, masks = 40 * drawn(1, 100, 12, 21), torch.ones(1, 12, 21, dtype=torch.bool)
    for found in (
        GlobalMatching()(embedding, (embedding[0].flatten(1).T,)),
        LocalMatching()(embedding, embedding, masks),
    ):
        assert found.min() == 0
        assert found.max() < 0.1  # each pixel is like itself


def test_global_matching_by_chunks_is_that_at_once(monkeypatch) -> None:
    embedding, references = drawn(1, 100, 12, 21), (drawn(40, 100, seed=1), drawn(90, 100, seed=2))
    at_once = GlobalMatching()(embedding, references)
    for chunk in (1, 7, 251):
        monkeypatch.setattr(feelvos_matching, "CHUNK", chunk)
        torch.testing.assert_close(GlobalMatching()(embedding, references), at_once)


def test_matching_at_480x854_makes_no_tensor_of_0_2_gb() -> None:
    embedding, masks = empty(100, 120, 214), torch.empty(3, 120, 214, dtype=bool, device="meta")
    references = tuple(torch.empty(n, 100, device="meta") for n in (25_000, 600, 80))
    for matching, known in (
        (GlobalMatching(), [references]),
        (LocalMatching(), [embedding, masks]),
    ):
        with torch.inference_mode(), Largest() as largest:
            matching(embedding, *known)
        assert 1e6 < largest.size < 0.2e9


def test_local_matching_is_the_loop_over_the_window() -> None:
    height, width = 18, 34
    now, before = drawn(1, 5, height, width), drawn(1, 5, height, width, seed=1)
    masks = torch.zeros(3, height, width, dtype=torch.bool)
    masks[1, 2:5, 1:4] = masks[2, 16:, 30:] = True
    masks[0] = ~masks[1:].any(dim=0)
    found = LocalMatching()(now, before, masks)
    assert found.shape == (3, 1, height, width)
    for row in range(height):
        for column in range(width):
            window = np.s_[max(row - 15, 0) : row + 16, max(column - 15, 0) : column + 16]
            for number, mask in enumerate(masks):
                others = before[0].permute(1, 2, 0)[window][mask[window]]
                expected = likeness(now[0, :, row, column], others)
                assert found[number, 0, row, column].item() == pytest.approx(expected, abs=1e-6)


def test_a_pixel_sees_15_pixels_to_each_side() -> None:
    same = torch.ones(1, 4, 40, 50)
    masks = torch.zeros(1, 40, 50, dtype=torch.bool)
    masks[0, 20, 25] = True
    expected = torch.ones(40, 50)
    expected[5:36, 10:41] = 0  # all pixels are alike, but most cannot see the only one
    assert torch.equal(LocalMatching()(same, same, masks)[0, 0], expected)


def test_owners_are_those_of_the_nearest_pixels_and_corners_stay() -> None:
    labels = torch.arange(5).repeat(5, 1)
    found = feelvos.owners(labels, 5, (3, 3))
    assert torch.equal(found.int().argmax(dim=0), torch.tensor([[0, 2, 4]] * 3))
    assert torch.equal(found.sum(dim=0), torch.ones(3, 3, dtype=torch.int64))
    assert torch.equal(feelvos.owners(labels.T, 5, (1, 3))[0], torch.ones(1, 3, dtype=torch.bool))


def test_frame_0_gives_each_object_its_pixels_and_the_rest_to_the_background() -> None:
    mask = MASK.copy()
    mask[:4] = 255
    state = built("feelvos").init(FRAME, mask)
    assert [len(pixels) for pixels in state.references] == state.masks.sum(dim=(1, 2)).tolist()
    assert sum(len(pixels) for pixels in state.references) == 16 * 24
    assert torch.equal(state.shares[:, 0].bool(), state.masks)
    assert state.masks[0, 0].all()  # what is void
    assert torch.equal(state.references[2], state.embedding[0, :, state.masks[2]].T)


def test_shares_of_all_objects_sum_to_one_and_the_largest_is_the_label() -> None:
    tracker = built("feelvos")
    with calls_of(tracker.network.head) as calls:
        prediction, state = tracker.step(MOVED, tracker.init(FRAME, MASK))
    (features, *maps), logits = calls[0]
    assert features.shape == (1, 256, 16, 24)
    assert [part.shape for part in maps] == [(3, 1, 16, 24)] * 3  # the background is one of three
    torch.testing.assert_close(state.shares, logits.softmax(dim=0))
    torch.testing.assert_close(state.shares.sum(dim=0), torch.ones(1, 16, 24))
    assert torch.equal(state.masks.sum(dim=0), torch.ones(16, 24, dtype=torch.int64))
    shares = np.stack([1 - prediction.foreground.sum(axis=0), *prediction.foreground])
    best = np.sort(shares, axis=0)
    clear = best[-1] - best[-2] > 1e-5
    assert clear.mean() > 0.9
    labels = np.array([0, 1, 2])[shares.argmax(axis=0)]
    assert (prediction.mask == labels)[clear].all()


def test_a_step_hands_on_what_the_next_one_is_matched_with() -> None:
    tracker = built("feelvos")
    prediction, after = tracker.step(MOVED, state := tracker.init(FRAME, MASK))
    with torch.inference_mode():
        embedding = tracker.network.embed(tracker._image(MOVED))[1]
    torch.testing.assert_close(after.embedding, embedding)
    assert not torch.allclose(after.embedding, state.embedding, atol=1e-3)
    labels = torch.from_numpy(prediction.mask).long()
    assert torch.equal(after.masks, feelvos.owners(labels, 3, (16, 24)))
    assert not torch.equal(after.masks, state.masks)
    assert after.references is state.references


def test_an_object_that_is_gone_is_far_from_all_and_may_come_back() -> None:
    tracker = built("feelvos")
    state = tracker.init(FRAME, MASK)
    masks = state.masks.clone()
    masks[0] |= masks[1]
    masks[1] = False
    gone = replace(state, masks=masks, shares=masks[:, None].float())
    with calls_of(tracker.network.head) as calls:
        prediction, after = tracker.step(FRAME, gone)
    _, far, previous, near = calls[0][0]
    assert torch.equal(near[1], torch.ones(1, 16, 24))
    assert previous[1].sum() == 0
    assert far[1, 0][state.masks[1]].max() < 1e-3  # as it looked in frame 0, where it was
    assert 0 < prediction.foreground[0].max() < 1
    assert after.shares[1].min() > 0


def test_an_object_too_small_for_a_quarter_of_the_frame_takes_part() -> None:
    mask = np.where(MASK == 2, 2, 0).astype(np.uint8)
    mask[5, 6] = 1  # between the pixels that are looked at
    tracker = built("feelvos")
    state = tracker.init(FRAME, mask)
    assert [len(pixels) > 0 for pixels in state.references] == [True, False, True]
    prediction, _ = tracker.step(MOVED, state)
    assert prediction.foreground.shape == (2, *mask.shape)
    assert np.isfinite(prediction.foreground).all()


def test_the_frame_and_all_that_is_known_count() -> None:
    tracker = built("feelvos")
    state = tracker.init(FRAME, MASK)
    other = tracker.init(MOVED, np.roll(MASK, 30, axis=1))
    shown = tracker.step(MOVED, state)[0].foreground
    states = [
        replace(state, **{name: getattr(other, name)})
        for name in ("references", "embedding", "masks", "shares")
    ]
    found = [tracker.step(MOVED, changed)[0].foreground for changed in states]
    found.append(tracker.step(FRAME, state)[0].foreground)
    assert all(not np.allclose(shown, one, rtol=0, atol=1e-5) for one in found)
    again, _ = tracker.step(MOVED, state)
    assert np.array_equal(again.foreground, shown)


def test_the_head_shares_its_weights_and_sees_each_objects_own_maps() -> None:
    head = built("feelvos").network.head
    features, *maps = drawn(1, 256, 9, 11), *(drawn(2, 1, 9, 11, seed=s).abs() for s in (1, 2, 3))
    with torch.inference_mode():
        both = head(features, *maps)
        turned = head(features, *(part.flip(0) for part in maps))
        torch.testing.assert_close(turned, both.flip(0))
        for number in range(3):
            changed = [part.clone() for part in maps]
            changed[number][0] += 0.5
            found = head(features, *changed)
            assert not torch.allclose(found[0], both[0], atol=1e-5)
            torch.testing.assert_close(found[1], both[1])
