"""STM: the memory's schedule, the read, the encoders, and what a step makes of them."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from ttvos.peers.common import aggregate, normalise

from ttvos.measure.clip import disc_clip
from ttvos.measure.tracker_speed import state_bytes
from ttvos.peers.stm import STM, Memory, MemoryRead


@pytest.fixture(scope="module")
def tracker() -> STM:
    return STM()


@contextmanager
def calls_of(module: nn.Module):
    """Notes (inputs, output) of every call of `module`, copied."""
    calls: list[tuple[tuple[Tensor, ...], Any]] = []

    def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        calls.append((tuple(x.clone() for x in inputs), output))

    handle = module.register_forward_hook(note)
    yield calls
    handle.remove()


def track(tracker: STM, frames: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    state, found = tracker.init(frames[0], mask), []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        found.append(prediction.foreground)
    return found


class TestRead:
    def test_one_slot_and_keys_of_zero_give_the_mean_of_the_values(self):
        torch.manual_seed(0)
        values = torch.rand(2, 12, 512)
        read = MemoryRead()(torch.rand(1, 128, 3, 5), torch.zeros(2, 12, 128), values)
        expected = values.mean(dim=1)[:, :, None, None].expand(2, 512, 3, 5)
        torch.testing.assert_close(read, expected)

    def test_it_is_the_formula_of_the_facts(self):
        torch.manual_seed(1)
        query = torch.randn(1, 128, 2, 3)
        keys, values = torch.randn(2, 128, 4 * 6), torch.randn(2, 512, 4 * 6)
        scores = torch.einsum("ocp,cq->opq", keys, query[0].flatten(1)) / 128**0.5
        expected = torch.einsum("ovp,opq->ovq", values, scores.softmax(dim=1))
        read = MemoryRead()(query, keys.transpose(1, 2), values.transpose(1, 2))
        torch.testing.assert_close(read.flatten(2), expected)

    def test_a_key_that_matches_one_position_reads_its_value(self):
        keys = 50 * torch.eye(128)[None, :6]
        values = torch.rand(1, 6, 512)
        read = MemoryRead()(keys.transpose(1, 2).unflatten(2, (2, 3)), keys, values)
        torch.testing.assert_close(read.flatten(2).transpose(1, 2), values)


class TestMemory:
    def test_its_slots_over_60_frames(self, tracker):
        """T(t) = 1 + multiples of 5 in [0, t - 2], and which frames they are."""
        rng = np.random.default_rng(0)
        frames = rng.integers(0, 256, (61, 16, 16, 3), dtype=np.uint8)
        mask = np.zeros((16, 16), np.uint8)
        mask[4:12, 4:12] = 1
        with calls_of(tracker.memory_read) as reads, calls_of(tracker.network.KV_M_r4) as writes:
            track(tracker, frames, mask)
        memorised = [output for _, output in writes]
        assert len(reads) == len(memorised) == 60
        for t, ((_, keys, values), _) in enumerate(reads, start=1):
            slots = 1 + sum(i % 5 == 0 for i in range(t - 1))
            assert keys.shape == (1, slots, 128)
            kept = [i for i in range(t - 1) if i % 5 == 0]
            for place, i in enumerate([*kept, t - 1]):
                key, value = memorised[i]
                assert torch.equal(keys[:, place], key[:, :, 0, 0])
                assert torch.equal(values[:, place], value[:, :, 0, 0])

    def test_a_frame_that_is_not_kept_is_overwritten_in_place(self):
        memory = Memory(torch.empty(1, 0, 128), torch.empty(1, 0, 512))
        for i in range(4):
            memory.write(torch.full((1, 128, 2, 3), i), torch.full((1, 512, 2, 3), i), keep=i == 0)
        expected = torch.tensor([0.0] * 6 + [3.0] * 6)
        assert torch.equal(memory.keys[0, :, 7], expected)
        assert torch.equal(memory.values[0, :, 9], expected)

    def test_the_state_holds_the_slots_and_no_more(self, tracker):
        frames, mask = disc_clip(9, 32, 48)
        state = tracker.init(frames[0], mask)
        fixed = state_bytes(state)
        for t, frame in enumerate(frames[1:], start=1):
            _, state = tracker.step(frame, state)
            slots = 1 + sum(i % 5 == 0 for i in range(t - 1))
            assert state_bytes(state) - fixed == slots * 2 * 3 * (128 + 512) * 4


class TestEncoders:
    def test_frames_are_normalised_inside(self, tracker):
        torch.manual_seed(2)
        image, encoder = torch.rand(1, 3, 32, 48), tracker.network.Encoder_Q
        torch.testing.assert_close(encoder.first(image), encoder.conv1(normalise(image)))

    def test_features_have_their_strides(self, tracker):
        found = tracker.network.Encoder_Q(torch.rand(1, 3, 32, 48))
        shapes = [tuple(x.shape) for x in found]
        assert shapes == [(1, 1024, 2, 3), (1, 512, 4, 6), (1, 256, 8, 12)]

    def test_masks_are_added_before_the_batch_norm(self, tracker):
        torch.manual_seed(3)
        encoder = tracker.network.Encoder_M
        image, mask, others = torch.rand(1, 3, 32, 32), *torch.rand(2, 2, 1, 32, 32)
        planes = torch.cat([normalise(image).expand(2, -1, -1, -1), mask, others], dim=1)
        weights = [encoder.conv1.weight, encoder.conv1_m.weight, encoder.conv1_o.weight]
        x = nn.functional.conv2d(planes, torch.cat(weights, dim=1), stride=2, padding=3)
        x = encoder.res2(encoder.maxpool(encoder.bn1(x).relu()))
        expected = encoder.res4(encoder.res3(x))
        torch.testing.assert_close(encoder(image, mask, others), expected, rtol=1e-4, atol=1e-4)

    def test_the_masks_of_the_others_and_of_the_frame_before(self, tracker):
        frames, mask = disc_clip(3, 40, 60, objects=3)
        with calls_of(tracker.network.Encoder_M) as calls:
            foreground = track(tracker, frames, mask)[0]
        (image, given, _), (_, soft, others) = calls[0][0], calls[1][0]
        assert image.shape == (1, 3, 48, 64)
        assert torch.equal(given[1, 0, 4:44, 2:62], torch.from_numpy(mask == 2).float())
        assert given.sum() == (mask > 0).sum(), "the padding is not empty"
        shares = aggregate(torch.from_numpy(foreground))[1:]
        torch.testing.assert_close(soft[:, 0, 4:44, 2:62], shares)
        torch.testing.assert_close(others[1], (soft[0] + soft[2]).clamp(0, 1))
        assert 0 < shares.max() < 1


def test_the_decoder_is_that_of_the_facts(tracker):
    """docs/peers.md, sections 1.6 and 1.7, step by step, with the decoder's weights by name."""
    torch.manual_seed(5)
    weights = tracker.network.Decoder.state_dict()
    read, eighth, quarter = (
        torch.randn(2, 1024, 2, 3),
        torch.randn(1, 512, 4, 6),
        torch.randn(1, 256, 8, 12),
    )

    def conv(name: str, x: Tensor) -> Tensor:
        return nn.functional.conv2d(
            x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1
        )

    def block(name: str, x: Tensor) -> Tensor:
        return x + conv(f"{name}.conv2", conv(f"{name}.conv1", x.relu()).relu())

    x = block("ResMM", conv("convFM", read))
    for name, features in (("RF3", eighth), ("RF2", quarter)):
        skip = block(f"{name}.ResFS", conv(f"{name}.convFS", features.expand(2, -1, -1, -1)))
        x = block(f"{name}.ResMM", skip + nn.Upsample(scale_factor=2, mode="bilinear")(x))
    logits = nn.Upsample(scale_factor=4, mode="bilinear")(conv("pred2", x.relu()))
    expected = logits.exp()[:, 1] / logits.exp().sum(dim=1)
    found = tracker.network.Decoder(read, eighth, quarter)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


