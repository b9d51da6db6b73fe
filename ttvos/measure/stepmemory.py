"""Memory that one training step needs, by clip length: each measured in a process of its own.

    python -m ttvos.measure.stepmemory '{"backbone": "frozen", "frames": 3, ...}'

A process, because its peak only rises, and what an allocator keeps would be counted again.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ttvos.config.run import TrainConfig
from ttvos.core.device import find_device, peak_memory, read_clock
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.training.step import Stepper
from ttvos.training.ttvos import TTVOSTask

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Case:
    """One measurement: backbone "frozen" but for its last block, or "whole"; frames of a clip of
    height x width pixels, clips of a batch, all in float32. weights: file or name."""

    backbone: str
    frames: int
    checkpointing: bool
    clips: int
    height: int
    width: int
    device: str
    threads: int
    weights: str = "ttvos-hrnet-davis"


def step_memory(case: Case) -> dict[str, float]:
    """{"peak_bytes", "seconds"} of a case; UserError with the last line of what went wrong."""
    command = [sys.executable, "-m", "ttvos.measure.stepmemory", json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
        raise UserError(f"memory of a step with {case.frames} frames: {reason}")
    return json.loads(done.stdout)


def measure(case: Case) -> dict[str, float]:
    """In this process: peak bytes of one step above those before it, and seconds of a second.

    Resident bytes on a CPU; on CUDA those that PyTorch allocated.
    """
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    device = find_device(case.device)
    model = checkpoint.load(case.weights).requires_grad_(True)
    if case.backbone == "frozen":
        model.freeze()
    model.to(device, memory_format=torch.channels_last).train()
    config = TrainConfig(stages=(), checkpointing=case.checkpointing)
    task = TTVOSTask(config, model.variant, model.backbone_name)
    optimizer, stepper = task.optimizer(model, 1e-5), Stepper(task, model)
    size = (case.height, case.width)
    batch = {
        "frames": torch.randn(case.clips, case.frames, 3, *size, device=device),
        "labels": torch.randint(0, 2, (case.clips, case.frames, *size), device=device),
    }

    def step() -> float:
        since = read_clock(device)
        stepper.step(optimizer, batch, 1e-5)
        return read_clock(device) - since

    before = _memory_now(device)
    step()
    peak = _peak(device) - before
    return {"peak_bytes": peak, "seconds": step()}


def _memory_now(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    return _status("VmRSS") if STATUS.exists() else peak_memory(device)


def _peak(device: torch.device) -> int:
    # Linux hands a process's largest resident set (getrusage) on to what it starts.
    is_cpu = device.type == "cpu" and STATUS.exists()
    return _status("VmHWM") if is_cpu else peak_memory(device)


def _status(name: str) -> int:
    """A size in bytes out of Linux's account of this process."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(measure(Case(**json.loads(sys.argv[1])))))
