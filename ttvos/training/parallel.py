"""Processes that train together, as torchrun starts them; one alone is a group of its own.

Every process has the whole model and takes its share of each batch. Gradients are added up, so
all go on with the same weights; the first process alone reads and writes results.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from ttvos.core.errors import UserError

T = TypeVar("T")
# The first process may score or write while the others wait for it.
PATIENCE = timedelta(hours=2)
LOST = (
    "another process of this training ended without a word (killed, or out of memory); start "
    "the same command again, and it goes on from the last saved step"
)


class Group:
    """The processes of one training. rank: of this one, 0 .. size-1; place: among its machine's."""

    def __init__(self, rank: int, size: int, place: int, store: dist.Store) -> None:
        self.rank, self.size, self.place = rank, size, place
        self._store, self._parent = store, os.getppid()

    @property
    def is_first(self) -> bool:
        """Whether this is the one that reads and writes results."""
        return self.rank == 0

    def own_device(self, device: torch.device) -> torch.device:
        """This process's GPU where `device` is "cuda": one for each process of a machine."""
        if device.type != "cuda":
            return device
        if self.place >= torch.cuda.device_count():
            raise UserError(
                f"more processes than the {torch.cuda.device_count()} GPUs that torch sees on "
                "this machine: give torchrun a smaller --nproc-per-node"
            )
        torch.cuda.set_device(self.place)
        return torch.device("cuda", self.place) if self.size > 1 else device

    def share(self, numbers: range) -> range:
        """This process's equal share of a batch's clips."""
        each = len(numbers) // self.size
        return numbers[self.rank * each : (self.rank + 1) * each]

    def same(self, make: Callable[[], T]) -> T:
        """What `make` gives in the first process, in all of them."""
        values = [make() if self.is_first else None]
        if self.size > 1:
            with _clear_errors():
                dist.broadcast_object_list(values, src=0)
        return values[0]

    def sum(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; one type and device for all."""
        if self.size == 1:
            return
        if os.getppid() != self._parent:  # else it would train on beside the one started next
            raise UserError("torchrun has ended, and with it this training")
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _clear_errors():
            dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def note(self, text: str) -> bool:
        """Keep a text in `notes`; True in the one process that is the first to bring it."""
        is_new = self._store.add(f"noted/{text}", 1) == 1
        if is_new:
            self._store.set(f"note/{self._store.add('notes', 1)}", text)
        return is_new

    def notes(self) -> list[str]:
        """The texts that any process has brought, sorted."""
        count = self._store.add("notes", 0)
        return sorted(self._store.get(f"note/{n}").decode() for n in range(1, count + 1))

    def claims_last_word(self) -> bool:
        """True in the first process that fails: one line is enough for all."""
        try:
            return self._store.add("failures", 1) == 1
        except RuntimeError:  # the store has gone with torchrun
            return self.is_first


def alone() -> Group:
    """A group of this process only."""
    return Group(0, 1, 0, dist.HashStore())


@contextmanager
def together(device: str) -> Iterator[Group]:
    """The group of this training: all processes if torchrun started it, else this one alone.

    device: "cuda" lets GPUs talk by NCCL; all else goes by gloo. A failure in one process ends
    all of them: the first says why, in one line for a UserError, and none waits for another.
    """
    if not dist.is_torchelastic_launched():
        yield alone()
        return
    store, rank, size = next(dist.rendezvous("env://", timeout=PATIENCE))
    uses_gpus = device == "cuda" and torch.cuda.is_available()
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if uses_gpus else "gloo",
        store=dist.PrefixStore("group", store),
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
    group = Group(rank, size, int(os.environ["LOCAL_RANK"]), dist.PrefixStore("ttvos", store))
    try:
        yield group
    except BaseException as error:
        _leave(group, error)
    dist.destroy_process_group()


def _leave(group: Group, error: BaseException) -> None:
    """End this process at once: a usual exit may wait for answers that will never come."""
    if isinstance(error, Exception) and group.claims_last_word():
        if isinstance(error, UserError | OSError):
            print("ttvos:", " ".join(str(error).splitlines()), file=sys.stderr)
        else:
            traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if isinstance(error, Exception) else 130)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Processes notice by a broken connection that another one has ended."""
    try:
        yield
    except RuntimeError as error:
        raise UserError(LOST) from error
