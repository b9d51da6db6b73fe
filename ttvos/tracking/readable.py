"""TTVOS as a tracker: frames and masks in, masks out; any frame size, any number of objects.

This is the path to read, and the one that meets the released code's masks; `ttvos.engine` is held
to it and does the same sooner.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.model.ttvos import TTVOS, State, Step
from ttvos.tracking.clip_input import as_frames, as_mask
from ttvos.tracking.geometry import Padding, as_ids, as_image, normalise, odds, resize
from ttvos.tracking.precision import matrix_precision
from ttvos.tracking.protocol import (
    Prediction,
    Track,
    Tracker,
    check_pair,
    check_prediction,
    check_size,
    object_ids,
    one_hot,
    stream,
)

PADDING = Padding(16, reflects=True, odd_first=True)  # docs/facts.md, section 1


@dataclass(frozen=True)
class TrackingState:
    """The network's state (one batch entry per object), the objects' ids and the frame's size."""

    network: State
    ids: tuple[int, ...]
    size: tuple[int, int]


class TTVOSTracker:
    """Tracks with a TTVOS model, in plain PyTorch and float32 (on CUDA without TF32).

    single_object: "aggregated" passes one object's heatmap through the aggregation as several
    objects' are (released code); "direct" feeds it back as it is (paper; ledger item 7).
    input_scale: the network sees frames of this share of their size (0.5: half as high and
    wide), and its heatmaps are enlarged to the frames'. Not in the paper, which has 1.
    """

    precision = "float32"

    def __init__(
        self,
        model: TTVOS,
        device: str = "cpu",
        single_object: Literal["aggregated", "direct"] = "aggregated",
        input_scale: float = 1.0,
    ) -> None:
        check_options(single_object, input_scale)
        self.device = find_device(device)
        self.model = model.eval().to(self.device)
        self.single_object = single_object
        self.input_scale = input_scale
        self.options: dict[str, object] = {"single_object": single_object}
        if input_scale != 1:
            self.options["input_scale"] = input_scale
        self.name = f"ttvos-{model.variant.name}-{model.backbone_name}"

    @matrix_precision(precision)
    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> TrackingState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        foreground = torch.from_numpy(one_hot(mask, ids)).to(self.device)
        heatmap = torch.stack([1 - foreground, foreground], dim=1)
        heatmap = self._seen(heatmap)
        features = self.model.features(self._images(frame)).expand(len(ids))
        return TrackingState(self.model.start(features, heatmap), ids, mask.shape)

    @matrix_precision(precision)
    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: TrackingState) -> tuple[Prediction, TrackingState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        features = self.model.features(self._images(frame)).expand(len(state.ids))
        step = self.model.step(features, state.network)
        # exp of log-softmax, as the released code: its last bits decide ties between objects
        raw = step.logits.log_softmax(dim=1).exp()
        fed_back = self._fed_back(raw)
        network = self.model.advance(features, state.network, step, fed_back)
        labels = label(self._full_size(fed_back, state.size))
        foreground = self._full_size(raw, state.size)[:, 1]
        prediction = self._prediction(labels, foreground, step, state.ids)
        return prediction, TrackingState(network, state.ids, state.size)

    def _fed_back(self, raw: Tensor) -> Tensor:
        if len(raw) == 1 and self.single_object == "direct":
            return raw
        return aggregate(raw)

    def _images(self, frame: np.ndarray) -> Tensor:
        return self._seen(normalise(as_image(frame, self.device)))

    def _seen(self, x: Tensor) -> Tensor:
        """(N, C, H, W) at the size that the network sees, and padded."""
        return PADDING.pad(resize(x, self._network_size(x.shape[-2:]), averages=True))

    def _network_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width that the network sees, before padding."""
        height, width = (max(1, round(side * self.input_scale)) for side in size)
        return height, width

    def _full_size(self, heatmaps: Tensor, size: tuple[int, int]) -> Tensor:
        """Heatmaps (O, 2, H', W') as the network gives them, at the frame's size (H, W)."""
        return resize(PADDING.crop(heatmaps, self._network_size(size)), size, averages=True)

    @staticmethod
    def _prediction(
        labels: Tensor, foreground: Tensor, step: Step, ids: tuple[int, ...]
    ) -> Prediction:
        weight, transition = step.update_weight, step.transition
        return Prediction(
            mask=as_ids(labels, ids),
            foreground=foreground.cpu().numpy(),
            update_weight=None if weight is None else weight.cpu().numpy(),
            transition=None if transition is None else transition_map(transition).cpu().numpy(),
            attention=step.attention.mean(dim=1).cpu().numpy(),
        )


def check_options(single_object: str, input_scale: float) -> None:
    """Raise UserError for values that no tracker takes."""
    if single_object not in ("aggregated", "direct"):
        raise UserError(f"single_object {single_object!r}: aggregated or direct")
    if not isinstance(input_scale, (int, float)) or not 0 < input_scale <= 4:
        raise UserError(f"input_scale {input_scale!r}: a number above 0 and at most 4")


def transition_map(raw: Tensor) -> Tensor:
    """(O, 2, h, w) raw -> (O, h, w) in (-1, 1): foreground minus background after the softmax.

    Positive where the object enters, negative where it leaves (paper, Figure 7).
    """
    background, foreground = raw.softmax(dim=1).unbind(dim=1)
    return foreground - background


def aggregate(raw: Tensor) -> Tensor:
    """Make several objects' heatmaps exclude one another (docs/facts.md, section 2).

    raw (O, 2, H, W) probabilities -> (O, 2, H, W): the shares of each object's odds and of the
    background's, which are those of the smallest background probability; clipped to 1e-7.
    """
    own = odds(raw[:, 1])
    background = odds(raw[:, 0].min(dim=0, keepdim=True).values)
    foreground = own / (own.sum(dim=0, keepdim=True) + background)
    return torch.stack([1 - foreground, foreground], dim=1)


def label(heatmaps: Tensor) -> Tensor:
    """(O, 2, H, W) aggregated heatmaps -> (H, W) int64: 0 = background, o + 1 = object o."""
    foreground = heatmaps[:, 1]
    background = 1 - foreground.sum(dim=0, keepdim=True)
    return torch.cat([background, foreground]).argmax(dim=0)


def track_clip(
    tracker: Tracker, frames: np.ndarray, first_mask: np.ndarray, progress: bool | None = False
) -> Track:
    """frames (T, H, W, 3) uint8 RGB, first_mask (H, W) uint8 ids -> Track.

    progress: whether frames are counted on stderr; None means on a terminal only. The frames and
    the mask may also be what `ttvos.tracking.clip_input` makes into such arrays. Raises UserError
    for what it cannot, for a mask without an object, and for predictions that are not numbers.
    """
    frames, first_mask = as_frames(frames), as_mask(first_mask)
    with matrix_precision(getattr(tracker, "precision", None) or "float32"):
        state = tracker.init(frames[0], first_mask)
        ids = state.ids
        coming = stream(tracker, frames[1:], state)
        hidden = None if progress is None else not progress
        bar = tqdm(coming, "track", len(frames) - 1, unit="frame", leave=False, disable=hidden)
        predictions = list(bar)
    for prediction, frame in zip(predictions, frames[1:], strict=True):
        check_prediction(prediction, frame, ids)
    given = np.where(np.isin(first_mask, ids), first_mask, 0).astype(np.uint8)
    nothing = np.full(len(ids), np.nan, dtype=np.float32)
    weights = [nothing if p.update_weight is None else p.update_weight for p in predictions]
    return Track(
        masks=np.stack([given, *(p.mask for p in predictions)]),
        foreground=np.stack([one_hot(first_mask, ids), *(p.foreground for p in predictions)]),
        update_weights=np.stack(weights) if weights else np.zeros((0, len(ids)), np.float32),
        objects=ids,
    )
