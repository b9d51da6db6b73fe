"""STM: the memory's schedule, the read, the encoders, what a step makes of them, and its weights.

Facts: docs/peers.md, section 1; the released names are in 1.11.
"""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.peers.counting import built, calls_of, on_meta, track
from ttvos.config.peers import load_records
from ttvos.core.errors import UserError
from ttvos.measure.clip import disc_clip
from ttvos.measure.tracker_cost import cost_tracker
from ttvos.measure.tracker_speed import state_bytes
from ttvos.peers.base import make_seeded
from ttvos.peers.stm import STM, Memory, MemoryRead, STMNetwork, aggregate
from ttvos.tracking.geometry import normalise


def test_a_running_tracker_does_what_its_parts_do():
    cost = cost_tracker(built("stm"), 32, 48)
    macs, slot = cost["macs"], (2 * 3) ** 2 * (128 + 512)
    assert macs["init"] == 0
    assert macs["parts"]["other"] == 0
    assert macs["parts"]["memory read"] == 2 * slot
    assert macs["steps"][1] - macs["steps"][0] == slot
    assert len(set(macs["steps"][1:])) == 1
    assert macs["parts"].keys() - {"other"} == load_records()["stm"].expected.parts.keys()


class TestAggregation:
    @pytest.mark.parametrize("objects", [1, 2, 12])
    def test_shares_sum_to_1_even_for_extreme_probabilities(self, objects):
        torch.manual_seed(0)
        foreground = torch.rand(objects, 20, 30)
        foreground[:, :3], foreground[:, 3:6] = 0, 1
        shares = aggregate(foreground)
        assert shares.shape == (objects + 1, 20, 30)
        torch.testing.assert_close(shares.sum(dim=0), torch.ones(20, 30))
        assert shares.min() >= 0
        assert torch.equal(shares[0, :3].round(), torch.ones(3, 30))

    def test_it_is_the_softmax_of_the_logits(self):
        torch.manual_seed(1)
        foreground = torch.rand(3, 8, 9, dtype=torch.float64)
        background = (1 - foreground[0]) * (1 - foreground[1]) * (1 - foreground[2])
        logits = torch.cat([background[None], foreground]).clamp(1e-7, 1 - 1e-7).logit()
        torch.testing.assert_close(aggregate(foreground), logits.softmax(dim=0))

    def test_absent_objects_in_11_channels_would_change_less_than_a_millionth(self):
        torch.manual_seed(2)
        foreground = torch.rand(2, 50, 50, dtype=torch.float64)
        absent = torch.zeros(8, 50, 50, dtype=torch.float64)
        whole = aggregate(torch.cat([foreground, absent]))[:3]
        assert (whole - aggregate(foreground)).abs().max() < 1e-6


class TestRead:
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
    def test_its_slots_over_60_frames(self):
        """T(t) = 1 + multiples of 5 in [0, t - 2], and which frames they are."""
        rng = np.random.default_rng(0)
        frames = rng.integers(0, 256, (61, 16, 16, 3), dtype=np.uint8)
        mask = np.zeros((16, 16), np.uint8)
        mask[4:12, 4:12] = 1
        with (
            calls_of(built("stm").memory_read) as reads,
            calls_of(built("stm").network.KV_M_r4) as writes,
        ):
            track(built("stm"), frames, mask)
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

    def test_the_state_holds_the_slots_and_no_more(self):
        tracker, (frames, mask) = built("stm"), disc_clip(9, 32, 48)
        state = tracker.init(frames[0], mask)
        fixed = state_bytes(state)
        for t, frame in enumerate(frames[1:], start=1):
            _, state = tracker.step(frame, state)
            slots = 1 + sum(i % 5 == 0 for i in range(t - 1))
            assert state_bytes(state) - fixed == slots * 2 * 3 * (128 + 512) * 4


class TestEncoders:
    def test_masks_are_added_before_the_batch_norm(self):
        torch.manual_seed(3)
        encoder = built("stm").network.Encoder_M
        image, mask, others = torch.rand(1, 3, 32, 32), *torch.rand(2, 2, 1, 32, 32)
        planes = torch.cat([normalise(image).expand(2, -1, -1, -1), mask, others], dim=1)
        weights = [encoder.conv1.weight, encoder.conv1_m.weight, encoder.conv1_o.weight]
        x = nn.functional.conv2d(planes, torch.cat(weights, dim=1), stride=2, padding=3)
        x = encoder.res2(encoder.maxpool(encoder.bn1(x).relu()))
        expected = encoder.res4(encoder.res3(x))
        torch.testing.assert_close(encoder(image, mask, others), expected, rtol=1e-4, atol=1e-4)

    def test_the_masks_of_the_others_and_of_the_frame_before(self):
        frames, mask = disc_clip(3, 40, 60, objects=3)
        with calls_of(built("stm").network.Encoder_M) as calls:
            foreground = track(built("stm"), frames, mask)[0]
        (image, given, _), (_, soft, others) = calls[0][0], calls[1][0]
        assert image.shape == (1, 3, 48, 64)
        assert torch.equal(given[1, 0, 4:44, 2:62], torch.from_numpy(mask == 2).float())
        assert given.sum() == (mask > 0).sum(), "the padding is not empty"
        shares = aggregate(torch.from_numpy(foreground))[1:]
        torch.testing.assert_close(soft[:, 0, 4:44, 2:62], shares)
        torch.testing.assert_close(others[1], (soft[0] + soft[2]).clamp(0, 1))
        assert 0 < shares.max() < 1


def test_the_decoder_is_that_of_the_facts():
    """docs/peers.md, sections 1.6 and 1.7, step by step, with the decoder's weights by name."""
    torch.manual_seed(5)
    weights = built("stm").network.Decoder.state_dict()
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
    found = built("stm").network.Decoder(read, eighth, quarter)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


