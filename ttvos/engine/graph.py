"""A step on fixed buffers, so that it can be captured once as a CUDA graph and then replayed.

A graph's hundreds of kernels start by one call, but they always read and write the same memory.
`GraphRunner` keeps the memory of one clip there, and moves it out when another clip's is needed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

WARMUP = 3  # runs before the capture, in which libraries choose their kernels

Replay = Callable[[], Sequence[Tensor]]


def capture_cuda(run: Replay) -> Replay:
    """Capture `run` on the current CUDA device; the replay gives the same tensors each time."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside), _trying_kernels():
        for _ in range(WARMUP):
            run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), _trying_kernels():
        results = run()

    def replay() -> Sequence[Tensor]:
        graph.replay()
        return results

    return replay


@contextmanager
def _trying_kernels() -> Iterator[None]:
    """Let cuDNN time its kernels and keep the fastest: the shapes will not change."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@dataclass
class Held:
    """The memory of a clip: in a runner's buffers, or (`tensors`) moved out of them."""

    tensors: tuple[Tensor, ...] | None = None


class GraphRunner:
    """Runs a step for one size of frame and one number of objects, one or several clips in turn.

    step: (frame, *memory) -> (results, memory after it), tensors of fixed shapes.
    memory: of the first clip, to take the shapes from. capture: `capture_cuda`, unless given.
    """

    def __init__(
        self,
        step: Callable[..., tuple[tuple[Tensor, ...], tuple[Tensor, ...]]],
        frame: Tensor,
        memory: Sequence[Tensor],
        capture: Callable[[Replay], Replay] | None = None,
    ) -> None:
        self._frame = frame.clone()
        self._memory = [tensor.clone() for tensor in memory]
        self._inside: Held | None = None

        def run() -> Sequence[Tensor]:
            results, after = step(self._frame, *self._memory)
            for kept, new in zip(self._memory, after, strict=True):
                kept.copy_(new)
            return results

        self._replay = (capture or capture_cuda)(run)

    def __call__(
        self, frame: Tensor, memory: Held | Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Held]:
        """frame (H, W, 3) uint8 on the device, memory -> results, memory after it.

        The results are overwritten by the next call. A memory can be used once: RuntimeError.
        """
        if memory is not self._inside or self._inside is None:
            self._bring_in(memory)
        self._frame.copy_(frame, non_blocking=True)
        results = self._replay()
        self._inside = Held()
        return results, self._inside

    def _bring_in(self, memory: Held | Sequence[Tensor]) -> None:
        tensors = memory.tensors if isinstance(memory, Held) else memory
        if tensors is None:
            raise RuntimeError("this tracking state has been used already; keep the newer one")
        if self._inside is not None:
            self._inside.tensors = tuple(tensor.clone() for tensor in self._memory)
        for kept, given in zip(self._memory, tensors, strict=True):
            kept.copy_(given)
