"""The batches of one training stage: the same ones whether a run was interrupted or not."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ttvos.config.run import Stage, TrainConfig
from ttvos.core.errors import UserError
from ttvos.data.augment import make_pixels
from ttvos.data.layers import Clip, collate
from ttvos.training.parallel import Group


def count_steps(stage: Stage, clips: int) -> int:
    """Steps of the stage: as configured, or whole epochs of `clips` clips, rounded up."""
    if stage.steps is not None:
        return stage.steps
    return math.ceil(stage.epochs * clips / stage.batch)


def batches(
    clips: Dataset,
    stage: Stage,
    steps: range,
    config: TrainConfig,
    group: Group,
    device: torch.device,
) -> Iterator[tuple[dict[str, Tensor], float]]:
    """Yield this process's share of the batch of each step, on `device`, and the seconds that
    it had to be waited for.

    Batch n holds the clips n*batch .. n*batch + batch-1, whose numbers go on through the
    epochs; what a clip is depends on its number and the data set's seed only.
    With `config.skip_damaged`, a clip that cannot be read is replaced by the next that can, and
    the reason is told and noted once; else it is raised (within `reading`, in one line).
    On a CPU, processes that read clips make their pixels too, to the same bits.
    """
    numbers = [group.share(range(n * stage.batch, (n + 1) * stage.batch)) for n in steps]
    tries = 2 * len(clips) if config.skip_damaged else 1  # so many hold a whole epoch
    made = config.workers > 0 and device.type == "cpu"
    loader = DataLoader(
        _Whole(clips, tries),
        batch_sampler=numbers,
        collate_fn=_make if made else _collate,
        num_workers=config.workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else the loader would draw from the global one
    )
    source = iter(loader)
    for _ in steps:
        since = time.perf_counter()
        batch, damages = next(source)
        waited = time.perf_counter() - since
        for damage in damages:
            if group.note(damage):
                print(f"ttvos: skipped: {damage}", file=sys.stderr)
        yield batch if made else make_pixels(batch, device), waited


class _Whole(Dataset):
    """The clips; for one that cannot be read, the next that can, and why.

    tries: how many clips are tried before the error of the first is raised.
    """

    def __init__(self, clips: Dataset, tries: int) -> None:
        self._clips, self._tries = clips, tries

    def __getitem__(self, number: int) -> tuple[Clip, list[str]]:
        errors: list[UserError] = []
        for candidate in range(number, number + self._tries):
            try:
                return self._clips[candidate], [str(error) for error in errors]
            except UserError as error:
                errors.append(error)
        raise errors[0]


def _collate(samples: list[tuple[Clip, list[str]]]) -> tuple[dict[str, Tensor], list[str]]:
    clips, damages = zip(*samples, strict=True)
    return collate(list(clips)), [text for texts in damages for text in texts]


def _make(samples: list[tuple[Clip, list[str]]]) -> tuple[dict[str, Tensor], list[str]]:
    batch, damages = _collate(samples)
    return make_pixels(batch, torch.device("cpu")), damages


@contextmanager
def reading(stage: Stage) -> Iterator[None]:
    """Turn what goes wrong in a process that reads clips into a UserError of one line.

    It goes round all that is done with `batches`: a worker's death shows at any moment.
    """
    try:
        yield
    except UserError as error:
        # A worker's error arrives with its traceback as text; its last line is the message.
        last = str(error).strip().split("\n")[-1]
        raise UserError(last.removeprefix("ttvos.core.errors.UserError: ")) from None
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UserError(
            f"stage {stage.name}: a process that reads training clips died "
            f"(out of memory?); try fewer workers ({error})"
        ) from None
