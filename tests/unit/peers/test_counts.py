"""Parameters and MACs of the peers' networks against the facts and records, each within 1 %.

Frames are 480x854, as the paper's. What a whole tracker does is counted in tests/contract and,
where its work changes from frame to frame, in the peer's own test.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.unit.peers.counting import counted, empty, gmac, millions, on_meta
from ttvos.config.peers import load_records
from ttvos.peers import agame, crn, gc, onavos, osmn, osvos, ranet, rgmp, segflow, siammask, stm

SIZE = (480, 854)
PADDED = (480, 864)  # to multiples of 16
POSITIONS = 30 * 54  # of STM's features at 1/16

Counts = tuple[dict[str, float], float]  # GMAC by part, and of a whole frame


def count_agame(network: nn.Module) -> Counts:
    image = agame.PADDING.pad(empty(3, *SIZE))
    assert image.shape[-2:] == PADDED
    masks = agame.as_classes(torch.empty(1, *SIZE, device="meta"))
    backbone, features = counted(network.backbone, image)
    update, gaussians = counted(network.update, features.s16, masks)
    heads = gmac(network.heads, features, gaussians, features.s16, masks, masks)
    parts = {"backbone": backbone, "heads": heads, "update": update}
    return parts, sum(parts.values())


def count_crn(network: nn.Module) -> Counts:
    whole, found = counted(network, empty(3, 512, 512), empty(1, 16, 16))
    assert [logits.shape[-1] for logits in found] == [16, 32, 64, 128, 256, 512]
    return {}, whole


def count_onavos(network: nn.Module) -> Counts:
    image = empty(3, *SIZE)
    whole, found = counted(network, image)
    assert found.shape == (1, 2, *SIZE)
    assert network.trunk(image).shape == (1, 4096, 60, 107)
    return {}, whole


def count_osmn(network: nn.Module) -> Counts:
    init, scales = counted(network.visual, empty(3, 224, 224))
    trunk = gmac(network.trunk, empty(3, *SIZE))
    whole = gmac(network, empty(3, *SIZE), scales, empty(1, *SIZE))
    return {"init": init, "trunk": trunk}, whole


def count_osvos(network: nn.Module) -> Counts:
    assert gmac(network.trunk, empty(3, *SIZE)) == pytest.approx(125.7, rel=0.01)
    return {}, gmac(network, empty(3, *SIZE))


def count_ranet(network: nn.Module) -> Counts:
    image, places = empty(3, *PADDED), torch.empty(2, 1, 405, device="meta")
    backbone, features = counted(network.backbone, image)
    shapes = [(512, 60, 108), (1024, 30, 54), (2048, 15, 27)]
    assert [tuple(x.shape[1:]) for x in features] == shapes
    kernels = network.template(image)
    assert kernels.shape == (405, 512, 1, 1)
    whole, found = counted(network, image, kernels, places, empty(1, *PADDED))
    assert found.shape == (1, 1, *PADDED)
    return {"backbone": backbone}, whole


def count_rgmp(network: nn.Module) -> Counts:
    scales = []
    for scale in rgmp.SCALES:
        image, mask = (rgmp.at_scale(empty(c, *SIZE), scale) for c in (3, 1))
        reference = network.reference(image, mask)
        scales.append(gmac(network, image, mask, reference))
    assert scales == pytest.approx([46.1, 99.8, 157.9], rel=0.01)
    return {}, sum(scales)


def count_segflow(network: nn.Module) -> Counts:
    whole, found = counted(network, empty(3, *SIZE), empty(3, *SIZE))
    assert [x.shape for x in found] == [(1, 2, *SIZE)] * 2
    # to the last digit of the facts: without the finest flow it would be 99.18
    assert whole == pytest.approx(99.3, abs=0.05)
    return {}, whole


def count_siammask(network: nn.Module) -> Counts:
    init, template = counted(network.template, empty(3, 127, 127))
    frame, (answers, levels) = counted(network, template, empty(3, 255, 255))
    refine, mask = counted(network.refine, answers.vectors, levels, 0, 24)
    assert frame == pytest.approx(16.66, rel=0.01)
    assert template.shape == (1, 256, 7, 7)
    assert [x.shape[1:] for x in answers] == [(n, 25, 25) for n in (10, 20, 3969, 256)]
    assert mask.shape == (127, 127)
    return {"init": init, "refine": refine}, frame + refine


def stm_parts(network: nn.Module, size: tuple[int, int] = PADDED) -> dict[str, float]:
    """Of one frame; the memory read is of one slot."""
    sixteenth, others = empty(1024, 30, 54), (empty(512, 60, 108), empty(256, 120, 216))
    frame, mask = empty(3, *size), empty(1, *size)
    memory = [torch.empty(1, POSITIONS, width, device="meta") for width in (128, 512)]
    return {
        "query encoder": gmac(network.Encoder_Q, frame),
        "query key/value": gmac(network.KV_Q_r4, sixteenth),
        "memory read": gmac(stm.MemoryRead(), empty(128, 30, 54), *memory),
        "decoder": gmac(network.Decoder, sixteenth, *others),
        "memory encoder": gmac(network.Encoder_M, frame, mask, mask),
        "memory key/value": gmac(network.KV_M_r4, sixteenth),
    }


def count_stm(network: nn.Module) -> Counts:
    parts = stm_parts(network)
    assert parts["memory read"] == pytest.approx(1.68, rel=0.01)
    segment = parts["query encoder"] + parts["query key/value"] + parts["decoder"]
    assert segment == pytest.approx(141.7, rel=0.01)
    memorise = parts["memory encoder"] + parts["memory key/value"]
    assert memorise == pytest.approx(37.1, rel=0.01)
    parts["memory read"] *= load_records()["stm"].memory_slots
    return parts, sum(parts.values())


def count_gc(network: nn.Module) -> Counts:
    parts = stm_parts(network)
    del parts["memory read"]
    key, value, context = empty(128, 30, 54), empty(512, 30, 54), empty(128, 512)
    parts["context"] = gmac(gc.Context(), key, value)
    parts["distribution"] = gmac(gc.Distribution(), key, context)
    # Table 2's segmentation and update
    segmentation = ("query encoder", "query key/value", "distribution")
    assert sum(parts[name] for name in segmentation) == pytest.approx(36.61, rel=0.01)
    update = ("memory encoder", "memory key/value", "context")
    assert sum(parts[name] for name in update) == pytest.approx(37.25, rel=0.01)
    return parts, sum(parts.values())


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Counts]]] = {
    "agame": (agame.AGAMENetwork, count_agame),
    "crn": (crn.CRNNetwork, count_crn),
    "gc": (stm.STMNetwork, count_gc),
    "onavos": (onavos.OnAVOSNetwork, count_onavos),
    "osmn": (osmn.OSMNNetwork, count_osmn),
    "osvos": (osvos.OSVOSNetwork, count_osvos),
    "ranet": (ranet.RANetNetwork, count_ranet),
    "rgmp": (rgmp.RGMPNetwork, count_rgmp),
    "segflow": (segflow.SegFlowNetwork, count_segflow),
    "siammask": (siammask.SiamMaskNetwork, count_siammask),
    "stm": (stm.STMNetwork, count_stm),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_are_those_of_the_facts(name: str) -> None:
    make, count = NETWORKS[name]
    expected = load_records()[name].expected
    with torch.inference_mode():
        parts, whole = count(on_meta(make))
    assert whole == pytest.approx(expected.frame_gmac, rel=0.01)
    wanted = dict(expected.parts)
    if "init" in parts:
        wanted["init"] = expected.init_gmac
    for part, found in parts.items():
        assert found == pytest.approx(wanted[part], rel=0.01), part


PARTS = {  # millions of parameters, by modules of the network
    "agame": {"backbone": 44.5, "heads.dynamics": 16.3},
    "osmn": {"visual": 149.99, "trunk": 14.72},
    "rgmp": {"encoder": 23.5, "decoder": 28.0},
    "segflow": {"segmenter": 42.39, "flownet": 38.68},
    "siammask": {"features": 14.05, "rpn": 2.50, "mask": 2.27, "refine": 2.67},
    "stm": {
        **{"Encoder_M": 8.550, "Encoder_Q": 8.543, "Decoder": 10.035},
        **{"KV_M_r4": 5.899, "KV_Q_r4": 5.899},
    },
}


@pytest.mark.parametrize("name", PARTS)
def test_parameters_of_the_parts_are_those_of_the_facts(name: str) -> None:
    """Those of the whole are held to the record in tests/contract."""
    network = on_meta(NETWORKS[name][0])
    found = {part: millions(network.get_submodule(part)) for part in PARTS[name]}
    assert found == pytest.approx(PARTS[name], rel=0.01)


def test_smallest_parts() -> None:
    network = on_meta(osmn.OSMNNetwork)
    assert millions(network.trunk, network.sides) == pytest.approx(14.92, rel=0.01)
    assert millions(network.spatial) == pytest.approx(0.004, abs=0.0005)
    network = on_meta(segflow.SegFlowNetwork)
    assert millions(network.segmentation, network.flow) == pytest.approx(0.02, abs=0.005)
    assert millions(network.flownet) == pytest.approx(38.68, abs=0.005)  # to the last digit
    assert millions(on_meta(stm.STMNetwork)) == pytest.approx(38.926, rel=1e-4)


def test_stms_encoders_without_padding_and_the_inside_of_its_decoder() -> None:
    network = on_meta(stm.STMNetwork)
    parts = stm_parts(network, SIZE)
    assert parts["query encoder"] == pytest.approx(26.94, rel=0.001)
    assert parts["memory encoder"] == pytest.approx(27.59, rel=0.001)
    decoder = network.Decoder
    found = [
        gmac(decoder.RF2, empty(256, 120, 216), empty(256, 60, 108)),
        gmac(decoder.RF3, empty(512, 60, 108), empty(256, 30, 54)),
        gmac(decoder.convFM, empty(1024, 30, 54)),
        gmac(decoder.ResMM, empty(256, 30, 54)),
    ]
    assert found == pytest.approx([76.4, 22.9, 3.8, 1.9], rel=0.01)


# Passes that a published update makes, updates, GMAC of a pass; a backward pass is two forward
# ones, less gradients of the image and of fixed kernels.
SCHEDULES = {"osvos": (5, 2000, 130.83), "crn": (1, 200, 90.9 * (448 / 512) ** 2)}


@pytest.mark.parametrize("name", SCHEDULES)
def test_published_updates_are_passes_and_their_gradients(name: str) -> None:
    passes, updates, forward = SCHEDULES[name]
    kind = {"osvos": osvos.OSVOS, "crn": crn.CRN}[name]
    cost = kind.online_cost(None)
    assert passes * 2.9e9 * forward < cost["macs_per_update"] < passes * 3e9 * forward
    assert cost["macs"] == updates * cost["macs_per_update"]


def test_onavoss_published_training_costs_150_passes_and_55_on_every_frame() -> None:
    cost, forward = onavos.OnAVOS.online_cost(None), 938e9
    assert cost["macs_per_update"] == pytest.approx(3 * forward, rel=0.01)
    assert cost["macs"] == 50 * cost["macs_per_update"]
    assert cost["frame_macs"] == pytest.approx((15 * 3 + 10) * forward, rel=0.01)
