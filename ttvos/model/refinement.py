"""From the two similarity maps to heatmap logits, and the heads beside them.

Facts: docs/facts.md, section 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.model.blocks import ConvReLU, upsample_conv


class AttentionMap(nn.Module):
    """A_t at 1/8: long-term similarity beside the upsampled short-term similarity."""

    def __init__(self, c8: int, c: int) -> None:
        super().__init__()
        self.long_term = ConvReLU(c8, c, 1)
        self.short_term = upsample_conv(c, 2)

    def forward(self, s_lt: Tensor, s_st: Tensor) -> tuple[Tensor, Tensor]:
        """S^LT (B, C8, h, w), S^ST (B, c, h/2, w/2)
        -> A_t (B, c+2, h, w), upsampled S^ST (B, 2, h, w)."""
        upsampled = self.short_term(s_st)
        return torch.cat([self.long_term(s_lt), upsampled], dim=1), upsampled


class AdaptiveWeight(nn.Module):
    """How much of the current frame enters the long-term template: w_t in (0, 1)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = ConvReLU(c + 2, (c + 2) // 2, 3, stride=2)
        self.predict = nn.Conv2d((c + 2) // 2, 1, 1)

    def forward(self, attention: Tensor) -> Tensor:
        """A_t (B, c+2, h, w) -> w_t (B,)."""
        pooled = F.adaptive_avg_pool2d(self.conv(attention), 1)
        return self.predict(pooled).sigmoid().flatten()


class Refinement(nn.Module):
    """Attention map and f4 to heatmap logits at full size, in two doublings and a PixelShuffle."""

    def __init__(self, c4: int, c: int) -> None:
        super().__init__()
        self.blend8 = ConvReLU(c + 2, c, 3)
        self.up8 = upsample_conv(c, 2)
        self.f4 = ConvReLU(c4, c, 1)
        self.blend4 = ConvReLU(c + 2, c, 3)
        self.up_short_term = upsample_conv(2, 2)
        self.up4 = upsample_conv(c + 4, 8)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, attention: Tensor, short_term8: Tensor, f4: Tensor) -> tuple[Tensor, Tensor]:
        """A_t (B, c+2, H/8, W/8), S^ST at 1/8 (B, 2, H/8, W/8), f4 (B, C4, H/4, W/4)
        -> logits (B, 2, H, W), R8 (B, c, H/8, W/8)."""
        r8 = self.blend8(attention)
        r4 = self.up8(r8)
        r4_blended = self.blend4(torch.cat([self.f4(f4), r4], dim=1))
        short_term4 = self.up_short_term(short_term8)
        half = self.up4(torch.cat([short_term4, r4, r4_blended], dim=1))
        return self.shuffle(half), r8


class TrainingHeads(nn.Module):
    """The heads that only the losses need; the paper's parameter counts include them.

    transition: the change of the heatmap between two frames (raw, before any activation).
    template: whether S^LT holds the object; in the released code, not in the paper (ledger 4).
    """

    def __init__(self, c8: int, c: int, transition: bool) -> None:
        super().__init__()
        self.transition = nn.Conv2d(c, 2, 3, padding=1) if transition else None
        self.template = nn.Conv2d(c8, 1, 3, padding=1)
