"""Frames to a CUDA device and results back, beside the computing."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Transfer:
    """Two slots each way, in memory that the device reads by itself: while one frame is computed,
    the next goes in and the results of the one before it come out.

    cuda: what has PyTorch's streams and events.
    """

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        self._device, self._cuda = device, cuda
        self._pins = device.type == "cuda"
        self._sending = cuda.Stream(device)
        self._slots = [_Slot(), _Slot()]
        self._sent = 0
        self._waiting: list[_Slot] = []

    def send(self, frame: np.ndarray) -> Tensor:
        """frame (H, W, 3) uint8 -> the same on the device; valid until the next but one."""
        slot = self._slots[self._sent % 2]
        self._sent += 1
        if slot.pinned is None:
            slot.pinned = self._on_host(frame.shape, torch.uint8)
            slot.frame = torch.empty(frame.shape, dtype=torch.uint8, device=self._device)
            self._sending.wait_stream(self._cuda.current_stream())
        # The slot's last frame was computed before its results came back (`receive`).
        slot.pinned.numpy()[...] = frame
        with self._cuda.stream(self._sending):
            slot.frame.copy_(slot.pinned, non_blocking=True)
        self._cuda.current_stream().wait_stream(self._sending)
        return slot.frame

    def receive(self, results: Sequence[Tensor]) -> list[np.ndarray] | None:
        """Start to fetch a frame's results; returns those of the frame before it, if any."""
        slot = self._slots[(self._sent - 1) % 2]
        if not slot.results:
            slot.results = [self._on_host(result.shape, result.dtype) for result in results]
        for kept, result in zip(slot.results, results, strict=True):
            kept.copy_(result, non_blocking=True)
        slot.done = self._cuda.Event()
        slot.done.record()
        self._waiting.append(slot)
        return self._waiting.pop(0).read() if len(self._waiting) == 2 else None

    def _on_host(self, shape: torch.Size | tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, pin_memory=self._pins)

    def rest(self) -> Iterator[list[np.ndarray]]:
        """The results that have not come back yet."""
        while self._waiting:
            yield self._waiting.pop(0).read()


class _Slot:
    """Pinned memory for one frame and its results."""

    def __init__(self) -> None:
        self.pinned: Tensor | None = None
        self.frame: Tensor | None = None
        self.results: list[Tensor] = []
        self.done: Any = None

    def read(self) -> list[np.ndarray]:
        self.done.synchronize()
        return [result.numpy().copy() for result in self.results]
