"""New convolutions out of trained ones: split, side by side, in wider groups."""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


def split(conv: nn.Conv2d, channels: tuple[int, ...]) -> list[nn.Conv2d]:
    """One convolution per group of input channels, whose sum is `conv`; the first has its bias."""
    biases = [conv.bias, *[None] * (len(channels) - 1)]
    weights = conv.weight.split(channels, dim=1)
    return [_with(conv, *pair) for pair in zip(weights, biases, strict=True)]


def merge(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """Convolutions of the same maps (or, with groups, of maps side by side) as one."""
    biases = [
        conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias
        for conv in convs
    ]
    groups = sum(conv.groups for conv in convs) if convs[0].groups > 1 else 1
    return _with(convs[0], torch.cat([conv.weight for conv in convs]), torch.cat(biases), groups)


def widen(conv: nn.Conv2d, by: int = 4) -> nn.Conv2d:
    """The same convolution in groups `by` times as large, or as many times as divides them."""
    by = math.gcd(by, conv.groups)
    outputs, inputs, *kernel = conv.weight.shape
    each = outputs // conv.groups  # outputs of an old group
    weight = conv.weight.new_zeros(outputs, by * inputs, *kernel)
    for place in range(by):
        rows = (torch.arange(outputs) // each) % by == place
        weight[rows, place * inputs : (place + 1) * inputs] = conv.weight[rows]
    return _with(conv, weight, conv.bias, conv.groups // by)


def _with(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None, groups: int | None = None):
    """A convolution of `conv`'s kernel, stride and padding with another weight."""
    groups = groups or conv.groups
    made = skip_init(  # which draws no random numbers: the caller's seed stays as it is
        nn.Conv2d,
        weight.shape[1] * groups,
        weight.shape[0],
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        groups,
        bias=bias is not None,
        device=weight.device,
    )
    made.weight.data = weight.data
    if bias is not None:
        made.bias.data = bias.data
    return made


def margin_only(up: nn.ConvTranspose2d) -> nn.ConvTranspose2d:
    """The last convolution, giving the difference of its two logits at each of four pixels."""
    made = skip_init(
        *(nn.ConvTranspose2d, up.in_channels, 4, up.kernel_size, up.stride, up.padding),
        device=up.weight.device,
    )
    background, foreground = up.weight.data.chunk(2, dim=1)
    made.weight.data = foreground - background
    background, foreground = up.bias.data.chunk(2)
    made.bias.data = foreground - background
    return made
