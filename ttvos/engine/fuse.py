"""Convolutions with all that follows them: batch-norm folded in, activation and shortcut joined.

On a CPU whose oneDNN has it (`ttvos.engine.joined`) one call does the convolution, adds the
shortcut and applies the activation, while each result is still in the cache; elsewhere the same is
done in steps. Maps are kept in channels-last order.
"""

import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
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

    def forward(
        self, x: Tensor, shortcut: Tensor | None = None, overwrites: bool = False
    ) -> Tensor:
        """x (N, C, h, w) -> activation(conv(x) + shortcut), which may overwrite the shortcut."""
        if _is_joined(x) and not _is_one_pixel(shortcut):
            return self._in_one(x, shortcut, overwrites and not torch.compiler.is_compiling())
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
