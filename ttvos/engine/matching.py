"""Both matchings, with what a frame's objects share computed once (see `ttvos.engine.heads`).

Full-size maps are held as planes, the four maps that a PixelShuffle puts together: plane 2i + j of
(B, 4, H/2, W/2) holds the pixels of the rows 2y + i and the columns 2x + j. What
is done to each pixel alone can be done to the planes, and the shuffle, which costs more than all
of it, is left to the one map of labels that a frame ends in.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.engine.fuse import FusedConv, merge, split, widen
from ttvos.model.matching import LongTermQuery, LongTermTemplate, ShortTermMatching


class SharedMatching(nn.Module):
    """Long-term template and query: four branches over the same features as one convolution.

    widens: the convolutions in groups of four channels become ones in groups of sixteen with
    zeros in them, which matrix units take at once; in float32 the zeros would cost more.
    """

    def __init__(self, memory: LongTermTemplate, query: LongTermQuery, widens: bool) -> None:
        super().__init__()
        branches = [memory.f, memory.g, query.q, query.feature]
        entry = merge([branch[0] for branch in branches])
        frame, where, _ = split(entry, (entry.in_channels - 9, 3, 6))
        self.frame, self.where = FusedConv(frame), FusedConv(where)
        self.embed_clue, self.read_clue = (
            FusedConv(split(merge([branch[0] for branch in pair]), (entry.in_channels - 6, 6))[1])
            for pair in (branches[:2], branches[2:])
        )
        embed, read = merge([memory.f[1], memory.g[1]]), merge([query.q[1], query.feature[1]])
        blend = query.blend[0]
        if widens:
            embed, read, blend = widen(embed), widen(read), widen(blend)
        self.embed_branches = FusedConv(embed, None, "leaky_relu")
        self.query_branches = FusedConv(read, None, "leaky_relu")
        self.blend_groups = FusedConv(blend)
        self.blend = FusedConv(query.blend[1], None, "relu")

    def embed(self, shared: Tensor, clue: Tensor) -> Tensor:
        """I_c (B, C8, C8) float32 of a frame and the clue (B, 6, h, w) that holds its heatmap."""
        entry = self.embed_clue(clue).add_(shared)
        f, g = _pixels(self.embed_branches(entry)).float().chunk(2, dim=2)
        return (f.transpose(1, 2) @ g / f.shape[1] ** 0.5).softmax(dim=-1)

    def read(self, shared: Tensor, clue: Tensor, template: Tensor) -> Tensor:
        """S^LT (B, C8, h, w)."""
        entry = self.read_clue(clue).add_(shared)
        q, feature = self.query_branches(entry).chunk(2, dim=1)
        read = _pixels(q) @ template.to(q.dtype).transpose(1, 2)
        read = read.unflatten(1, q.shape[-2:]).permute(0, 3, 1, 2)
        return self.blend(self.blend_groups(torch.cat([feature, read], dim=1)))


class SharedShortTerm(nn.Module):
    """Short-term matching; f16 enters this frame's match and the next frame's template."""

    def __init__(self, short_term: ShortTermMatching) -> None:
        super().__init__()
        template, match = short_term.template[0], short_term.match[0]
        self.width = template.out_channels
        c16 = match.in_channels - self.width
        clue, frame_template = split(template, (template.in_channels - c16, c16))
        frame_match, of_object = split(match, (c16, self.width))
        self.frame = FusedConv(merge([frame_template, frame_match]))
        self.clue, self.match = FusedConv(clue), FusedConv(of_object)

    def shared(self, f16: Tensor) -> tuple[Tensor, Tensor]:
        """f16 (1, C16, h, w) -> its parts of the next template and of this match."""
        both = self.frame(f16)
        return both[:, : self.width], both[:, self.width :]

    def forward(self, clue16: Tensor, previous: Tensor, match16: Tensor) -> Tensor:
        """S^ST (B, c, h, w)."""
        template = self.clue(clue16).add_(previous).relu_()
        return self.match(template).add_(match16).relu_()


def _pixels(maps: Tensor) -> Tensor:
    """(B, C, h, w) in channels-last order -> (B, h w, C), without a copy."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def to_planes(maps: Tensor) -> Tensor:
    """(B, H, W), even sides -> (B, 4, H/2, W/2)."""
    return F.pixel_unshuffle(maps[:, None], 2)


def from_planes(planes: Tensor) -> Tensor:
    """(B, 4, H/2, W/2) of any type -> (B, H, W)."""
    height, width = planes.shape[-2:]
    blocks = planes.unflatten(1, (2, 2)).permute(0, 3, 1, 4, 2)
    return blocks.reshape(len(planes), 2 * height, 2 * width)


def halve_planes(planes: Tensor) -> Tensor:
    """(B, 4, h, w) -> (B, 1, h, w): `ttvos.model.blocks.halve` of the full-size maps.

    The average over 3x3 pixels around (2y, 2x), zeros beyond the border: the even row or column,
    the odd one after it, and the odd one before it, which belongs to the block before.
    """
    even, odd = planes.unflatten(1, (2, 2)).unbind(dim=1)
    rows = even + odd
    rows[:, :, 1:] += odd[:, :, :-1]
    even, odd = rows.unbind(dim=1)
    pixels = even + odd
    pixels[:, :, 1:] += odd[:, :, :-1]
    return (pixels / 9)[:, None]
