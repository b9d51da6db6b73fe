"""The estimate of a GPU's speed: what is counted, what is fused, and how times are put together."""

import dataclasses
import json

import pytest
import torch
import torch.nn.functional as F

from benchmarks import estimate
from benchmarks.estimate import ASSUMED, DEVICES, ONE_CALL, Assumptions, seconds
from ttvos.config.experiments import find_variant
from ttvos.measure.kernels import CONVOLUTION, Kernel, fast_kernels, fused, recorded
from ttvos.measure.layers import count_layers
from ttvos.model.ttvos import build_model

SHEET = DEVICES["H100 SXM"]


def names(kernels: list[Kernel]) -> list[str]:
    return [kernel.name for kernel in kernels]


def small_step() -> list[Kernel]:
    """A convolution with bias and what follows it, in 4-byte numbers: 2 x 3 x 8 x 8 in and out."""
    x, weight, bias = torch.zeros(2, 3, 8, 8), torch.zeros(3, 3, 3, 3), torch.zeros(3)
    with torch.no_grad(), recorded() as kernels:
        y = F.conv2d(x, weight, bias, padding=1)
        F.relu(y + x).permute(0, 2, 3, 1).flatten(1).sum(dim=1)
    return kernels


def test_kernels_are_counted_without_views():
    kernels = small_step()
    assert names(kernels) == [CONVOLUTION, "bias of a convolution", "add", "relu", "clone", "sum"]
    size = 4 * 2 * 3 * 8 * 8
    assert [kernel.bytes for kernel in kernels] == [
        *(2 * size + 4 * 81, 2 * size, 3 * size, 2 * size, 2 * size, size + 4 * 2)
    ]
    assert kernels[0].flops == 2 * (2 * 3 * 8 * 8) * 27
    assert sum(kernel.flops for kernel in kernels[1:]) == 0
    assert [kernel.after for kernel in kernels] == [None, 0, 1, 2, 3, 4]


def test_fused_kernels_neither_write_nor_read_what_is_between_them():
    convolution, rest, last = fused(small_step())
    assert convolution.name == CONVOLUTION
    assert rest.name == "bias of a convolution + add + relu + clone"
    size = 4 * 2 * 3 * 8 * 8
    assert rest.bytes == 3 * size  # the convolution's result and the shortcut, and the result
    assert last.name == "sum"
    one, last = fused(small_step(), into_convolutions=True)
    assert one.bytes == 3 * size + 4 * 81
    assert one.flops == convolution.flops


def test_operations_are_those_of_the_roofline():
    """Twice the reference's multiply-accumulates; the float16 step widens groups with zeros."""
    model = build_model(find_variant("exp8"), "hrnet")
    macs = sum(layer.macs for layer in count_layers(model, 64, 96).further)
    flops = sum(k.flops for k in fast_kernels(model, 64, 96, 1, torch.float32))
    assert flops == pytest.approx(2 * macs, rel=0.05)


def test_further_objects_add_few_kernels():
    model = build_model(find_variant("exp8"), "hrnet")
    one, ten = (len(fast_kernels(model, 64, 96, count, torch.float16)) for count in (1, 10))
    assert one <= ten < 1.1 * one


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (Kernel("small", 0, 100, 1), 2e-6),
        (Kernel("wide", 0, 335_000_000, 1), 2e-4),
        (Kernel("deep", 989_500_000_000, 0, 1), 1e-2),
        (Kernel("grouped", 67_000_000_000, 0, 1, grouped=True), 1e-2),
    ],
)
def test_a_kernel_takes_the_longest_of_three(kernel: Kernel, expected: float):
    assumed = Assumptions(4.0, 2.0, 0.1, 0.5, 0.0)
    assert seconds([kernel], "graph", SHEET, assumed) == pytest.approx(expected)


def test_the_host_works_beside_a_graph_and_before_an_eager_step():
    assumed = Assumptions(4.0, 2.0, 0.1, 0.5, 1.0)
    kernels = [Kernel("small", 0, 0, 1)] * 3
    assert seconds(kernels, "graph", SHEET, assumed) == pytest.approx(1e-3)
    assert seconds(kernels, "half", SHEET, assumed) == pytest.approx(1e-3 + 12e-6)


def test_hopeful_is_nowhere_slower_than_cautious():
    cautious, hopeful = (dataclasses.asdict(ASSUMED[name]) for name in ("cautious", "hopeful"))
    for name, value in cautious.items():
        better = hopeful[name] > value if name.endswith("share") else hopeful[name] < value
        assert better, name


def test_the_script(tmp_path, capsys):
    out = tmp_path / "out.json"
    size = ["--height", "64", "--width", "96", "--brief"]
    assert estimate.main([*size, "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert len(found["h100"]) == len(found["h200"]) == 3 * 5
    by_path = {row["path"]: row for row in found["h100"][:5]}
    assert by_path["graph"]["kernels"] == by_path["half"]["kernels"]
    assert by_path["graph"]["kernels"] > by_path["compiled graph"]["kernels"]
    assert by_path["compiled graph"]["kernels"] > by_path[ONE_CALL]["kernels"]
    for one, two in zip(found["h100"], found["h200"], strict=True):
        assert 0 < one["fps_from"] < one["fps_to"]
        assert two["fps_from"] >= one["fps_from"]
    assert found["kernels"][0]["kernels"] > 0
    assert sum(row["time_share"] for row in found["kernels"]) <= 1
    assert found["provenance"]["measured"] is False
    assert "FPS" in capsys.readouterr().out
