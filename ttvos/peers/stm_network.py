"""STM's network: two ResNet50 encoders, keys and values, the memory read, the decoder.

Written from docs/peers.md, sections 1.2 to 1.6. Modules are named as in the released state dict
(1.11), so that its weights load by name. O objects are a batch; what all objects share has batch 1.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.peers.blocks import ResBlock, enlarge
from ttvos.video import IMAGENET_MEAN, IMAGENET_STD

STRIDE = 16
KEY_CHANNELS, VALUE_CHANNELS = 128, 512
DECODER_CHANNELS = 256


class QueryEncoder(nn.Module):
    """ResNet50 without its last stage; ImageNet normalisation inside."""

    def __init__(self) -> None:
        super().__init__()
        resnet = resnet50(weights=None)
        self.conv1, self.bn1, self.maxpool = resnet.conv1, resnet.bn1, resnet.maxpool
        self.res2, self.res3, self.res4 = resnet.layer1, resnet.layer2, resnet.layer3
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images (N, 3, H, W) RGB in [0, 1] -> features of 1/16, 1/8 and 1/4 of their size.

        They have 1024, 512 and 256 channels. H and W are multiples of 16.
        """
        return self.stages(self.first(images))

    def first(self, images: Tensor) -> Tensor:
        """(N, 64, H/2, W/2): the first convolution of the normalised images."""
        return self.conv1((images - self.mean) / self.std)

    def stages(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All that follows the first convolution."""
        quarter = self.res2(self.maxpool(F.relu(self.bn1(x))))
        eighth = self.res3(quarter)
        return self.res4(eighth), eighth, quarter


class MemoryEncoder(QueryEncoder):
    """The same for a frame with masks, which have first convolutions of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_m = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.conv1_o = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)

    def forward(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """image (1, 3, H, W), masks and others (O, 1, H, W) in [0, 1] -> (O, 1024, H/16, W/16)."""
        x = self.first(image) + self.conv1_m(masks) + self.conv1_o(others)
        return self.stages(x)[0]


class KeyValue(nn.Module):
    """A key and a value at every position."""

    def __init__(self) -> None:
        super().__init__()
        self.Key = nn.Conv2d(1024, KEY_CHANNELS, kernel_size=3, padding=1)
        self.Value = nn.Conv2d(1024, VALUE_CHANNELS, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features (N, 1024, h, w) -> keys (N, 128, h, w), values (N, 512, h, w)."""
        return self.Key(features), self.Value(features)


class MemoryRead(nn.Module):
    """Soft attention of every position of a frame over all positions of the memory; exact."""

    def forward(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """query (1, 128, h, w), keys (O, P, 128), values (O, P, 512) -> (O, 512, h, w).

        A mean of the P values, weighted by the softmax of the scaled products of the keys.
        """
        height, width = query.shape[-2:]
        queries = query.flatten(2).transpose(1, 2) / math.sqrt(query.shape[1])
        weights = (queries @ keys.transpose(1, 2)).softmax(dim=-1)
        return (weights @ values).transpose(1, 2).unflatten(2, (height, width))


class Refine(nn.Module):
    """Adds the encoder's features to the decoder's map, at twice its size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convFS = nn.Conv2d(channels, DECODER_CHANNELS, kernel_size=3, padding=1)
        self.ResFS = ResBlock(DECODER_CHANNELS)
        self.ResMM = ResBlock(DECODER_CHANNELS)

    def forward(self, features: Tensor, deeper: Tensor) -> Tensor:
        """features (1, C, 2h, 2w), deeper (O, 256, h, w) -> (O, 256, 2h, 2w)."""
        skip = self.ResFS(self.convFS(features))
        return self.ResMM(skip + enlarge(deeper, 2))


class Decoder(nn.Module):
    """From what was read of the memory to each object's probability."""

    def __init__(self) -> None:
        super().__init__()
        self.convFM = nn.Conv2d(2 * VALUE_CHANNELS, DECODER_CHANNELS, kernel_size=3, padding=1)
        self.ResMM = ResBlock(DECODER_CHANNELS)
        self.RF3 = Refine(512)
        self.RF2 = Refine(256)
        self.pred2 = nn.Conv2d(DECODER_CHANNELS, 2, kernel_size=3, padding=1)

    def forward(self, read: Tensor, eighth: Tensor, quarter: Tensor) -> Tensor:
        """read (O, 1024, H/16, W/16), features (1, 512, H/8, W/8) and (1, 256, H/4, W/4) ->
        (O, H, W), the probability of the object before aggregation."""
        x = self.ResMM(self.convFM(read))
        x = self.RF2(quarter, self.RF3(eighth, x))
        logits = enlarge(self.pred2(F.relu(x)), 4)
        return logits.softmax(dim=1)[:, 1]


class STMNetwork(nn.Module):
    """The parts under their released names; the tracker runs them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.Encoder_M = MemoryEncoder()
        self.Encoder_Q = QueryEncoder()
        self.KV_M_r4 = KeyValue()
        self.KV_Q_r4 = KeyValue()
        self.Decoder = Decoder()
