"""Activation checkpointing: what a step keeps for its gradient is computed again instead.

Long clips then need less memory and more time. Gradients are the same to the last bit.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from timm.models._efficientnet_blocks import ConvBnAct, DepthwiseSeparableConv, InvertedResidual
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ttvos.model.backbones import Backbone

T = TypeVar("T")
BLOCKS = (BasicBlock, Bottleneck, ConvBnAct, DepthwiseSeparableConv, InvertedResidual)


def recomputed(model: nn.Module, function: Callable[..., T], *arguments: Any) -> T:
    """function(*arguments), which is called again when the gradient needs what happened in it.

    The batch-norms of `model` do not count the second time, and what is random is drawn alike.
    """
    contexts = lambda: (nullcontext(), statistics_kept(model))  # noqa: E731
    return checkpoint(function, *arguments, use_reentrant=False, context_fn=contexts)


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Leave the running statistics of batch-norms as they are, whatever goes through them."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [dict(norm._buffers) for norm in norms]
    for norm in norms:
        norm._buffers.update({name: value.clone() for name, value in norm._buffers.items()})
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            norm._buffers.update(buffers)


class RecomputedBlock(nn.Module):
    """A block of a backbone, computed again for its gradient."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return recomputed(self.block, self.block, x)


def with_recomputed_blocks(backbone: nn.Module) -> nn.Module:
    """The backbone with each block that learns as a `RecomputedBlock`, and its stem likewise,
    whose maps are the largest; all weights are shared."""
    same = {id(value): value for value in (*backbone.parameters(), *backbone.buffers())}
    for module in backbone.modules():
        if isinstance(module, BLOCKS) and _learns(module):
            same[id(module)] = RecomputedBlock(module)
        elif not list(module.children()):
            same[id(module)] = module
    copied = copy.deepcopy(backbone, same)
    if isinstance(copied, Backbone):
        _recompute_stem(copied.net)
    return copied


def _recompute_stem(net: nn.Module) -> None:
    """The layers before the first blocks, which timm registers in the order it applies them."""
    names = list(net._modules)
    count = min(names.index(name) for name in ("layer1", "blocks") if name in names)
    stem = nn.Sequential(*(net._modules[name] for name in names[:count]))
    if not _learns(stem):
        return
    for name in names[:count]:
        net._modules[name] = nn.Identity()
    net._modules[names[0]] = RecomputedBlock(stem)


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
