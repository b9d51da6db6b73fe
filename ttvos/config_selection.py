"""Which of a training's weights become its result, as validated data."""

from dataclasses import dataclass, fields
from typing import Literal

from ttvos.errors import UserError


@dataclass(frozen=True)
class Selection:
    """Which step of the last stage gives the weights.

    by: "last": its last step. "heldout": the step with the best J&F on the training sequences
    that `TrainConfig.heldout` names. "released": the step with the best J&F on a split that is
    reported, as the authors did (docs/facts.md, section 4), so the test set selects the model.
    root, year, split: data set in DAVIS layout to score on; split None: "train" for heldout,
    "val" for released. every: steps between scorings (None: an epoch). start: share of the
    stage's steps before the first scoring; the last step is scored in any case.
    input_scale: size at which the network sees a frame, as in `Dataset`.
    """

    by: Literal["last", "heldout", "released"] = "last"
    root: str | None = None
    year: Literal[2016, 2017] = 2017
    split: str | None = None
    every: int | None = None
    start: float = 0.7
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.by == "last":
            if any(getattr(self, field.name) != field.default for field in fields(self)):
                raise UserError("selection: the last step is taken without scoring; leave the rest")
            return
        if self.root is None:
            raise UserError(f"selection by {self.by}: give root, the data set to score on")
        if self.scored_split.startswith("test"):
            raise UserError(f"selection: split {self.split} has no public ground truth to score on")
        if not 0 <= self.start < 1:
            raise UserError(f"selection: start must be a share from 0 to below 1, not {self.start}")
        if not 0 < self.input_scale <= 4:  # as TTVOSTracker, but before training
            raise UserError(f"selection: input_scale {self.input_scale}: above 0 and at most 4")
        if self.every is not None and self.every < 1:
            raise UserError(f"selection: every must be 1 or more, not {self.every}")

    @property
    def scored_split(self) -> str:
        """The split that is scored on."""
        return self.split or {"heldout": "train", "released": "val"}[self.by]

    @property
    def roots(self) -> tuple[str, ...]:
        """Every folder that selection reads."""
        return (self.root,) if self.root else ()

    def check(self, heldout: tuple[str, ...], learnt_splits: set[str]) -> None:
        """Refuse held-out sequences that are not of the training data.

        heldout: `TrainConfig.heldout`. learnt_splits: of the stages with DAVIS data.
        """
        if self.by != "heldout":
            return
        if not heldout:
            raise UserError("selection by heldout: name the training sequences under heldout")
        if self.scored_split not in learnt_splits:
            known = ", ".join(sorted(learnt_splits)) or "none"
            raise UserError(
                f"selection by heldout: split {self.scored_split} is no split of training "
                f"sequences (splits of the stages with DAVIS data: {known})"
            )
