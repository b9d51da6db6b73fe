"""ResNet50 without its last stage, as the released code has it."""

from typing import ClassVar

from torch import Tensor, nn

from ttvos.model.backbones import Backbone, Features, set_dilation


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
            set_dilation(unit.conv2, 2)

    def forward(self, images: Tensor) -> Features:
        net = self.net
        f4 = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(images)))))
        f8 = net.layer2(f4)
        return Features(f4, f8, net.layer3(f8), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.layer2(entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.layer3
