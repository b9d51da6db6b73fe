"""The four backbones (timm), changed where the released code differs (docs/facts.md, section 1).

Adding one is a subclass of `Backbone` and a line in `BACKBONE_CLASSES` (and in variants.BACKBONES).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.model.renaming import timm_name
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


class HRNet(Backbone):
    """HRNetV2-W18-small-v1 in its segmentation form: branches are fused bilinearly to the
    target's size (timm: nearest, by a fixed factor), and 1/32 joins 1/16."""

    timm_name = "hrnet_w18_small"
    timm_options: ClassVar = {"features_only": True, "feature_location": ""}
    pretrained_tag = "ms_in1k"
    channels = (16, 32, 192)
    entry_channels = 16

    def __init__(self) -> None:
        super().__init__()
        for module in self.net.modules():
            for name, child in module.named_children():
                if isinstance(child, nn.Upsample):
                    setattr(module, name, nn.Identity())

    def forward(self, images: Tensor) -> Features:
        net = self.net
        x = net.act1(net.bn1(net.conv1(images)))
        x = net.layer1(net.act2(net.bn2(net.conv2(x))))
        branches = [transition(x) for transition in net.transition1]
        branches = self._stage(net.stage2, branches)
        branches = self._stage(net.stage3, self._add_branch(branches, net.transition2[-1]))
        entry = self._add_branch(branches, net.transition3[-1])
        f4, f8, f16, f32 = self._stage(net.stage4, entry)
        f16 = torch.cat([f16, _resize(f32, f16)], dim=1)
        return Features(f4, f8, f16, tuple(entry))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self._stage(self.net.stage4, list(entry))[1]

    def trained_block(self) -> nn.Module:
        return self.net.stage4

    @staticmethod
    def _add_branch(branches: list[Tensor], transition: nn.Module) -> list[Tensor]:
        return [*branches, transition(branches[-1])]

    @staticmethod
    def _stage(stage: nn.Module, branches: list[Tensor]) -> list[Tensor]:
        for module in stage:
            branches = [
                layers(branch) for layers, branch in zip(module.branches, branches, strict=True)
            ]
            branches = [
                module.fuse_act(_fuse(layers, branches, target))
                for layers, target in zip(module.fuse_layers, branches, strict=True)
            ]
        return branches


def _fuse(layers: nn.ModuleList, branches: list[Tensor], target: Tensor) -> Tensor:
    """Sum of all branches, each brought to the target's channels and size."""
    parts = (layer(branch) for layer, branch in zip(layers, branches, strict=True))
    return sum(part if part.shape == target.shape else _resize(part, target) for part in parts)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class ResNet18(Backbone):
    """layer4 keeps stride 16; only its last convolution is dilated (timm dilates more)."""

    timm_name = "resnet18"
    timm_options: ClassVar = {"features_only": True, "output_stride": 16}
    pretrained_tag = "tv_in1k"
    channels = (64, 128, 512)
    entry_channels = 64

    def __init__(self) -> None:
        super().__init__()
        first, second = self.net.layer4
        for conv in (first.conv2, second.conv1):
            _set_dilation(conv, 1)
        _set_dilation(second.conv2, 2)

    def forward(self, images: Tensor) -> Features:
        net = self.net
        f4 = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(images)))))
        f8 = net.layer2(f4)
        return Features(f4, f8, net.layer4(net.layer3(f8)), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.layer2(entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.layer4


class ResNet50(Backbone):
    """Three blocks; the last two units of layer3 are dilated."""

    timm_name = "resnet50"
    timm_options: ClassVar = {"features_only": True, "out_indices": (1, 2, 3)}
    pretrained_tag = "tv_in1k"
    channels = (256, 512, 1024)
    entry_channels = 256

    def __init__(self) -> None:
        super().__init__()
        for unit in (self.net.layer3[4], self.net.layer3[5]):
            _set_dilation(unit.conv2, 2)

    def forward(self, images: Tensor) -> Features:
        net = self.net
        f4 = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(images)))))
        f8 = net.layer2(f4)
        return Features(f4, f8, net.layer3(f8), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.layer2(entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.layer3


class MobileNetV3(Backbone):
    """MobileNetV3-Large as torchvision has it: all three last units dilated, epsilon 0.001."""

    timm_name = "mobilenetv3_large_100"
    timm_options: ClassVar = {"features_only": True, "output_stride": 16}
    channels = (24, 40, 960)
    entry_channels = 24

    def __init__(self) -> None:
        super().__init__()
        _set_dilation(self.net.blocks[5][0].conv_dw, 2)
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = 0.001, 0.01

    def forward(self, images: Tensor) -> Features:
        net = self.net
        x = net.act1(net.bn1(net.conv_stem(images)))
        f4 = net.blocks[1](net.blocks[0](x))
        f8 = net.blocks[2](f4)
        x = net.blocks[4](net.blocks[3](f8))
        return Features(f4, f8, net.blocks[6](net.blocks[5](x)), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.blocks[2](entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.blocks[5:]

    def imagenet_weights(self) -> Mapping[str, Tensor]:
        """torchvision's IMAGENET1K_V1; timm's own are of another training."""
        source = torchvision.models.mobilenet_v3_large(weights="IMAGENET1K_V1").features
        return {timm_name(name): value for name, value in source.state_dict().items()}


def _set_dilation(conv: nn.Conv2d, dilation: int) -> None:
    padding = dilation * (conv.kernel_size[0] // 2)
    conv.dilation, conv.padding = (dilation, dilation), (padding, padding)


BACKBONE_CLASSES = {
    "hrnet": HRNet,
    "resnet18": ResNet18,
    "resnet50": ResNet50,
    "mobilenetv3": MobileNetV3,
}


def build_backbone(name: str) -> Backbone:
    """A backbone with random weights; UserError for an unknown name."""
    if name not in BACKBONE_CLASSES:
        raise UserError(f"unknown backbone {name!r}; known: {', '.join(BACKBONE_CLASSES)}")
    return BACKBONE_CLASSES[name]()
