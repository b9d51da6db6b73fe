"""STM, space-time memory networks: a frame is segmented by attention over memorised frames.

Written from docs/peers.md, section 1. `STM` is the tracker; its network is
`ttvos.peers.stm_network`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.peers.common import (
    aggregate,
    as_ids,
    build_network,
    check_size,
    crop,
    pad,
    to_image,
)
from ttvos.peers.stm_network import (
    KEY_CHANNELS,
    STRIDE,
    VALUE_CHANNELS,
    MemoryRead,
    STMNetwork,
)
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

KEEP_EVERY = 5


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


@dataclass
class STMState:
    """The clip so far, up to frame `index`, which the next step memorises.

    ids: of the O objects. size: of the frames, (H, W). image: frame `index`, padded. soft:
    (O, H, W), its objects' probabilities. memory: what was memorised of the frames before.
    """

    ids: tuple[int, ...]
    size: tuple[int, int]
    index: int
    image: Tensor
    soft: Tensor
    memory: Any


class STM:
    """Tracks with STM's network; see `ttvos.tracker.Tracker`.

    A step memorises the frame before with its soft output, reads it and the kept frames, and
    keeps it for good if its number is a multiple of 5 (docs/peers.md, section 1.8). A state is
    consumed by its step. weights: a state dict of the released names; None gives random weights.
    """

    name = "stm"
    precision = "float32"
    cycle = KEEP_EVERY

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        self.network = build_network(STMNetwork, device, weights)
        self.memory_read = MemoryRead()
        self.device = device
        self.options: dict[str, object] = {}
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "query encoder": (self.network.Encoder_Q,),
            "query key/value": (self.network.KV_Q_r4,),
            "memory read": (self.memory_read,),
            "decoder": (self.network.Decoder,),
            "memory encoder": (self.network.Encoder_M,),
            "memory key/value": (self.network.KV_M_r4,),
        }

    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> STMState:
        """See `Tracker.init`; nothing is computed before the first step."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        soft = torch.from_numpy(one_hot(mask, ids)).to(self.device)
        return STMState(ids, mask.shape, 0, self._image(frame), soft, self._no_memory(len(ids)))

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: STMState) -> tuple[Prediction, STMState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        image = self._image(frame)
        self._memorise(state)
        foreground = crop(self._segment(image, state.memory), state.size, STRIDE)
        shares = aggregate(foreground)
        mask = as_ids(shares.argmax(dim=0), state.ids)
        following = STMState(
            state.ids, state.size, state.index + 1, image, shares[1:].clone(), state.memory
        )
        return Prediction(mask, foreground.cpu().numpy()), following

    def _image(self, frame: np.ndarray) -> Tensor:
        return pad(to_image(frame, self.device), STRIDE)

    def _memorise(self, state: STMState) -> None:
        """Write the state's frame, with its objects' probabilities, into the memory."""
        masks = pad(state.soft, STRIDE)
        others = (masks.sum(dim=0, keepdim=True) - masks).clamp(0, 1)
        features = self.network.Encoder_M(state.image, masks[:, None], others[:, None])
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
        keys = torch.empty(objects, 0, KEY_CHANNELS, device=self.device)
        return Memory(keys, torch.empty(objects, 0, VALUE_CHANNELS, device=self.device))

    def _write(self, memory: Any, key: Tensor, value: Tensor, index: int) -> None:
        memory.write(key, value, keep=index % KEEP_EVERY == 0)

    def _read(self, memory: Any, key: Tensor) -> Tensor:
        """What a frame's key (1, 128, h, w) finds in the memory: (O, 512, h, w)."""
        return self.memory_read(key, memory.keys, memory.values)
