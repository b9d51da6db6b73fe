"""FRTM's settings, with the published values for evaluation and training.

Facts: docs/peers.md, sections 3.2 to 3.6.
"""

from dataclasses import dataclass, replace
from typing import Literal

from ttvos.core.errors import UserError

Form = Literal["full", "condensed"]  # of the labels (`ttvos.peers.frtm.labels`)


@dataclass(frozen=True)
class FitSettings:
    """How a target model is fitted.

    channels: between its two convolutions. regularisers: lambda of project and filter, which also
    precondition. joint: iterations of conjugate gradients in each Gauss-Newton step of both
    convolutions on the first frame. alone: the same for the filter alone, which follows at once.
    update: for the filter in later frames. forget, forget_rate: a carried direction's rho is
    divided by (1 - forget) ** forget_rate. labels: the form of the computation; both give the
    same weights up to rounding, "condensed" many times sooner (`ttvos.peers.frtm.labels`).
    """

    channels: int = 96
    regularisers: tuple[float, float] = (1e-4, 1e-2)
    joint: tuple[int, ...] = (5, 10, 10, 10, 10)
    alone: tuple[int, ...] = (10,)
    update: tuple[int, ...] = (10,)
    forget: float = 0.1
    forget_rate: float = 750.0
    labels: Form = "full"

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise UserError(f"channels {self.channels}: at least 1")
        if min(self.regularisers) <= 0:
            raise UserError(f"regularisers {self.regularisers}: above 0, as they precondition")
        for name in ("joint", "alone", "update"):
            schedule = getattr(self, name)
            if not schedule or min(schedule) < 1:
                raise UserError(f"{name} {schedule}: one or more counts of at least 1")
        if not 0 <= self.forget < 1 or self.forget_rate < 0:
            raise UserError(f"forget {self.forget} in [0, 1), forget_rate {self.forget_rate} >= 0")
        if self.labels not in ("full", "condensed"):
            raise UserError(f"labels {self.labels!r}: full or condensed")

    @property
    def forgotten(self) -> float:
        """What a carried direction's rho is divided by."""
        return (1 - self.forget) ** self.forget_rate


@dataclass(frozen=True)
class Settings:
    """All that a tracker decides about its target models.

    target_share: the least that a small target's pixels weigh together
    (`ttvos.peers.frtm.labels.pixel_weights`). min_pixels: under so many pixels of target, a
    frame's filter is not updated. slots, learning_rate: of the memory. interval: frames between
    updates. samples: first frame and its augmentations. label_scale: the labels' resolution as a
    share of the frame's.
    """

    fit: FitSettings = FitSettings()
    target_share: float = 0.1
    min_pixels: int = 10
    slots: int = 80
    learning_rate: float = 0.1
    interval: int = 8
    samples: int = 5
    label_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("target_share", "learning_rate"):
            if not 0 < getattr(self, name) < 1:
                raise UserError(f"{name} {getattr(self, name)}: above 0 and below 1")
        for name in ("interval", "samples"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} {getattr(self, name)}: at least 1")
        if self.min_pixels < 0:
            raise UserError(f"min_pixels {self.min_pixels}: at least 0")
        if self.slots < self.samples:
            raise UserError(f"slots {self.slots}: at least the {self.samples} samples")
        if not 0 < self.label_scale <= 1:
            raise UserError(f"label_scale {self.label_scale}: above 0 and at most 1")


EVALUATION = Settings()
# The paper's "fast". Its schedule for the filter alone on the first frame is not in the facts;
# as in the other schedule it is taken to be that of an update.
FAST = replace(EVALUATION, fit=FitSettings(joint=(5, 10, 10, 10), alone=(5,), update=(5,)))
# In training the target models stay as the first frame made them: no memory, all pixels alike.
TRAINING_FIT = FitSettings(channels=32, regularisers=(1e-5, 1e-4), forget_rate=75.0)
