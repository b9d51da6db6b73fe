"""The model as it learns: frozen parts fused, memory saved where asked; its weights are shared.

Fused: a batch-norm that never trains again is one factor and one offset a channel, which the
convolution before it can take over, and the activation after it as well: the same features, sooner,
for as long as that part is frozen. This is done in a copy, so the model, its state and its
checkpoints stay as they are.

Recomputed (activation checkpointing): what a step keeps for its gradient is computed again
instead. Long clips then need less memory and more time. Gradients are the same to the last bit.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from timm.models._efficientnet_blocks import ConvBnAct, DepthwiseSeparableConv, InvertedResidual
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ttvos.config.run import TrainConfig
from ttvos.engine.fuse import fuse
from ttvos.model.backbones import Backbone, Features
from ttvos.model.ttvos import TTVOS

T = TypeVar("T")
BLOCKS = (BasicBlock, Bottleneck, ConvBnAct, DepthwiseSeparableConv, InvertedResidual)
LAYERS = {  # by TrainConfig.precision
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def learner(model: TTVOS, config: TrainConfig) -> TTVOS:
    """The model to take gradients of, for as long as nobody changes what is frozen in `model`.

    All that learns, its batch-norms' statistics included, is the very same objects in both, so
    training one trains the other. Losses and gradients are the model's, up to rounding.
    """
    view = copy.copy(model)
    # Without a dictionary of its own, the view would exchange the model's backbone.
    view._modules = dict(model._modules)
    # Re-extraction may send gradients through frozen layers; fused ones pass none on.
    is_frozen = not all(parameter.requires_grad for parameter in model.backbone.parameters())
    if is_frozen and model.mask_entry is None:
        view.backbone = FrozenBackbone(model.backbone, LAYERS[config.precision])
    if config.checkpointing:
        view.backbone = with_recomputed_blocks(view.backbone)
    return view


class FrozenBackbone(nn.Module):
    """A backbone of which only the trained block learns: the same block, the rest fused."""

    def __init__(self, backbone: Backbone, layers: torch.dtype) -> None:
        """layers: data type of the frozen part."""
        super().__init__()
        block = backbone.trained_block()
        # The block may be a slice of the network: its parts are what both have.
        parts = {id(part): part for part in (block, *block.children())}
        places = {key: _Place() for key in parts}
        copied = copy.deepcopy(backbone, dict(places)).requires_grad_(False)
        fuse(copied.net)
        _put_stem_in_pieces(copied.net)
        copied.to(layers)
        whole = {id(place): parts[key] for key, place in places.items()}
        for module in list(copied.modules()):
            for name, child in module._modules.items():
                module._modules[name] = whole.get(id(child), child)
        self._layers, self.copied = layers, copied

    def forward(self, images: Tensor) -> Features:
        """As `Backbone.forward`."""
        return self.copied(images.to(self._layers))


class _Place(nn.Module):
    """Keeps the trained block's place in the copy, while all round it is fused."""


class _InPieces(nn.Module):
    """Layers that a processor gets through sooner with a few images at a time: their maps, the
    largest there are, then stay in its cache."""

    IMAGES = 2

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        if images.device.type != "cpu":
            return self.layers(images)
        images = images.contiguous(memory_format=torch.channels_last)
        return torch.cat([self.layers(piece) for piece in images.split(self.IMAGES)])


def _put_stem_in_pieces(net: nn.Module) -> None:
    """Take the layers up to 1/4 of the frame's size together, where nothing lies between them.

    HRNet and the ResNets register them in the order in which they apply them.
    """
    names = list(net._modules)
    if "layer1" not in names:
        return
    stem = names[: names.index("layer1") + 1]
    together = _InPieces([net._modules[name] for name in stem])
    for name in stem:
        net._modules[name] = nn.Identity()
    net._modules[stem[0]] = together


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
