"""Convolutions with all that follows them: batch-norm folded in, activation and shortcut joined.

On a CPU whose oneDNN has it (`ttvos.engine.joined`) one call does the convolution, adds the
shortcut and applies the activation, while each result is still in the cache; elsewhere the same is
done in steps. On CUDA cuDNN can do bias, shortcut and ReLU in the same call (`join_on_cuda`).
Maps are kept in channels-last order.
New convolutions are made out of trained ones too: split, side by side, in wider groups.
"""

import math

import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.nn.utils import skip_init
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ttvos.engine.joined import joins

ACTIVATIONS = {nn.ReLU: "relu", nn.Hardswish: "hardswish", nn.Identity: "none"}


class FusedConv(nn.Module):
    """A convolution with its batch-norm folded in, then an activation, for inference only."""

    def __init__(
        self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None, activation: str = "none"
    ) -> None:
        super().__init__()
        weight, bias = conv.weight, conv.bias
        if norm is not None:
            weight, bias = fuse_conv_bn_weights(
                *(weight, bias, norm.running_mean, norm.running_var),
                *(norm.eps, norm.weight, norm.bias),
            )
        self.weight = _constant(weight.contiguous(memory_format=torch.channels_last))
        self.bias = None if bias is None else _constant(bias)
        self.geometry = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
        self.activation = activation
        self.joined_on_cuda = False

    def forward(
        self, x: Tensor, shortcut: Tensor | None = None, overwrites: bool = False
    ) -> Tensor:
        """x (N, C, h, w) -> activation(conv(x) + shortcut), which may overwrite the shortcut."""
        if _is_joined(x) and not _is_one_pixel(shortcut):
            return self._in_one(x, shortcut, overwrites and not torch.compiler.is_compiling())
        if self.joined_on_cuda and x.device.type == "cuda":
            return self._in_one_on_cuda(x, shortcut)
        padding, stride, dilation, groups = self.geometry
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if shortcut is not None:
            y = y + shortcut
        return _activate(y, self.activation)

    def _in_one(self, x: Tensor, shortcut: Tensor | None, overwrites: bool) -> Tensor:
        rest = (self.weight, self.bias, *self.geometry)
        if shortcut is None:
            leaky = self.activation == "leaky_relu"
            return torch.ops.mkldnn._convolution_pointwise(
                x, *rest, self.activation, [0.2] if leaky else [], ""
            )
        then = ("add", 1.0, None if self.activation == "none" else self.activation, [], "")
        if overwrites:
            return torch.ops.mkldnn._convolution_pointwise_.binary(shortcut, x, *rest, *then)
        return torch.ops.mkldnn._convolution_pointwise.binary(x, shortcut, *rest, *then)

    def _in_one_on_cuda(self, x: Tensor, shortcut: Tensor | None) -> Tensor:
        padding, stride, dilation, groups = self.geometry
        rest = (self.bias, stride, padding, dilation, groups)
        if shortcut is None:
            return torch.cudnn_convolution_relu(x, self.weight, *rest)
        return torch.cudnn_convolution_add_relu(x, self.weight, shortcut, 1.0, *rest)


def join_on_cuda(module: nn.Module) -> None:
    """Let every convolution in `module` that a ReLU follows run as one call of cuDNN's, on CUDA.

    Whether that is sooner and gives the same masks has to be measured on the device.
    """
    for conv in module.modules():
        if isinstance(conv, FusedConv):
            conv.joined_on_cuda = conv.activation == "relu"


def _constant(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach().clone(), requires_grad=False)


def _is_joined(x: Tensor) -> bool:
    return x.device.type == "cpu" and joins(x.dtype)


def _is_one_pixel(shortcut: Tensor | None) -> bool:
    """A sum with a map of one pixel is refused by PyTorch 2.11's operation."""
    return shortcut is not None and shortcut.shape[-2:] == (1, 1)


def _activate(x: Tensor, activation: str) -> Tensor:
    if activation == "none":
        return x
    if activation == "leaky_relu":
        return F.leaky_relu(x, 0.2)
    return getattr(F, activation)(x)


def _shape_of_sum(x: Tensor, shortcut: Tensor, *_: object) -> Tensor:
    """PyTorch 2.11 has no shape function for this operation, which exporting it needs."""
    return torch.empty_like(shortcut)


if torch.backends.mkldnn.is_available():  # else there is no such operation
    torch.library.register_fake("mkldnn::_convolution_pointwise.binary")(_shape_of_sum)


class FusedResidual(nn.Module):
    """A residual block (two or three convolutions beside a shortcut) as so many calls.

    owns_input: nothing else needs the block's input, which may then hold its output.
    """

    def __init__(self, block: BasicBlock | Bottleneck, owns_input: bool) -> None:
        super().__init__()
        pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
        if isinstance(block, Bottleneck):
            pairs.append((block.conv3, block.bn3))
        self.convs = nn.ModuleList(FusedConv(conv, norm, "relu") for conv, norm in pairs)
        self.downsample = None if block.downsample is None else fuse(block.downsample)
        self.overwrites = owns_input or self.downsample is not None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        for conv in self.convs[:-1]:
            x = conv(x)
        return self.convs[-1](x, shortcut, self.overwrites)


def fuse(module: nn.Module, owns_input: bool = False) -> nn.Module:
    """`module` in eval mode, with FusedConv wherever a convolution is followed, in the order of
    registration, by a batch-norm or an activation. Changes it in place, and returns it.

    owns_input: see `FusedResidual`; of blocks in a row, each but the first owns its input.
    """
    if isinstance(module, BasicBlock | Bottleneck):
        return FusedResidual(module, owns_input)
    names = list(module._modules)
    for place, name in enumerate(names):
        child = module._modules[name]
        if isinstance(child, nn.Conv2d):
            setattr(module, name, _fuse_with_next(module, names[place:]))
        elif child is not None:
            in_a_row = isinstance(module, nn.Sequential) and place > 0
            setattr(module, name, fuse(child, in_a_row))
    return module


def _fuse_with_next(module: nn.Module, names: list[str]) -> FusedConv:
    """The convolution names[0] with what follows it; what it takes in becomes an Identity."""
    conv, *following = (module._modules[name] for name in names[:3])
    norm, activation, taken = None, "none", 0
    if following and isinstance(following[0], nn.BatchNorm2d):
        norm, taken = following[0], 1
        if isinstance(norm, BatchNormAct2d):
            activation, following = ACTIVATIONS[type(norm.act)], []
    if following[taken:] and type(following[taken]) in ACTIVATIONS:
        activation, taken = ACTIVATIONS[type(following[taken])], taken + 1
    for name in names[1 : 1 + taken]:
        setattr(module, name, nn.Identity())
    return FusedConv(conv, norm, activation)


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
