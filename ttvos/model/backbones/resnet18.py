"""ResNet18, as the released code has it."""

from typing import ClassVar

from torch import Tensor, nn

from ttvos.model.backbones import Backbone, Features, set_dilation


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
            set_dilation(conv, 1)
        set_dilation(second.conv2, 2)

    def forward(self, images: Tensor) -> Features:
        net = self.net
        f4 = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(images)))))
        f8 = net.layer2(f4)
        return Features(f4, f8, net.layer4(net.layer3(f8)), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.layer2(entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.layer4
