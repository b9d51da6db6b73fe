"""DeepLabv3+ on Xception-65: against timm's backbone, and layer by layer (docs/peers.md, 4.7)."""

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.deeplab import Decoder, Pyramid, Xception65, separable, stretch


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        yield


def lively(network: nn.Module) -> nn.Module:
    """In eval mode, with batch norms that do something."""
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        for values in (norm.weight, norm.running_var):
            values.copy_(torch.rand_like(values) + 0.5)
        for values in (norm.bias, norm.running_mean):
            values.copy_(torch.randn_like(values) / 10)
    return network.eval()


def layer(weights: dict[str, Tensor], name: str, x: Tensor, dilation: int = 1) -> Tensor:
    """A convolution of the same size with batch norm and ReLU, by the names of its weights."""
    weight = weights[f"{name}.0.weight"]
    groups, padding = x.shape[1] // weight.shape[1], dilation * (weight.shape[-1] // 2)
    x = F.conv2d(x, weight, None, padding=padding, dilation=dilation, groups=groups)
    numbers = ("running_mean", "running_var", "weight", "bias")
    return F.batch_norm(x, *(weights[f"{name}.1.{key}"] for key in numbers), eps=1e-5).relu()


def pair(weights: dict[str, Tensor], name: str, x: Tensor, dilation: int = 1) -> Tensor:
    """A separable convolution."""
    return layer(weights, f"{name}.1", layer(weights, f"{name}.0", x, dilation))


def test_the_backbone_computes_what_timms_does() -> None:
    ours, images = lively(Xception65()), torch.randn(1, 3, 97, 131)
    other = timm.create_model("xception65", num_classes=0, output_stride=8).eval()
    names = other.state_dict()
    other.load_state_dict(dict(zip(names, ours.state_dict().values(), strict=True)))
    seen = []
    other.blocks[1].stack.conv2.register_forward_hook(lambda *call: seen.append(call[2].clone()))
    fine, last = ours(images)
    assert fine.shape == (1, 256, 25, 33)
    assert last.shape == (1, 2048, 13, 17)
    assert min(fine.std(), last.std()) > 0.01
    torch.testing.assert_close(other.forward_features(images), last)
    torch.testing.assert_close(seen[0], fine)


def test_the_pyramid_sees_pixels_three_windows_and_all() -> None:
    pyramid, x = lively(Pyramid()), torch.randn(2, 2048, 9, 50)
    weights = pyramid.state_dict()
    whole = layer(weights, "whole", F.adaptive_avg_pool2d(x, 1))
    views = [F.interpolate(whole, (9, 50)), layer(weights, "views.0", x)]
    views += [
        pair(weights, f"views.{i}", x, dilation) for i, dilation in ((1, 12), (2, 24), (3, 36))
    ]
    expected = layer(weights, "join", torch.cat(views, dim=1))
    torch.testing.assert_close(pyramid(x), expected, rtol=1e-4, atol=1e-4)


def test_the_decoder_joins_a_finer_feature() -> None:
    decoder, x, fine = lively(Decoder()), torch.randn(1, 256, 4, 5), torch.randn(1, 256, 7, 10)
    weights = decoder.state_dict()
    both = torch.cat([stretch(x, (7, 10)), layer(weights, "fine", fine)], dim=1)
    expected = pair(weights, "convs.1", pair(weights, "convs.0", both))
    torch.testing.assert_close(decoder(x, fine), expected, rtol=1e-4, atol=1e-4)


def test_without_a_batch_norm_a_separable_convolution_has_biases() -> None:
    layers, x = separable(5, 3, 7, eps=None), torch.randn(1, 5, 8, 9)
    (inner, _), (outer, _) = layers
    x_inner = F.conv2d(x, inner.weight, inner.bias, padding=3, groups=5).relu()
    expected = F.conv2d(x_inner, outer.weight, outer.bias).relu()
    torch.testing.assert_close(layers(x), expected)


def test_stretching_keeps_the_corners() -> None:
    found = stretch(torch.tensor([[0.0, 3.0]]).view(1, 1, 1, 2), (1, 4))
    assert found.flatten().tolist() == [0, 1, 2, 3]