class TestTracking:
    def test_masks_are_the_largest_share_under_their_ids(self):
        frames, mask = disc_clip(2, 40, 60, objects=2)
        mask = np.array([0, 3, 200], np.uint8)[mask]
        mask[:3] = 255
        tracker = built("stm")
        prediction, state = tracker.step(frames[1], tracker.init(frames[0], mask))
        shares = aggregate(torch.from_numpy(prediction.foreground))
        expected = np.array([0, 3, 200])[shares.argmax(dim=0).numpy()]
        assert (prediction.mask == expected).all()
        assert state.ids == (3, 200)
        torch.testing.assert_close(state.soft, shares[1:])

    def test_more_than_ten_objects(self):
        mask = np.zeros((32, 32), np.uint8)
        for name in range(1, 13):
            mask[(name - 1) // 4 * 8 : (name - 1) // 4 * 8 + 6, (name - 1) % 4 * 8] = name
        frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        tracker = built("stm")
        prediction, _ = tracker.step(frame, tracker.init(frame, mask))
        assert prediction.foreground.shape == (12, 32, 32)
        assert set(np.unique(prediction.mask)) <= set(range(13))


def convolution(name: str, shape: tuple[int, ...], bias: bool = True) -> dict[str, tuple]:
    return {f"{name}.weight": shape} | ({f"{name}.bias": shape[:1]} if bias else {})


def batch_norm(name: str, channels: int) -> dict[str, tuple]:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (channels,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def stage(name: str, blocks: int, channels: int, inside: int) -> dict[str, tuple]:
    """A stage of ResNet50: blocks of 1x1, 3x3 and 1x1 convolutions, the first with a shortcut."""
    found: dict[str, tuple] = {}
    for i in range(blocks):
        entering = channels if i == 0 else 4 * inside
        shapes = [(inside, entering, 1, 1), (inside, inside, 3, 3), (4 * inside, inside, 1, 1)]
        for number, shape in enumerate(shapes, start=1):
            found |= convolution(f"{name}.{i}.conv{number}", shape, bias=False)
            found |= batch_norm(f"{name}.{i}.bn{number}", shape[0])
    found |= convolution(f"{name}.0.downsample.0", (4 * inside, channels, 1, 1), bias=False)
    return found | batch_norm(f"{name}.0.downsample.1", 4 * inside)


def encoder(name: str, firsts: dict[str, int]) -> dict[str, tuple]:
    found = {f"{name}.mean": (1, 3, 1, 1), f"{name}.std": (1, 3, 1, 1)}
    for first, channels in firsts.items():
        found |= convolution(f"{name}.{first}", (64, channels, 7, 7), bias=False)
    found |= batch_norm(f"{name}.bn1", 64)
    found |= stage(f"{name}.res2", 3, 64, 64) | stage(f"{name}.res3", 4, 256, 128)
    return found | stage(f"{name}.res4", 6, 512, 256)


def released() -> dict[str, tuple]:
    """Names and shapes of the released state dict, without `module.`.

    Facts: docs/peers.md, section 1.11.
    """
    found = encoder("Encoder_M", {"conv1_m": 1, "conv1_o": 1, "conv1": 3})
    found |= encoder("Encoder_Q", {"conv1": 3})
    for name in ("KV_M_r4", "KV_Q_r4"):
        found |= convolution(f"{name}.Key", (128, 1024, 3, 3))
        found |= convolution(f"{name}.Value", (512, 1024, 3, 3))
    entering = {"convFM": 1024, "RF3.convFS": 512, "RF2.convFS": 256}
    blocks = ["ResMM", "RF3.ResFS", "RF3.ResMM", "RF2.ResFS", "RF2.ResMM"]
    entering |= {f"{block}.conv{i}": 256 for block in blocks for i in (1, 2)}
    for name, channels in entering.items():
        found |= convolution(f"Decoder.{name}", (256, channels, 3, 3))
    return found | convolution("Decoder.pred2", (2, 256, 3, 3))


def test_names_and_shapes():
    found = {name: tuple(value.shape) for name, value in on_meta(STMNetwork).state_dict().items()}
    assert found == released()


def test_a_file_of_the_released_names_gives_the_networks_output(tmp_path):
    source = make_seeded(STMNetwork, seed=1).eval()
    state = source.state_dict()
    torch.manual_seed(4)
    for value in state.values():  # so that no statistic and no buffer is as a new network has it
        if value.is_floating_point():
            value *= 1 + 0.2 * torch.rand_like(value)
    named = {f"module.{name}": state[name].reshape(shape) for name, shape in released().items()}
    torch.save(named, tmp_path / "STM_weights.pth")
    loaded, made = STM(weights=tmp_path / "STM_weights.pth"), copy.copy(built("stm"))
    made.network = source
    frames, mask = disc_clip(4, 32, 48, objects=2)
    found = np.stack(track(loaded, frames, mask))
    assert (found == np.stack(track(made, frames, mask))).all()
    assert (found != np.stack(track(built("stm"), frames, mask))).any()


def test_a_wrong_name_is_one_line(tmp_path):
    state = dict(built("stm").network.state_dict())
    state["Decoder.pred3.bias"] = state.pop("Decoder.pred2.bias")
    path = tmp_path / "STM_weights.pth"
    torch.save({f"module.{name}": value for name, value in state.items()}, path)
    with pytest.raises(UserError) as caught:
        STM(weights=path)
    assert str(caught.value) == (
        f"{path}: does not fit STMNetwork: 1 missing (Decoder.pred2.bias); "
        "1 unexpected (Decoder.pred3.bias)"
    )
