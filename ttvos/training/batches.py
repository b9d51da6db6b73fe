"""The batches of one training stage: the same ones whether a run was interrupted or not."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ttvos.config import Stage
from ttvos.data.layers import collate
from ttvos.errors import UserError
from ttvos.training.augment import apply


def count_steps(stage: Stage, clips: int) -> int:
    """Steps of the stage: as configured, or whole epochs of `clips` clips, rounded up."""
    if stage.steps is not None:
        return stage.steps
    return math.ceil(stage.epochs * clips / stage.batch)


def batches(
    dataset: Dataset, stage: Stage, first: int, steps: int, workers: int, device: torch.device
) -> Iterator[dict[str, Tensor]]:
    """Yield the collated batches of steps `first` .. `steps`-1, on `device`.

    Batch n holds the samples n*batch .. n*batch + batch-1, whose numbers go on through the
    epochs; what a sample is depends on its number and the data set's seed only.
    Raises UserError, in one line, for whatever goes wrong in a worker process.
    """
    numbers = [range(n * stage.batch, (n + 1) * stage.batch) for n in range(first, steps)]
    loader = DataLoader(
        dataset,
        batch_sampler=numbers,
        collate_fn=collate,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else the loader would draw from the global one
    )
    try:
        for batch in loader:
            yield apply(batch, device)
    except UserError as error:
        # A worker's error arrives with its traceback as text; its last line is the message.
        last = str(error).strip().split("\n")[-1]
        raise UserError(last.removeprefix("ttvos.errors.UserError: ")) from None
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UserError(
            f"stage {stage.name}: a process that reads training clips died "
            f"(out of memory?); try fewer workers ({error})"
        ) from None
