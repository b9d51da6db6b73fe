"""What an object's filter is fitted on: samples of the clip and their weights.

Facts: docs/peers.md, section 3.5.
"""

import torch
from torch import Tensor

from ttvos.peers.frtm.labels import Labels


def initial_weights(count: int) -> Tensor:
    """Weights (count,) of the first frame's samples, of sum 1; the original counts twice."""
    weights = torch.ones(count)
    weights[0] = 2
    return weights / weights.sum()


class Memory:
    """A fixed number of slots for projected features (c, h, w) and labels, with weights of sum 1.

    The tensors are of full size from the start and are changed in place. `filled` slots are in
    use, the first ones; the others have weight 0.
    """

    def __init__(self, projected: Tensor, labels: Labels, slots: int, learning_rate: float) -> None:
        """projected (K, c, h, w) and labels of the first frame's K samples, the original first.

        learning_rate: the share of the first new sample, above 0 and below 1.
        """
        self.learning_rate = learning_rate
        self.filled = len(projected)
        self.newest: int | None = None
        # Autograd could not use tensors that were made under inference mode.
        with torch.inference_mode(False):
            self.projected = _slots(projected, slots)
            self.labels = type(labels)(*(_slots(part, slots) for part in labels))
            self.weights = projected.new_zeros(slots)
        self.weights[: self.filled] = initial_weights(self.filled)

    def insert(self, projected: Tensor, labels: Labels) -> None:
        """Put a frame's sample (1, c, h, w) and labels into the slot of least weight."""
        slot = int(self.weights.argmin())
        for kept, part in zip((self.projected, *self.labels), (projected, *labels), strict=True):
            kept[slot] = part[0]
        self._weigh(slot)
        self.filled = max(self.filled, slot + 1)

    def _weigh(self, slot: int) -> None:
        """The new sample's share grows with every insertion, so that the older ones' shrink."""
        if self.newest is None:
            self.weights /= 1 - self.learning_rate
            self.weights[slot] = self.learning_rate
        else:
            self.weights[slot] = self.weights[self.newest] / (1 - self.learning_rate)
        self.weights /= self.weights.sum()
        self.newest = slot

    def samples(self) -> tuple[Tensor, Labels, Tensor]:
        """Projected features, labels and weights of the slots in use."""
        labels = type(self.labels)(*(part[: self.filled] for part in self.labels))
        return self.projected[: self.filled], labels, self.weights[: self.filled]


def _slots(part: Tensor, slots: int) -> Tensor:
    kept = torch.zeros((slots, *part.shape[1:]), dtype=part.dtype, device=part.device)
    kept[: len(part)] = part
    return kept
