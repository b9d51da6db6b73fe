"""Counted layers against the cost file's and by hand; ceilings; no time is asserted."""

import pytest
import torch

from ttvos.config.experiments import Variant, load_variants
from ttvos.measure import cost
from ttvos.measure import roofline as module
from ttvos.measure.layers import CONVOLUTION, PRODUCT, TRANSPOSED, Layer, count_layers
from ttvos.measure.roofline import fractions, last_cache_bytes, measure_ceilings, roofline
from ttvos.model.ttvos import build_model

CPU = torch.device("cpu")
VARIANTS = load_variants()


def counted(model, height: int, width: int) -> int:
    return sum(layer.macs for layer in count_layers(model, height, width).further)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_macs_are_those_of_the_cost_file_for_every_variant(name):
    model = build_model(VARIANTS[name], "hrnet").eval()
    assert counted(model, 64, 96) == cost.macs(model, 64, 96)["frame"]


@pytest.mark.parametrize("backbone", ["hrnet", "resnet18", "resnet50", "mobilenetv3"])
def test_macs_are_those_of_the_cost_file_for_every_backbone(backbone):
    model = build_model(Variant("exp8"), backbone).eval()
    assert counted(model, 96, 160) == cost.macs(model, 96, 160)["frame"]


def test_the_model_is_left_as_it_is_and_frames_are_padded():
    model = build_model(Variant("exp8"), "hrnet")
    layers = count_layers(model, 60, 90)
    assert layers == count_layers(model, 64, 96)
    assert model.training
    assert model.heads.transition is not None
    assert next(model.parameters()).device == CPU


def test_a_further_object_repeats_the_heads_alone():
    model = build_model(Variant("exp8"), "hrnet").eval()
    one, two = (count_layers(model, 64, 96, objects) for objects in (1, 2))
    macs = [sum(layer.macs for layer in layers.further) for layers in (one, two)]
    counts = cost.macs(model, 64, 96)
    heads = counts["frame"] - counts["features"]
    assert macs[1] - macs[0] == heads


def test_layers_by_hand():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(4, 6, 3, padding=1, groups=2), torch.nn.ConvTranspose2d(6, 2, 4, 2, 1)
    ).to("meta")
    x = torch.empty(1, 4, 5, 7, device="meta")
    from ttvos.measure.layers import _Recorder

    with torch.no_grad(), _Recorder() as recorder:
        flat = net(x).flatten(2)
        torch.matmul(flat, flat.transpose(1, 2))
        torch.nn.functional.linear(flat[0], flat[0], flat[0, :, 0])
    size, large = 5 * 7, 10 * 14
    assert recorder.layers == [
        Layer(CONVOLUTION, 6 * size * 2 * 9, 4 * size + 6 * 2 * 9 + 6 * size + 6),
        Layer(TRANSPOSED, 6 * size * 2 * 16, 6 * size + 6 * 2 * 16 + 2 * large + 2),
        Layer(PRODUCT, 2 * 2 * large, 2 * large + 2 * large + 4),
        Layer(PRODUCT, 2 * 2 * large, 2 * large + 2 * large + 4 + 2),
    ]


def test_each_layer_waits_for_the_slower_of_its_operations_and_its_bytes():
    layers = [Layer(CONVOLUTION, 500, 10), Layer(PRODUCT, 10, 100)]
    ceilings = {"precision": "float32", "flops_per_s": 1000.0, "bytes_per_s": 100.0}
    found = roofline(layers, ceilings)
    assert (found["macs"], found["bytes"]) == (510, 440)
    assert found["seconds"] == pytest.approx(1.0 + 4.0)
    assert found["memory_bound"] == pytest.approx(0.8)
    assert roofline(layers, ceilings | {"precision": "float16"})["seconds"] == pytest.approx(3.0)
    reached = fractions(found, ceilings, 10.0)
    assert reached["fraction"] == pytest.approx(0.5)
    assert reached["matrix_rate_fraction"] == pytest.approx(2 * 510 / 10 / 1000)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_ceilings_are_the_best_of_the_repeats(precision, monkeypatch):
    for name, value in (("SMALLEST_SIDE", 32), ("LARGEST_SIDE", 64), ("REPEATS", 2)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "SMALLEST_BUFFER", 1 << 16)
    monkeypatch.setattr(module, "LARGEST_BUFFER", 1 << 16)
    found = measure_ceilings(CPU, precision)
    assert found["side"] in (32, 64)
    assert len(found["product_seconds"]) == len(found["copy_seconds"]) == 2
    best = 2 * found["side"] ** 3 / min(found["product_seconds"])
    assert found["flops_per_s"] == pytest.approx(best)
    assert found["bytes_per_s"] == pytest.approx(2 * (1 << 16) / min(found["copy_seconds"]))
    assert (found["precision"], found["threads"]) == (precision, torch.get_num_threads())


def test_products_grow_until_they_take_long_enough(monkeypatch):
    monkeypatch.setattr(module, "_time", lambda run, device: [run().shape[0] / 1e4])
    assert module._time_products(CPU, torch.float32) == (512, [0.0512])
    monkeypatch.setattr(module, "PRODUCT_SECONDS", 0.06)
    assert module._time_products(CPU, torch.float32)[0] == 1024
    monkeypatch.setattr(module, "PRODUCT_SECONDS", 9.0)
    monkeypatch.setattr(module, "LARGEST_SIDE", 1024)
    assert module._time_products(CPU, torch.float32)[0] == 1024


def test_the_buffer_is_as_large_as_the_last_cache(monkeypatch):
    monkeypatch.setattr(module, "SMALLEST_BUFFER", 1 << 10)
    monkeypatch.setattr(module, "last_cache_bytes", lambda device: 1 << 14)
    assert module._time_copies(CPU)[0] == 1 << 14
    monkeypatch.setattr(module, "last_cache_bytes", lambda device: None)
    assert module._time_copies(CPU)[0] == 1 << 10


def test_the_cpu_s_last_cache_is_found_or_not_known():
    found = last_cache_bytes(CPU)
    assert found is None or 1 << 18 <= found <= 1 << 33
