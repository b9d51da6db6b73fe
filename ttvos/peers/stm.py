"""STM, space-time memory networks: a frame is segmented by attention over memorised frames.

Written from docs/peers.md, section 1: two ResNet50 encoders, keys and values, the memory read, the
decoder. Modules are named as in the released state dict (1.11), so that its weights load by name.
O objects are a batch; what all objects share has batch 1.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.peers.base import ClipState, Found, PeerTracker, to_image
from ttvos.peers.blocks import ResBlock, enlarge
from ttvos.tracking.geometry import Padding, shares_of_odds

PADDING = Padding(16)  # docs/peers.md, section 1.1
KEEP_EVERY = 5
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


@dataclass
class Memory:
    """Keys (O, P, 128) and values (O, P, 512) of all positions of the memorised frames.

    A frame's positions are one slot. The last slot is free to be overwritten unless `is_kept`.
    """

    keys: Tensor
    values: Tensor
    is_kept: bool = True

    def write(self, key: Tensor, value: Tensor, keep: bool) -> None:
        """Memorise a frame's key (O, 128, h, w) and value (O, 512, h, w); `keep` it for good."""
        new_keys, new_values = (x.flatten(2).transpose(1, 2) for x in (key, value))
        if self.is_kept:
            self.keys = torch.cat([self.keys, new_keys], dim=1)
            self.values = torch.cat([self.values, new_values], dim=1)
        else:
            positions = new_keys.shape[1]
            self.keys[:, -positions:] = new_keys
            self.values[:, -positions:] = new_values
        self.is_kept = keep


@dataclass(frozen=True)
class STMState(ClipState):
    """The clip so far, up to frame `index`, which the next step memorises.

    image: frame `index`, padded. soft: (O, H, W), its objects' probabilities. memory: what was
    memorised of the frames before; a step changes it, and so consumes the state.
    """

    index: int
    image: Tensor
    soft: Tensor
    memory: Any


class STM(PeerTracker):
    """Tracks with STM's network; weights: a state dict of the released names.

    A step memorises the frame before with its soft output, reads it and the kept frames, and
    keeps it for good if its number is a multiple of 5 (docs/peers.md, section 1.8).
    """

    name = "stm"
    cycle = KEEP_EVERY
    network_class = STMNetwork
    loads_weights = True

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        self.memory_read = MemoryRead()
        super().__init__(device, weights)

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {
            "query encoder": (self.network.Encoder_Q,),
            "query key/value": (self.network.KV_Q_r4,),
            "memory read": (self.memory_read,),
            "decoder": (self.network.Decoder,),
            "memory encoder": (self.network.Encoder_M,),
            "memory key/value": (self.network.KV_M_r4,),
        }

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> STMState:
        """Nothing is computed before the first step."""
        soft, memory = self._masks(mask, ids), self._no_memory(len(ids))
        return STMState(ids, mask.shape, 0, self._image(frame), soft, memory)

    def _follow(self, frame: np.ndarray, state: STMState) -> tuple[Found, STMState]:
        image = self._image(frame)
        self._memorise(state)
        foreground = PADDING.crop(self._segment(image, state.memory), state.size)
        shares = aggregate(foreground)
        after = replace(state, index=state.index + 1, image=image, soft=shares[1:].clone())
        return Found(shares.argmax(dim=0), foreground), after

    def _image(self, frame: np.ndarray) -> Tensor:
        """Padded; its normalisation is the encoders'."""
        return PADDING.pad(to_image(frame, self.device))

    def _memorise(self, state: STMState) -> None:
        """Write the state's frame, with its objects' probabilities, into the memory."""
        masks = PADDING.pad(state.soft[:, None])
        others = (masks.sum(dim=0, keepdim=True) - masks).clamp(0, 1)
        features = self.network.Encoder_M(state.image, masks, others)
        key, value = self.network.KV_M_r4(features)
        self._write(state.memory, key, value, state.index)

    def _segment(self, image: Tensor, memory: Any) -> Tensor:
        """The padded image's probabilities of each object, (O, H', W'), before aggregation."""
        sixteenth, eighth, quarter = self.network.Encoder_Q(image)
        key, value = self.network.KV_Q_r4(sixteenth)
        read = self._read(memory, key)
        both = torch.cat([read, value.expand(len(read), -1, -1, -1)], dim=1)
        return self.network.Decoder(both, eighth, quarter)

    def _no_memory(self, objects: int) -> Any:
        widths = (KEY_CHANNELS, VALUE_CHANNELS)
        return Memory(*(torch.empty(objects, 0, width, device=self.device) for width in widths))

    def _write(self, memory: Any, key: Tensor, value: Tensor, index: int) -> None:
        memory.write(key, value, keep=index % KEEP_EVERY == 0)

    def _read(self, memory: Any, key: Tensor) -> Tensor:
        """What a frame's key (1, 128, h, w) finds in the memory: (O, 512, h, w)."""
        return self.memory_read(key, memory.keys, memory.values)


def aggregate(foreground: Tensor) -> Tensor:
    """Objects' own probabilities (O, H, W) -> (O + 1, H, W) that sum to 1; [0] is background.

    The background's is the product of the complements (docs/peers.md, section 1.7).
    """
    background = (1 - foreground).prod(dim=0, keepdim=True)
    return shares_of_odds(torch.cat([background, foreground]))
