"""OnAVOS: a segmentation network that is trained on frame 0, and again on every frame.

Written from docs/peers.md, section 4.10. The network is Wide ResNet-38, model A, whose last stages
are dilated, with two classes; the insides of a unit are those of model A.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.core.video import VOID
from ttvos.peers.base import ClipState, Found, PeerTracker, to_image
from ttvos.peers.onavos_learning import (
    Augmentation,
    Known,
    adapt,
    draws,
    negatives,
    run,
    train,
)
from ttvos.peers.online import Weights, online_cost, pass_macs
from ttvos.tracking.geometry import likeliest, resize
from ttvos.tracking.protocol import one_hot

THRESHOLD = 0.5
PUBLISHED_FIRST_STEPS, PUBLISHED_STEPS, PUBLISHED_PASSES = 50, 15, 10
HEAD_DILATION = 12
HEAD_WIDTH = 512
CLASSES = 2

# units, widths of a unit's convolutions, their kernels, stride of the first unit, dilation
STAGES = (
    (3, (128, 128), (3, 3), 2, 1),
    (3, (256, 256), (3, 3), 2, 1),
    (6, (512, 512), (3, 3), 2, 1),
    (3, (512, 1024), (3, 3), 1, 2),
    (1, (512, 1024, 2048), (1, 3, 1), 1, 4),
    (1, (1024, 2048, 4096), (1, 3, 1), 1, 4),
)


class Unit(nn.Module):
    """Batch norm, ReLU and a convolution, two or three times, beside a shortcut.

    Where width or size changes, the shortcut is a 1x1 convolution of the first ReLU's output.
    """

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, ...],
        kernels: tuple[int, ...],
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        before = (in_channels, *widths[:-1])
        self.norms = nn.ModuleList(map(nn.BatchNorm2d, before))
        self.convs = nn.ModuleList(
            conv(a, b, kernel, stride if i == 0 else 1, dilation if kernel > 1 else 1)
            for i, (a, b, kernel) in enumerate(zip(before, widths, kernels, strict=True))
        )
        changes = stride != 1 or in_channels != widths[-1]
        self.shortcut = conv(in_channels, widths[-1], 1, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, widths[-1], h / stride, w / stride)."""
        first = F.relu(self.norms[0](x))
        side = x if self.shortcut is None else self.shortcut(first)
        y = self.convs[0](first)
        for norm, layer in zip(self.norms[1:], self.convs[1:], strict=True):
            y = layer(F.relu(norm(y)))
        return side + y


class OnAVOSNetwork(nn.Module):
    """Trunk and head. divisor: of all widths but the classes, for a small network in tests."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(divisor), Head(divisor)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W), normalised -> logits of background and object, (N, 2, H, W)."""
        return resize(self.head(self.trunk(images)), images.shape[-2:])


class Trunk(nn.Module):
    """One convolution at full size, and 17 units down to 1/8."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        channels = 64 // divisor
        self.first = conv(3, channels, 3)
        units = []
        for count, full_widths, kernels, stride, dilation in STAGES:
            widths = tuple(width // divisor for width in full_widths)
            for i in range(count):
                units.append(Unit(channels, widths, kernels, stride if i == 0 else 1, dilation))
                channels = widths[-1]
        self.units = nn.Sequential(*units)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 4096, H/8, W/8), each side rounded up."""
        return F.relu(self.norm(self.units(self.first(images))))


class Head(nn.Module):
    """Two 3x3 convolutions of dilation 12, with a ReLU between."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        around = {"padding": HEAD_DILATION, "dilation": HEAD_DILATION}
        self.conv = nn.Conv2d(4096 // divisor, HEAD_WIDTH // divisor, 3, **around)
        self.classify = nn.Conv2d(HEAD_WIDTH // divisor, CLASSES, 3, **around)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4096, h, w) -> (N, 2, h, w)."""
        return self.classify(F.relu(self.conv(x)))


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Without bias; the size is kept but for the stride."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(
        in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
    )


@dataclass(frozen=True)
class Learned:
    """One object. weights: its own, by the network's names; empty where nothing was trained.

    first: (1, H, W) long labels of frame 0, 255 = void. last: (H, W) bool, the last mask, pruned.
    """

    weights: Weights
    first: Tensor
    last: np.ndarray


