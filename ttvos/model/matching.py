"""Short-term and long-term matching (docs/facts.md, section 2; the paper's section III), and what
takes their place in the experiments of Table 4 that switch one of them off."""

import torch
from torch import Tensor, nn

from ttvos.model.blocks import ConvReLU, GroupedBranch, grouped_conv


class LongTermTemplate(nn.Module):
    """Embeds one frame and its heatmaps as a C8 x C8 template matrix (the memory)."""

    def __init__(self, inputs: int, c8: int) -> None:
        super().__init__()
        self.f = GroupedBranch(inputs, c8)
        self.g = GroupedBranch(inputs, c8)

    def forward(self, clued_f8: Tensor) -> Tensor:
        """clued_f8 (B, inputs, h, w) -> I_c (B, C8, C8), each row a softmax.

        The product is scaled by 1/sqrt(h w) before the softmax (released code, ledger item 8).
        """
        f, g = self.f(clued_f8).flatten(2), self.g(clued_f8).flatten(2)
        similarity = f @ g.transpose(1, 2) / f.shape[-1] ** 0.5
        return similarity.softmax(dim=-1)


class LongTermQuery(nn.Module):
    """Reads the long-term template with the current frame: S^LT."""

    def __init__(self, inputs: int, c8: int) -> None:
        super().__init__()
        self.q = GroupedBranch(inputs, c8)
        self.feature = GroupedBranch(inputs, c8)
        self.blend = nn.Sequential(
            grouped_conv(2 * c8),
            nn.Conv2d(2 * c8, c8, 1),
            nn.ReLU(),
        )

    def forward(self, clued_f8: Tensor, template: Tensor) -> Tensor:
        """clued_f8 (B, inputs, h, w), template (B, C8, C8) -> S^LT (B, C8, h, w)."""
        q = self.q(clued_f8)
        read = (template @ q.flatten(2)).view_as(q)
        return self.blend(torch.cat([self.feature(clued_f8), read], dim=1))


class NoLongTerm(nn.Module):
    """Stands in for the long-term matching where it is off (Table 4, experiment 1).

    The paper names convolutions over feature and previous heatmap without their sizes; these
    have as many parameters as the query they replace (17,248 for HRNet without the clue).
    """

    def __init__(self, inputs: int, c8: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, 2 * c8, 1),
            grouped_conv(2 * c8),
            nn.LeakyReLU(0.2),
            grouped_conv(2 * c8),
            nn.Conv2d(2 * c8, c8, 1),
            nn.ReLU(),
        )

    def forward(self, clued_f8: Tensor) -> Tensor:
        """clued_f8 (B, inputs, h, w) -> (B, C8, h, w)."""
        return self.layers(clued_f8)


class ShortTermMatching(nn.Module):
    """Matches the current frame to a template of the previous one: S^ST."""

    def __init__(self, clue: int, c16: int, c: int) -> None:
        super().__init__()
        width = min(2 * c, c16)
        self.template = ConvReLU(clue + c16, width, 3)
        self.match = ConvReLU(c16 + width, c, 3)

    def forward(self, clue16: Tensor, previous_f16: Tensor, f16: Tensor) -> Tensor:
        """clue16 (B, clue, h, w), previous_f16 and f16 (B, C16, h, w) -> S^ST (B, c, h, w)."""
        template = self.template(torch.cat([clue16, previous_f16], dim=1))
        return self.match(torch.cat([f16, template], dim=1))


class NoShortTerm(nn.Module):
    """Stands in for the short-term matching where it is off (Table 4, experiment 2).

    As `NoLongTerm`: convolutions over the current feature and the previous heatmap; the previous
    frame's feature is not seen. 88,272 parameters against 88,176 for HRNet.
    """

    def __init__(self, clue: int, c16: int, c: int) -> None:
        super().__init__()
        width = min(2 * c, c16)
        between = [ConvReLU(width, width, 3) for _ in range(3)]
        self.layers = nn.Sequential(ConvReLU(clue + c16, width, 3), *between, ConvReLU(width, c, 3))

    def forward(self, clue16: Tensor, previous_f16: Tensor, f16: Tensor) -> Tensor:
        """Shapes as in `ShortTermMatching`."""
        return self.layers(torch.cat([clue16, f16], dim=1))


class MaskEntry(nn.Module):
    """Turns a heatmap into a map that is added to a backbone feature (Table 4, experiment 7)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, heatmap: Tensor) -> Tensor:
        """heatmap (B, 2, h, w) -> (B, channels, h, w)."""
        return self.layers(heatmap)
