"""One frame as one function of tensors: uint8 pixels and memory in, labels and memory out.

All shapes are fixed when it is built, nothing in it waits for the device, and it changes none of
its inputs, so that it can be compiled ahead of time or captured as a CUDA graph.
O: objects; H, W: the frame's size.
"""

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ttvos.config.experiments import Variant
from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.engine.fuse import fuse
from ttvos.engine.heads import Memory, SharedHeads
from ttvos.engine.joined import notice_plain
from ttvos.engine.matching import from_planes
from ttvos.engine.plain_heads import PlainHeads, PlainMemory
from ttvos.model.backbones import Features
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.geometry import ODDS_LIMIT, resize
from ttvos.tracking.readable import PADDING, transition_map

MARGIN_LIMIT = math.log((1 - ODDS_LIMIT) / ODDS_LIMIT)


@dataclass(frozen=True)
class StepOptions:
    """What a step is built for. size: H and W. layers: what the convolutions compute in.
    single_object, input_scale: see `ttvos.tracking.readable.TTVOSTracker`. details: whether it
    gives foreground, transition and attention maps too."""

    size: tuple[int, int]
    layers: torch.dtype = torch.float32
    single_object: str = "aggregated"
    input_scale: float = 1.0
    details: bool = False

    @property
    def network_size(self) -> tuple[int, int]:
        """Height and width that the network sees, before padding."""
        height, width = (max(1, round(side * self.input_scale)) for side in self.size)
        return height, width

    @property
    def resizes(self) -> bool:
        """Whether the network sees frames in another size than their own."""
        return self.network_size != self.size

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width that the network sees."""
        return PADDING.padded(self.network_size)


def shares_heads(variant: Variant) -> bool:
    """Whether `SharedHeads` has what the variant is made of."""
    return variant.long_term and variant.short_term and variant.attention_clue == "full"


class FastStep(nn.Module):
    """A model's step for frames of one size; the model is left as it is."""

    def __init__(self, model: TTVOS, options: StepOptions) -> None:
        super().__init__()
        self.options = options
        model = copy.deepcopy(model).eval()
        self.weighs = model.adaptive_weight is not None
        if shares_heads(model.variant):
            widens = options.layers != torch.float32
            self.heads: nn.Module = SharedHeads(
                model, *options.padded_size, widens, options.details
            )
            self.backbone = fuse(model.backbone)
        else:
            fused = fuse(model)
            self.heads, self.backbone = PlainHeads(fused), fused.backbone
        self.memory_type = Memory if shares_heads(model.variant) else PlainMemory
        self.requires_grad_(False)
        self.to(dtype=options.layers, memory_format=torch.channels_last)
        # No buffers: they keep their types whatever the layers compute in.
        device = next(model.parameters()).device
        if device.type == "cpu":
            notice_plain(options.layers)
        where = [torch.arange(float(side), device=device) for side in options.size]
        rows, columns = PADDING.pad(torch.stack(torch.meshgrid(*where, indexing="ij"))[None])[
            0
        ].long()
        self.rows, self.columns = rows[:, 0].contiguous(), columns[0].contiguous()
        std = torch.tensor(IMAGENET_STD, device=device)
        self.scale = 1 / (255 * std)
        self.shift = -torch.tensor(IMAGENET_MEAN, device=device) / std

    def first(self, frame: Tensor, foreground: Tensor) -> tuple[Tensor, ...]:
        """Memory after frame 0. frame (H, W, 3) uint8; foreground (O, H, W) float32: 1 in the
        given mask of each object."""
        heatmap = self._seen(foreground[:, None])[:, 0]
        return _laid_out(self.heads.start(self._features(frame), heatmap))

    def forward(self, frame: Tensor, *memory: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """frame (H, W, 3) uint8 -> results, memory after it.

        results: labels (H, W) uint8, 0 = background, o + 1 = object o; update weights (O,)
        float32 (NaN without); with details: foreground (O, H, W), transition (O, h, w; zeros
        without) and attention (O, h, w), all float32.
        """
        before = self.memory_type(*memory)
        features = self._features(frame)
        matched = self.heads.match(features, before)
        # The odds of a softmax over two logits are the exponential of their difference.
        odds = matched.margin.clamp(-MARGIN_LIMIT, MARGIN_LIMIT).exp_()
        labels = None if self.options.resizes else self._labels(odds)
        fed_back = self._fed_back(matched.margin, odds)
        if labels is None:
            labels = self._labels_of_resized(fed_back)
        after = self.heads.advance(features, before, matched, fed_back)
        weight = matched.update_weight
        if weight is None:
            weight = torch.full_like(matched.margin[:, 0, 0, 0], math.nan)
        results = (labels, weight)
        if self.options.details:
            results += self._details(matched)
        return results, _laid_out(after)

    def _features(self, frame: Tensor) -> Features:
        if not self.options.resizes:
            # A frame's bytes lie as a channels-last image does, and stay so.
            padded = frame.index_select(0, self.rows).index_select(1, self.columns)
            pixels = torch.addcmul(self.shift, padded.float(), self.scale)
            return self.backbone(pixels.to(self.options.layers).permute(2, 0, 1)[None])
        pixels = torch.addcmul(self.shift, frame.float(), self.scale)
        images = self._seen(pixels.permute(2, 0, 1)[None])
        return self.backbone(images.to(self.options.layers, memory_format=torch.channels_last))

    def _seen(self, x: Tensor) -> Tensor:
        """(N, C, H, W) at the size that the network sees, and padded."""
        return PADDING.pad(resize(x, self.options.network_size, averages=True))

    def _fed_back(self, margin: Tensor, odds: Tensor) -> Tensor:
        """Planes (O, 4, h, w) -> the objects' shares of the odds, in the place of these.

        See `ttvos.tracking.readable.aggregate`: the background's odds are the smallest of theirs.
        """
        if len(margin) == 1 and self.options.single_object == "direct":
            return margin.sigmoid()
        background = 1 / odds.amax(dim=0, keepdim=True)
        return odds.mul_(1 / (odds.sum(dim=0, keepdim=True) + background))

    def _labels(self, odds: Tensor) -> Tensor:
        """Planes (O, 4, h, w) -> (H, W) uint8; the network sees the frame in its own size."""
        # The background's odds are 1 over the best object's: above 1 the object wins.
        best, labels = odds[:1], torch.ones_like(odds[:1], dtype=torch.uint8)
        for number in range(1, len(odds)):
            own = odds[number : number + 1]
            labels.masked_fill_(own > best, number + 1)
            best = torch.maximum(best, own)
        labels *= best > 1
        return PADDING.crop(from_planes(labels)[0], self.options.size).contiguous()

    def _labels_of_resized(self, fed_back: Tensor) -> Tensor:
        """Planes (O, 4, h, w) of another size -> (H, W) uint8."""
        shares = self._full_size(fed_back)
        background = 1 - shares.sum(dim=0, keepdim=True)
        return torch.cat([background, shares]).argmax(dim=0).to(torch.uint8)

    def _full_size(self, maps: Tensor) -> Tensor:
        """Planes (O, 4, h, w) as the network gives them -> (O, H, W)."""
        maps = PADDING.crop(from_planes(maps), self.options.network_size)
        return resize(maps[:, None], self.options.size, averages=True)[:, 0]

    def _details(self, matched) -> tuple[Tensor, Tensor, Tensor]:
        attention = matched.attention.float().mean(dim=1)
        transition = torch.zeros_like(attention)
        if matched.transition is not None:
            transition = transition_map(matched.transition.float())
        return self._full_size(matched.margin.sigmoid()), transition, attention


def _laid_out(memory: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Maps in channels-last order: a step's output must lie as its input does."""
    return tuple(
        tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
        for tensor in memory
    )
