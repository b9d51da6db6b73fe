"""The coarse scores that the segmentation network learns from: a target model for each clip.

Target models of a frozen backbone can be kept on disk, because fitting them costs most of FRTM's
training. A fit depends on the backbone, on how it is done, and on the first frame and its mask;
both arms of Table 5 therefore need each of them once (docs/peers.md, section 3.8).

B: clips of a batch, T: frames of a clip, H, W: frame size, h, w: 1/16 of it.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ttvos.config.frtm import FRTMTraining
from ttvos.config.run import as_plain
from ttvos.core.code_hash import code_hash
from ttvos.core.files import atomic_path
from ttvos.core.provenance import settings_hash
from ttvos.peers.base import make_seeded
from ttvos.peers.frtm.augment import augment
from ttvos.peers.frtm.backbone import TARGET_LEVEL
from ttvos.peers.frtm.learner import Features, Learner
from ttvos.peers.frtm.optimiser import fit
from ttvos.peers.frtm.settings import TRAINING_FIT, FitSettings
from ttvos.peers.frtm.target import TargetModel, TargetWeights, initial_weights


class TargetCache:
    """Weights of target models by first frame, in a folder of their own for each `settings`.

    settings: all that decides a fit but the frame: backbone weights, options, code.
    """

    def __init__(self, folder: Path | str, settings: dict) -> None:
        self.folder = Path(folder) / settings_hash(settings)

    def get(self, image: Tensor, mask: Tensor) -> dict[str, Tensor] | None:
        """The weights fitted to that frame; None where they are not kept, or not readable."""
        path = self._path(image, mask)
        try:
            return load_file(path) if path.is_file() else None
        except (OSError, SafetensorError):  # fitted and written again
            return None

    def put(self, image: Tensor, mask: Tensor, weights: dict[str, Tensor]) -> None:
        """Keep the weights fitted to image (H,W,3) uint8 and mask (H,W)."""
        ready = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
        with atomic_path(self._path(image, mask)) as temporary:
            temporary.write_bytes(save(ready))

    def _path(self, image: Tensor, mask: Tensor) -> Path:
        digest = hashlib.sha256()
        for part in (image, mask):
            digest.update(f"{tuple(part.shape)} {part.dtype}".encode())
            digest.update(part.cpu().contiguous().numpy().tobytes())
        name = digest.hexdigest()
        return self.folder / name[:2] / f"{name[2:34]}.safetensors"


FITTING = ("peers/frtm/samples.py",)  # code that decides a fit, for the cache


class TargetScores:
    """Fits a target model to each clip's first frame, and scores the others with it.

    It is fitted to augmented copies of the frame and then fixed, as in the public code's training
    (docs/peers.md, section 3.8); where `config.target_cache` is set, it is kept on disk. All that
    is random in it is drawn from the same seed for each clip, so a fit depends on the frame alone.
    """

    def __init__(self, config: FRTMTraining, learner: Learner) -> None:
        self.config, self.learner = config.target, learner
        self.settings = fit_settings(config)
        channels = learner.backbone.channels[TARGET_LEVEL]
        model = make_seeded(lambda: TargetModel(channels, self.config.channels))
        self.model = model.to(next(learner.parameters()).device)
        self.fitted = self.found = 0
        self.cache = None
        if config.target_cache is not None:
            key = {
                "target": as_plain(config.target),
                "precision": config.precision,
                "backbone": hashlib.sha256(save(_plain(learner.backbone))).hexdigest(),
                "code": code_hash(*FITTING),
            }
            self.cache = TargetCache(config.target_cache, key)

    def __call__(self, images: Tensor, labels: Tensor, features: Features) -> Tensor:
        """Scores (B*(T-1),1,h,w) of frames 1 .. T-1, raw and without gradient.

        images (B,T,3,H,W) RGB in 0..255; labels (B,T,H,W) in {0,1,255}, of which frame 0's are
        looked at (255 is background there). features: of frames 1 .. T-1, by level; those that a
        learning backbone made in training mode are made again in eval mode.
        """
        if self.learner.is_frozen:
            seen = features[TARGET_LEVEL].float()
        else:
            seen = self.learner.target_features(images[:, 1:].flatten(0, 1))
        firsts = zip(images[:, 0], labels[:, 0] == 1, strict=True)
        models = [self.model_of(image, mask) for image, mask in firsts]
        with torch.no_grad():
            parts = zip(seen.unflatten(0, (len(images), -1)), models, strict=True)
            return torch.cat([self.model(part, weights)[0] for part, weights in parts])

    def model_of(self, image: Tensor, mask: Tensor) -> TargetWeights:
        """The target model of one first frame: image (3,H,W) in 0..255, mask (H,W) bool."""
        picture = image.permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)
        kept = self.cache.get(picture, mask) if self.cache else None
        if kept is not None:
            self.found += 1
            return TargetWeights(**{name: value.to(image.device) for name, value in kept.items()})
        weights = self._fit(picture, mask)
        self.fitted += 1
        if self.cache:
            self.cache.put(picture, mask, weights._asdict())
        return weights

    def _fit(self, picture: Tensor, mask: Tensor) -> TargetWeights:
        device, samples = picture.device, self.config.samples if mask.any() else 1
        pictures, masks = augment(picture.cpu().numpy(), mask.cpu().numpy(), samples)
        images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2)
        seen = self.learner.target_features(images)
        labels = torch.from_numpy(masks).to(device)[:, None].float()
        shares = initial_weights(len(labels)).to(device)
        return fit(seen, labels, None, shares, self.settings, self.model.initial()).weights

    def counts(self) -> dict[str, int]:
        """Target models fitted, and taken from the cache, in this call of the training."""
        return {"fitted": self.fitted, "from_cache": self.found}


def fit_settings(config: FRTMTraining) -> FitSettings:
    """The optimiser's settings: the training's of the public code, but for what is configured.

    The labels are condensed: the same arithmetic up to rounding, many times sooner.
    """
    target = config.target
    return replace(
        TRAINING_FIT,
        channels=target.channels,
        regularisers=(target.projection, target.filter),
        joint=target.first,
        alone=target.then,
        labels="condensed",
    )


def _plain(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.cpu().contiguous() for name, value in module.state_dict().items()}