class TestTracking:
    def test_masks_are_the_largest_share_under_their_ids(self, tracker):
        frames, mask = disc_clip(2, 40, 60, objects=2)
        mask = np.array([0, 3, 200], np.uint8)[mask]
        mask[:3] = 255
        prediction, state = tracker.step(frames[1], tracker.init(frames[0], mask))
        shares = aggregate(torch.from_numpy(prediction.foreground))
        expected = np.array([0, 3, 200])[shares.argmax(dim=0).numpy()]
        assert (prediction.mask == expected).all()
        assert state.ids == (3, 200)
        torch.testing.assert_close(state.soft, shares[1:])

    def test_more_than_ten_objects(self, tracker):
        mask = np.zeros((32, 32), np.uint8)
        for name in range(1, 13):
            mask[(name - 1) // 4 * 8 : (name - 1) // 4 * 8 + 6, (name - 1) % 4 * 8] = name
        frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        prediction, _ = tracker.step(frame, tracker.init(frame, mask))
        assert prediction.foreground.shape == (12, 32, 32)
        assert set(np.unique(prediction.mask)) <= set(range(13))

    def test_two_constructions_are_equal(self, tracker):
        pairs = zip(STM().network.parameters(), tracker.network.parameters(), strict=True)
        assert all(torch.equal(one, two) for one, two in pairs)