@dataclass(frozen=True)
class OnAVOSState(ClipState):
    """first: frame 0, (1, 3, H, W) in [0, 1]. index: of the last frame."""

    first: Tensor
    index: int
    objects: tuple[Learned, ...]


class OnAVOS(PeerTracker):
    """OnAVOS with random weights, for cost and speed: one pass a frame for each object.

    first_steps: of Adam on frame 0; steps: on every frame; passes: augmented ones whose
    probabilities are averaged, a single one is of the frame itself. Published are 50, 15 and 10;
    by default 0, 0 and 1: `online_cost` says what the published ones cost. Raises UserError for
    numbers out of range.
    """

    name = "onavos"
    network_class = OnAVOSNetwork

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        first_steps: int = 0,
        steps: int = 0,
        passes: int = 1,
    ) -> None:
        options = {"first_steps": first_steps, "steps": steps, "passes": passes}
        for key, value in options.items():
            least = 1 if key == "passes" else 0
            if type(value) is not int or value < least:
                raise UserError(f"onavos: {key} {value!r}: a whole number, {least} or more")
        super().__init__(device, weights)
        self.options: dict[str, object] = {**options}
        self.first_steps, self.steps, self.passes = first_steps, steps, passes

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {"trunk": (self.network.trunk,), "head": (self.network.head,)}

    @torch.inference_mode(False)  # for the training
    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> OnAVOSState:
        """The training on frame 0 is here, seeded for each object."""
        first = self._image(frame)
        objects = []
        for target in one_hot(mask, ids):
            # void pixels of the given mask teach nothing
            known = np.where(mask == VOID, VOID, target)
            labels = torch.from_numpy(known).to(self.device).long()[None]
            weights: Weights = {}
            if self.first_steps:
                weights = train(self.network, first, labels, self.first_steps)
            objects.append(Learned(weights, labels, target > 0))
        return OnAVOSState(ids, mask.shape, first, 0, tuple(objects))

    def _follow(self, frame: np.ndarray, state: OnAVOSState) -> tuple[Found, OnAVOSState]:
        """The training on the frame comes first."""
        with torch.inference_mode(False):
            image, index = self._image(frame), state.index + 1
        found, objects = [], []
        for learned in state.objects:
            far = negatives(learned.last)
            weights = learned.weights
            if self.steps and far is not None:
                known = Known(state.first, learned.first, image, torch.from_numpy(far))
                with torch.inference_mode(False):
                    weights = adapt(self.network, weights, known, self.steps, seed=index)
            posterior = self._posterior(weights, image, index)
            last = posterior > THRESHOLD
            # what cannot be the object is taken out of the mask that the next frame starts from
            last = last if far is None else last & ~far
            found.append(posterior)
            objects.append(replace(learned, weights=weights, last=last))
        foreground = torch.from_numpy(np.stack(found))
        after = replace(state, index=index, objects=tuple(objects))
        return Found(likeliest(foreground), foreground), after

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the published training for one object, whether it runs or not.

        Of frame 0, as `online_cost` of `ttvos.peers.online`: updates, passes_per_update,
        macs_per_update, macs. Of every other frame: frame_updates, frame_passes, and frame_macs,
        of both together. Augmentation changes sizes; every pass counts as one of the frame's own.
        """
        shape = (1, 3, height, width)
        first = online_cost(OnAVOSNetwork, [shape], PUBLISHED_FIRST_STEPS)
        passes = PUBLISHED_PASSES * pass_macs(OnAVOSNetwork, [shape])
        return {
            **first,
            "frame_updates": PUBLISHED_STEPS,
            "frame_passes": PUBLISHED_PASSES,
            "frame_macs": PUBLISHED_STEPS * first["macs_per_update"] + passes,
        }

    def _image(self, frame: np.ndarray) -> Tensor:
        """In [0, 1]; its normalisation comes after the augmentation."""
        return to_image(frame, self.device)

    def _posterior(self, weights: Weights, image: Tensor, index: int) -> np.ndarray:
        """The object's probabilities (H, W) float32, the mean of all passes."""
        ways = draws(self.passes, seed=index) if self.passes > 1 else [Augmentation()]
        size = image.shape[-2:]
        found = [
            way.undo(run(self.network, weights, way.image(image)).softmax(dim=1), size)
            for way in ways
        ]
        return torch.cat(found).mean(dim=0)[1].cpu().numpy()
