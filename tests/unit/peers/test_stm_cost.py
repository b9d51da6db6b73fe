"""STM: parameters and MACs (docs/peers.md, section 1.9), in total and by part."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ttvos.measure.tracker_cost import cost_tracker
from ttvos.peers.record import load_records
from ttvos.peers.stm import STM, MemoryRead, STMNetwork

PADDED = (480, 864)  # of 480x854
POSITIONS = 30 * 54


@pytest.fixture(scope="module")
def meta() -> STMNetwork:
    with torch.device("meta"):
        return STMNetwork().eval()


def gmac(module: Callable[..., Any], *shapes: tuple[int, ...]) -> float:
    """Of one call with inputs of these shapes, all on the meta device."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module(*(torch.empty(shape, device="meta") for shape in shapes))
    return counter.get_total_flops() / 2e9


def parts_gmac(network: STMNetwork, size: tuple[int, int] = PADDED) -> dict[str, float]:
    image, mask = (1, 3, *size), (1, 1, *size)
    features = [(1, 1024, 30, 54), (1, 512, 60, 108), (1, 256, 120, 216)]
    memory = [(1, POSITIONS, 128), (1, POSITIONS, 512)]
    return {
        "query encoder": gmac(network.Encoder_Q, image),
        "query key/value": gmac(network.KV_Q_r4, features[0]),
        "memory read": gmac(MemoryRead(), (1, 128, 30, 54), *memory),
        "decoder": gmac(network.Decoder, *features),
        "memory encoder": gmac(network.Encoder_M, image, mask, mask),
        "memory key/value": gmac(network.KV_M_r4, features[0]),
    }


def millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


def test_parameters(meta):
    found = {name: millions(part) for name, part in meta.named_children()}
    expected = {"Encoder_M": 8.550, "Encoder_Q": 8.543, "Decoder": 10.035}
    expected |= {"KV_M_r4": 5.899, "KV_Q_r4": 5.899}
    assert found == pytest.approx(expected, rel=0.01)
    assert millions(meta) == pytest.approx(38.926, rel=1e-4)


def test_macs_of_the_parts(meta):
    parts = parts_gmac(meta)
    record = load_records()["stm"]
    slot = parts["memory read"]
    assert slot == pytest.approx(1.68, rel=0.01)
    at_mean = parts | {"memory read": slot * record.memory_slots}
    assert at_mean == pytest.approx(record.expected.parts, rel=0.01)
    assert sum(at_mean.values()) == pytest.approx(record.expected.frame_gmac, rel=0.01)
    segment = parts["query encoder"] + parts["query key/value"] + parts["decoder"]
    assert segment == pytest.approx(141.7, rel=0.01)
    memorise = parts["memory encoder"] + parts["memory key/value"]
    assert memorise == pytest.approx(37.1, rel=0.01)


def test_macs_of_the_encoders_without_padding(meta):
    parts = parts_gmac(meta, (480, 854))
    assert parts["query encoder"] == pytest.approx(26.94, rel=0.001)
    assert parts["memory encoder"] == pytest.approx(27.59, rel=0.001)


def test_macs_inside_the_decoder(meta):
    decoder = meta.Decoder
    found = [
        gmac(decoder.RF2, (1, 256, 120, 216), (1, 256, 60, 108)),
        gmac(decoder.RF3, (1, 512, 60, 108), (1, 256, 30, 54)),
        gmac(decoder.convFM, (1, 1024, 30, 54)),
        gmac(decoder.ResMM, (1, 256, 30, 54)),
    ]
    assert found == pytest.approx([76.4, 22.9, 3.8, 1.9], rel=0.01)


def test_a_running_tracker_does_what_its_parts_do():
    cost = cost_tracker(STM(), 32, 48)
    macs, slot = cost["macs"], (2 * 3) ** 2 * (128 + 512)
    assert macs["init"] == 0
    assert macs["parts"]["other"] == 0
    assert macs["parts"]["memory read"] == 2 * slot
    assert macs["steps"][1] - macs["steps"][0] == slot
    assert len(set(macs["steps"][1:])) == 1
    assert macs["parts"].keys() - {"other"} == load_records()["stm"].expected.parts.keys()
