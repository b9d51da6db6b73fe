"""Training clips as the loader hands them over: source images, and where frames look them up.

B: clips of a batch, T: frames of a clip, H, W: frame size, N: images, L: layers,
h, w: size of the coarse lookups (`ttvos.data.warp.coarse_lookup`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ttvos.data.warp import Warp, chain, coarse_lookup

VISIBLE = 100  # an object is visible with more pixels than this (docs/facts.md, section 4)


@dataclass(frozen=True)
class Layer:
    """images (N, H, W, 3) uint8 RGB and labels (N, H, W) uint8, 1 the object, 0 everything
    else, 255 ignored; N = 1 (a still, for all frames) or T.

    lookups (T, h, w, 2) float32: where each frame is looked up in its image, x and y in pixels.
    """

    images: np.ndarray
    labels: np.ndarray
    lookups: np.ndarray


@dataclass(frozen=True)
class Clip:
    """layers: the clip's own and, if there is one, that whose object is pasted over it.

    follow_pasted: whether the labels are of the pasted object. colours: see
    `ttvos.data.augment.draw_colours`; None for colours as they are.
    """

    layers: tuple[Layer, ...]
    follow_pasted: bool = False
    colours: np.ndarray | None = None


@dataclass(frozen=True)
class Scene:
    """What a layer shows, before the clip is varied: images and labels as in `Layer`, and for
    each of T frames the warp to its image. That of frame 0 changes nothing."""

    images: np.ndarray
    labels: np.ndarray
    warps: list[Warp]

    def seen(self, view: Warp) -> Layer:
        """The layer, looked at through one more warp."""
        size = self.labels.shape[1:]
        lookups = [coarse_lookup(chain([warp, view]), size) for warp in self.warps]
        return Layer(self.images, self.labels, np.stack(lookups))


def collate(clips: list[Clip]) -> dict[str, Tensor]:
    """Put the clips of a batch together for `ttvos.data.augment.make_pixels`.

    "images" (N, H, W, 3) and "masks" (N, H, W) uint8: all images once. L layers, the clips'
    own first, then the pasted: "source" (L, T) int64, numbers of images; "lookups"
    (L, T, h, w, 2) float32 as grid_sample counts them: -1 and 1 are the middles of an image's
    first and last pixel. "pasted" (L-B,) int64: the clip under each pasted layer; "follow"
    (L-B,) bool. "colours" (B, 4) float32, absent where the clips' colours stay.
    """
    pasted = [i for i, clip in enumerate(clips) if len(clip.layers) > 1]
    layers = [clip.layers[0] for clip in clips] + [clips[i].layers[1] for i in pasted]
    height, width = layers[0].labels.shape[1:]
    lookups = np.stack([layer.lookups for layer in layers])
    last = np.array([width - 1, height - 1], dtype=np.float32)
    batch = {
        "images": torch.from_numpy(np.concatenate([layer.images for layer in layers])),
        "masks": torch.from_numpy(np.concatenate([layer.labels for layer in layers])),
        "source": torch.from_numpy(_sources(layers)),
        "lookups": torch.from_numpy(lookups * (2 / last) - 1),
        "pasted": torch.tensor(pasted, dtype=torch.int64),
        "follow": torch.tensor([clips[i].follow_pasted for i in pasted], dtype=torch.bool),
    }
    if clips[0].colours is not None:
        batch["colours"] = torch.from_numpy(np.stack([clip.colours for clip in clips]))
    return batch


def _sources(layers: list[Layer]) -> np.ndarray:
    """(L, T): which of all layers' images, counted through, every frame is looked up in."""
    rows, first = [], 0
    for layer in layers:
        count, frames = len(layer.images), len(layer.lookups)
        rows.append(first + (np.arange(frames) if count == frames else np.zeros(frames, int)))
        first += count
    return np.stack(rows)
