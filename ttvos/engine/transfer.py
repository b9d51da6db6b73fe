"""Frames to a CUDA device and results back, beside the computing."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor


class Transfer:
    """Two slots each way, in memory that the device reads by itself: while one frame is computed,
    the next goes in and the results of the one before it come out."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._sending = torch.cuda.Stream(device)
        self._slots = [_Slot(), _Slot()]
        self._sent = 0
        self._waiting: list[_Slot] = []

    def send(self, frame: np.ndarray) -> Tensor:
        """frame (H, W, 3) uint8 -> the same on the device; valid until the next but one."""
        slot = self._slots[self._sent % 2]
        self._sent += 1
        if slot.pinned is None:
            slot.pinned = torch.empty(frame.shape, dtype=torch.uint8, pin_memory=True)
            slot.frame = torch.empty(frame.shape, dtype=torch.uint8, device=self._device)
            self._sending.wait_stream(torch.cuda.current_stream())
        # The slot's last frame was computed before its results came back (`receive`).
        slot.pinned.numpy()[...] = frame
        with torch.cuda.stream(self._sending):
            slot.frame.copy_(slot.pinned, non_blocking=True)
        torch.cuda.current_stream().wait_stream(self._sending)
        return slot.frame

    def receive(self, results: Sequence[Tensor]) -> list[np.ndarray] | None:
        """Start to fetch a frame's results; returns those of the frame before it, if any."""
        slot = self._slots[(self._sent - 1) % 2]
        if not slot.results:
            slot.results = [torch.empty(r.shape, dtype=r.dtype, pin_memory=True) for r in results]
        for kept, result in zip(slot.results, results, strict=True):
            kept.copy_(result, non_blocking=True)
        slot.done = torch.cuda.Event()
        slot.done.record()
        self._waiting.append(slot)
        return self._waiting.pop(0).read() if len(self._waiting) == 2 else None

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
        self.done: torch.cuda.Event | None = None

    def read(self) -> list[np.ndarray]:
        self.done.synchronize()
        return [result.numpy().copy() for result in self.results]
