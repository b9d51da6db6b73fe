"""FEELVOS's cost against the layers listed in docs/peers.md, section 4.7, summed apart from it.

No count of it was published: this sum is what the record's numbers are, and all is held to it to
the last parameter and the last MAC.
"""

import json
from collections import Counter

import pytest
import torch
from torch import nn

from tests.facts import PEERS, table
from tests.unit.peers.counting import empty, on_meta
from ttvos.config.peers import load_records
from ttvos.core.provenance import REPOSITORY
from ttvos.measure.macs import count_macs
from ttvos.peers.feelvos import FEELVOSNetwork, FEELVOSState

EXPECTED = load_records()["feelvos"].expected
KEPT = REPOSITORY / "results-published" / "peers" / "feelvos.json"
INIT = ("backbone", "pyramid", "decoder", "embedding")  # what frame 0 passes
SIZE, QUARTER = (480, 854), (120, 214)
PIXELS = 120 * 214


def listed() -> tuple[Counter, Counter]:
    """Parameters and MACs of a frame by part, from the page alone."""
    parameters, macs = Counter(), Counter()
    for row in table(PEERS, "4.7", "layer", "kernel").values():
        kernel, _, kind = row["kernel"].partition(" ")
        area, places = product(kernel), product(row["output"])
        times, runs, inputs, outputs = (int(row[key]) for key in ("times", "runs", "in", "out"))
        ends, weights = outputs, area * inputs * outputs
        if kind == "separable":
            ends, weights = inputs + outputs, area * inputs + inputs * outputs
        parameters[row["part"]] += times * (weights + ends * {"norm": 2, "bias": 1}[row["has"]])
        macs[row["part"]] += times * runs * weights * places
    for part, row in table(PEERS, "4.7", "matching", "numbers").items():
        macs[part] = int(row["pixels"]) * int(row["met by each"]) * int(row["numbers"])
    return parameters, macs


def product(sides: str) -> int:
    """Of a size like 3x3."""
    height, width = sides.split("x")
    return int(height) * int(width)


def modules(network: nn.Module) -> dict[str, tuple[nn.Module, ...]]:
    """The network's modules by the record's names of its parts."""
    return {part: (getattr(network, part.replace(" ", "_")),) for part in EXPECTED.parts}


def test_the_record_is_the_sum_over_the_layers() -> None:
    parameters, macs = listed()
    assert parameters.total() / 1e6 == pytest.approx(EXPECTED.parameters_m, abs=0.0005)
    assert macs.total() / 1e9 == pytest.approx(EXPECTED.frame_gmac, abs=0.005)
    assert sum(macs[part] for part in INIT) / 1e9 == pytest.approx(EXPECTED.init_gmac, abs=0.005)
    found = {part: count / 1e9 for part, count in macs.items()}
    assert found == pytest.approx(EXPECTED.parts, abs=0.005)


def test_parameters_are_those_of_the_layers() -> None:
    found = {
        part: sum(p.numel() for p in module.parameters())
        for part, (module,) in modules(on_meta(FEELVOSNetwork)).items()
    }
    assert Counter(found) == listed()[0]
    assert sum(found.values()) == sum(p.numel() for p in on_meta(FEELVOSNetwork).parameters())


def test_macs_are_those_of_the_layers() -> None:
    network = on_meta(FEELVOSNetwork)
    background, thing = (torch.empty(n, 100, device="meta") for n in (PIXELS - 999, 999))
    masks = torch.empty(2, *QUARTER, dtype=torch.bool, device="meta")
    shares = torch.empty(2, 1, *QUARTER, device="meta")
    with torch.inference_mode(), count_macs(modules(network)) as counted:
        features, embedding = network.embed(empty(3, *SIZE))
        state = FEELVOSState((1,), SIZE, (background, thing), embedding, masks, shares)
        logits = network(features, embedding, state)
    assert logits.shape == (2, 1, *QUARTER)
    assert not counted.uncounted
    assert counted.parts.pop("other") == 0
    assert counted.parts == listed()[1]


def test_the_kept_cost_is_that_of_the_layers() -> None:
    parameters, macs = listed()
    kept = json.loads(KEPT.read_text())
    assert Counter(kept["parameters"]["parts"]) == parameters
    assert Counter(kept["macs"]["parts"]) == macs
    assert kept["macs"]["init"] == sum(macs[part] for part in INIT)
    assert kept["macs"]["steps"] == [macs.total()] * 2  # which do not grow with the clip
    assert not kept["uncounted"]
