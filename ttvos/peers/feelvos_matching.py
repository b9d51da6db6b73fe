"""How FEELVOS compares a frame with frame 0 and with the frame before, object by object.

Written from docs/peers.md, section 4.7. Squared distances are |x|^2 + |y|^2 - 2 x y, so that they
are matrix products, which `ttvos.measure.macs` counts. O objects, the background among them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RADIUS = 15  # pixels to each side of a pixel that local matching looks at
SIDE = 2 * RADIUS + 1
CHUNK = 1024  # pixels that are compared with frame 0 at a time: 0.1 GB at 480x854


class GlobalMatching(nn.Module):
    """The distance of each pixel to the nearest pixel of each object in frame 0."""

    def forward(self, embedding: Tensor, references: tuple[Tensor, ...]) -> Tensor:
        """embedding (1, C, h, w), an object's pixels in frame 0 (n, C) for each -> (O, 1, h, w).

        In [0, 1]; 1 for an object without a pixel.
        """
        chunks = embedding[0].flatten(1).T.split(CHUNK)
        maps = [torch.cat([nearest(chunk, pixels) for chunk in chunks]) for pixels in references]
        return squash(torch.stack(maps)).view(-1, 1, *embedding.shape[-2:])


def nearest(pixels: Tensor, references: Tensor) -> Tensor:
    """Squared distances of pixels (m, C) to the nearest of references (n, C): (m,)."""
    if not len(references):
        return pixels.new_full((len(pixels),), torch.inf)
    lengths = references.square().sum(dim=1)
    others = torch.addmm(lengths, pixels, references.T, alpha=-2).amin(dim=1)
    return (others + pixels.square().sum(dim=1)).clamp(min=0)


class LocalMatching(nn.Module):
    """The same to the pixels of each object in the frame before, within a window of 31x31."""

    def forward(self, embedding: Tensor, previous: Tensor, masks: Tensor) -> Tensor:
        """embedding, previous (1, C, h, w), masks (O, h, w) bool of the frame before ->
        (O, 1, h, w) in [0, 1]; 1 for an object without a pixel in the window."""
        pixels, before = (x[0].permute(1, 2, 0).contiguous() for x in (embedding, previous))
        before = F.pad(before, (0, 0, *(RADIUS,) * 4))
        lengths, masks = before.square().sum(dim=2), F.pad(masks, (RADIUS,) * 4)
        rows = []
        for row in range(len(pixels)):
            seen = slice(row, row + SIDE)
            rows.append(nearest_in_row(pixels[row], before[seen], lengths[seen], masks[:, seen]))
        return squash(torch.stack(rows, dim=1))[:, None]


def nearest_in_row(pixels: Tensor, before: Tensor, lengths: Tensor, masks: Tensor) -> Tensor:
    """Squared distances of a row's pixels (w, C) to the nearest of each object's: (O, w).

    before: (31, w + 30, C), the rows that they see, lengths: (31, w + 30) of its pixels, and masks:
    (O, 31, w + 30) bool.
    """
    queries, windows = pixels[:, None], (row.unfold(0, SIDE, 1) for row in before)
    products = torch.cat([queries @ window for window in windows], dim=1)  # (w, 31, 31)
    others = lengths.unfold(1, SIDE, 1).transpose(0, 1) - 2 * products
    owned = masks.unfold(2, SIDE, 1).transpose(1, 2)
    best = torch.where(owned, others, torch.inf).amin(dim=(2, 3))
    return (best + pixels.square().sum(dim=1)).clamp(min=0)


def squash(distances: Tensor) -> Tensor:
    """Squared distances from 0 to infinity -> 0 to 1."""
    return 2 * (distances.sigmoid() - 0.5)
