"""HRNetV2-W18-small-v1, as the released code has it."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.model.backbones import Backbone, Features


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
