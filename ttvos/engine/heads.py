"""The heads for several objects at once: what depends on the frame alone is computed once.

A convolution of concatenated maps is the sum of one convolution a map. Of each convolution that
sees the frame's features beside an object's heatmaps, the frame's part is shared by all objects,
and the part of the constant coordinates is computed once a clip. The results differ from
`ttvos.model` by rounding only. B: objects; h, w: 1/8 of the frame.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.engine.fuse import FusedConv, margin_only, split
from ttvos.engine.matching import SharedMatching, SharedShortTerm, halve_planes
from ttvos.model.backbones import Features
from ttvos.model.blocks import coordinates, halve, to_eighth
from ttvos.model.ttvos import TTVOS, Step

# Entries of a template, which is a mean of softmaxes, that count as 0: processors take many times
# as long to multiply by numbers near the smallest that there are.
NOTHING = 1e-30


class Memory(NamedTuple):
    """What a clip carries from frame to frame, tensors of fixed sizes.

    template (B, C8, C8) float32; clue (B, 6, h, w) and clue16 (B, 6, h/2, w/2), newest heatmap
    first; previous (1, n, h/2, w/2), what the short-term template takes of the previous frame;
    seen (), float32: frames whose masks the template holds; where (1, 4 C8, h, w), the constant
    coordinates' part of the long-term branches, here because PyTorch 2.11's compiler lets a
    convolution overwrite a constant that is added to it.
    """

    template: Tensor
    clue: Tensor
    clue16: Tensor
    previous: Tensor
    seen: Tensor
    where: Tensor


class Shared(NamedTuple):
    """One frame's maps that all its objects use: sums of convolutions still without the
    objects' part, and `f4` after its convolution."""

    memory: Tensor
    query: Tensor
    template16: Tensor
    match16: Tensor
    f4: Tensor
    blend4: Tensor


class Matched(NamedTuple):
    """One frame's results for each object.

    margin (B, 4, H/2, W/2) float32, as `ttvos.engine.matching` has it: foreground logit minus
    background logit. update_weight (B,) float32,
    None from a variant without. attention, transition: raw maps to look at, (B, c+2, h, w) and
    (B, 2, h, w) or None. rest: what the heads that gave it need to go on.
    """

    margin: Tensor
    update_weight: Tensor | None
    attention: Tensor
    transition: Tensor | None
    rest: Shared | Step


