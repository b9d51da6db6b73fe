"""MobileNetV3-Large, as the released code has it."""

from collections.abc import Mapping
from typing import ClassVar

import torchvision
from torch import Tensor, nn

from ttvos.model.backbones import Backbone, Features, set_dilation
from ttvos.model.renaming import timm_name


class MobileNetV3(Backbone):
    """MobileNetV3-Large as torchvision has it: all three last units dilated, epsilon 0.001."""

    timm_name = "mobilenetv3_large_100"
    timm_options: ClassVar = {"features_only": True, "output_stride": 16}
    channels = (24, 40, 960)
    entry_channels = 24

    def __init__(self) -> None:
        super().__init__()
        set_dilation(self.net.blocks[5][0].conv_dw, 2)
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
