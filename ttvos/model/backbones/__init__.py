"""Backbones, a file each: timm's networks, changed where the released code differs.

A file of this folder holds one subclass of `Backbone`; its name is the name of the backbone. Facts:
docs/facts.md, section 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import timm
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.core.folders import modules_in
from ttvos.model.state_dict import fill


@dataclass(frozen=True)
class Features:
    """One batch's backbone features: f4, f8, f16 (N, C, h, w), and the inputs of the layers that
    give f8 (`entry`, first one at 1/4), for experiments that run these again."""

    f4: Tensor
    f8: Tensor
    f16: Tensor
    entry: tuple[Tensor, ...]

    def select(self, index: Tensor | slice) -> "Features":
        """The features of some images of the batch."""
        return Features(
            self.f4[index], self.f8[index], self.f16[index], tuple(e[index] for e in self.entry)
        )

    def expand(self, count: int) -> "Features":
        """One image's features, seen `count` times without a copy (one object each)."""
        parts = [part.expand(count, -1, -1, -1) for part in (self.f4, self.f8, self.f16)]
        return Features(*parts, tuple(e.expand(count, -1, -1, -1) for e in self.entry))


class Backbone(nn.Module):
    """timm's network as `net`, and what TTVOS needs to know of it."""

    timm_name: str
    timm_options: ClassVar[Mapping[str, Any]]
    pretrained_tag: str
    channels: tuple[int, int, int]
    entry_channels: int

    def __init__(self) -> None:
        super().__init__()
        self.net = timm.create_model(self.timm_name, pretrained=False, **self.timm_options)

    def forward(self, images: Tensor) -> Features:
        """Normalised RGB (N, 3, H, W), H and W multiples of 16, -> Features."""
        raise NotImplementedError

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        """Run the layers that give f8 again, from a changed `entry`."""
        raise NotImplementedError

    def trained_block(self) -> nn.Module:
        """The part that learns when the rest is frozen."""
        raise NotImplementedError

    def load_imagenet(self) -> None:
        """Load the ImageNet weights the paper starts from; needs a network.

        Facts: docs/facts.md, section 4.
        """
        try:
            weights = self.imagenet_weights()
        except Exception as error:  # whatever the download's library raises
            raise UserError(
                f"ImageNet weights of {self.timm_name} could not be had "
                f"({type(error).__name__}); fetch them where there is a network, or set "
                f"train.initial to a file or null"
            ) from error
        fill(self.net, dict(weights), f"ImageNet weights of {self.timm_name}")

    def imagenet_weights(self) -> Mapping[str, Tensor]:
        """State of `net` with the paper's ImageNet weights, through timm unless overridden."""
        name = f"{self.timm_name}.{self.pretrained_tag}"
        return timm.create_model(name, pretrained=True, **self.timm_options).state_dict()


def set_dilation(conv: nn.Conv2d, dilation: int) -> None:
    """Spread a convolution's kernel, in place, with the padding that keeps its map's size."""
    padding = dilation * (conv.kernel_size[0] // 2)
    conv.dilation, conv.padding = (dilation, dilation), (padding, padding)


def build_backbone(name: str) -> Backbone:
    """A backbone with random weights; UserError for an unknown name."""
    known = modules_in("model/backbones")
    if name not in known:
        raise UserError(f"unknown backbone {name!r}; known: {', '.join(known)}")
    module = import_module(f"{__name__}.{name}")
    (found,) = (
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Backbone) and kind is not Backbone
    )
    return found()