class SharedHeads(nn.Module):
    """The heads of a variant with the full clue and both matchings (experiments 5, 6 and 8),
    for frames of one size: height and width are those of the padded frame."""

    def __init__(self, model: TTVOS, height: int, width: int, widens: bool, details: bool) -> None:
        """widens: see `SharedMatching`. details: whether the transition map is wanted."""
        super().__init__()
        self.updates = model.variant.update_template
        self.matching = SharedMatching(model.memory, model.query, widens)
        self.short_term = SharedShortTerm(model.short_term)
        # No buffer: it stays in float32 whatever the layers compute in.
        self.everywhere = to_eighth(torch.ones(1, 1, height, width).to(model.heads.template.weight))
        refinement, attention = model.refinement, model.attention
        self.long_term = FusedConv(attention.long_term[0], None, "relu")
        self.up16, self.up8 = attention.short_term, refinement.up8
        self.up_short_term = refinement.up_short_term
        self.blend8 = FusedConv(refinement.blend8[0], None, "relu")
        self.f4 = FusedConv(refinement.f4[0], None, "relu")
        c = refinement.blend4[0].out_channels
        frame, of_object = split(refinement.blend4[0], (c, 2))
        self.blend4_frame, self.blend4_object = FusedConv(frame), FusedConv(of_object)
        self.up4 = margin_only(refinement.up4)
        self.transition = model.heads.transition if details else None
        self.weigh = None
        if model.adaptive_weight:
            self.weigh = FusedConv(model.adaptive_weight.conv[0], None, "relu")
            self.weigh_pooled = model.adaptive_weight.predict

    def shared(self, features: Features, where: Tensor) -> Shared:
        """What all objects of a frame use, from its features (batch of 1) and `Memory.where`."""
        memory, query = (self.matching.frame(features.f8) + where).chunk(2, dim=1)
        template16, match16 = self.short_term.shared(features.f16)
        f4 = self.f4(features.f4)
        return Shared(memory, query, template16, match16, f4, self.blend4_frame(f4))

    def start(self, features: Features, foreground: Tensor) -> Memory:
        """Memory after frame 0. foreground (B, H, W): 1 in the given mask."""
        where = self.matching.where(coordinates(*features.f8.shape[-2:], like=features.f8))
        shared = self.shared(features, where)
        newest = self._clue(to_eighth(foreground[:, None]), shared.f4.dtype)
        clue = torch.cat([newest, torch.zeros_like(newest), torch.zeros_like(newest)], dim=1)
        template = F.threshold(self.matching.embed(shared.memory, clue), NOTHING, 0)
        seen = torch.ones((), device=foreground.device)
        return Memory(template, clue, halve(clue), shared.template16, seen, where)

    def match(self, features: Features, memory: Memory) -> Matched:
        """Segment a frame with the memory of those before it."""
        shared = self.shared(features, memory.where)
        s_st = self.short_term(memory.clue16, memory.previous, shared.match16)
        s_lt = self.matching.read(shared.query, memory.clue, memory.template)
        short_term8 = self.up16(s_st)
        attention = torch.cat([self.long_term(s_lt), short_term8], dim=1)
        r8 = self.blend8(attention)
        r4 = self.up8(r8)
        blended = self.blend4_object(r4).add_(shared.blend4).relu_()
        half = self.up4(torch.cat([self.up_short_term(short_term8), r4, blended], dim=1))
        margin = half.to(torch.float32, memory_format=torch.contiguous_format)
        weight = self._update_weight(attention)
        transition = self.transition(r8) if self.transition else None
        return Matched(margin, weight, attention, transition, shared)

    def advance(
        self, features: Features, memory: Memory, matched: Matched, foreground: Tensor
    ) -> Memory:
        """Memory after the frame. foreground (B, 4, H/2, W/2): its probabilities as planes, as
        fed back."""
        shared: Shared = matched.rest
        newest = self._clue(halve(halve(halve_planes(foreground))), memory.clue.dtype)
        clue = torch.cat([newest, memory.clue[:, :4]], dim=1)
        clue16 = torch.cat([halve(newest), memory.clue16[:, :4]], dim=1)
        template = memory.template
        if self.updates:
            share = _new_share(matched.update_weight, memory.seen)
            template = template + (self.matching.embed(shared.memory, clue) - template) * share
            template = F.threshold(template, NOTHING, 0)
        seen = memory.seen + 1
        return Memory(template, clue, clue16, shared.template16, seen, memory.where)

    def _update_weight(self, attention: Tensor) -> Tensor | None:
        if self.weigh is None:
            return None
        pooled = self.weigh(attention).float().mean(dim=(2, 3), keepdim=True)
        predict = self.weigh_pooled
        return F.conv2d(pooled, predict.weight.float(), predict.bias.float()).sigmoid().flatten()

    def _clue(self, newest: Tensor, dtype: torch.dtype) -> Tensor:
        """Foreground (B, 1, h, w) -> background and foreground (B, 2, h, w), which do not add up
        to 1 near the border, beyond which both count as 0."""
        return torch.cat([self.everywhere - newest, newest], dim=1).to(dtype)


def _new_share(update_weight: Tensor | None, seen: Tensor) -> Tensor:
    """Share of the new frame in the template (`TTVOS._new_share`)."""
    if update_weight is None:
        return 1 / (seen + 1)
    weight = update_weight.view(-1, 1, 1)
    return weight / (1 + weight)
