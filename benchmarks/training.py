"""Training: frames a second against a plain loop, waiting for clips, memory of long clips.

    python benchmarks/training.py --out training.json

On clips drawn by `ttvos data mini` for the purpose. Three parts, chosen by --parts:

speed    Whole training steps (forward, losses, backward, optimizer) of clips of 3 frames, the
         backbone frozen but for its last block and not frozen. In turns with ours: a plain loop
         over the frames, one backbone call each, on the model as constructed (NCHW, float32).
         Once with ours in float32 and once in bfloat16. The clips are in memory already. Both
         take denormal numbers as zero, which `ttvos train` does.
waiting  `ttvos train`'s loop over clips that are read and varied by the real loader, in this
         process (0 workers) or beside it: the share of the steps' time in which a batch is waited
         for, and that in which its pixels are made after that (0 workers, or CUDA). The bar is on
         both with 1 worker. After one step of warm-up.
memory   Peak of one step by clip length, with and without `checkpointing`, each in a process of
         its own: on a CPU by its largest resident set less that before the step, on CUDA by what
         PyTorch allocated.

The model is HRNet's exp8 with the repository's trained weights.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.command import bar, parser, run_and_write
from ttvos.config.run import MiniConfig, Stage, TrainConfig
from ttvos.core.device import device_name, find_device, read_clock
from ttvos.core.provenance import provenance
from ttvos.data.builtin.clips import generate
from ttvos.data.clips import make_clips
from ttvos.measure.stepmemory import Case, step_memory
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import TTVOS
from ttvos.training.batches import batches
from ttvos.training.losses import Outputs, clip_losses, one_hot
from ttvos.training.parallel import alone
from ttvos.training.step import Stepper, denormals_as_zero
from ttvos.training.ttvos import TTVOSTask

PARTS = ("speed", "waiting", "memory")
BARS = {  # name: (bar, whether it is a lower bound)
    "frozen_float32_over_plain": (1.5, True),
    "waiting_share": (0.1, False),
}
LENGTHS, MEMORY_CLIPS, WORKERS = (3, 5, 8, 12), 2, (0, 1, 2)
WEIGHTS, RATE = "ttvos-hrnet-davis", 1e-5
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Setup:
    """height, width: of frames; clips: of a batch; repeats: of each step timed in turns;
    steps: timed of the loop that waits; threads: of PyTorch on the CPU."""

    device: str
    height: int
    width: int
    clips: int
    repeats: int
    steps: int
    threads: int


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print what came out; 0, or 1 after an error."""
    options = _parse(arguments)
    setup = Setup(**{name: getattr(options, name) for name in Setup.__dataclass_fields__})
    parts = tuple(options.parts)
    return run_and_write(lambda: run(setup, parts), options.out, show)


def show(result: dict[str, Any]) -> None:
    """Every line of every part on the terminal, without the repeats."""
    for part in PARTS:
        for line in result.get(part, ()):
            print(part, {key: value for key, value in line.items() if key != "seconds"})


def run(setup: Setup, parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
    """{"speed", "waiting", "memory": lines, those of `parts`; "bars", "setup", "provenance"}.

    Raises UserError for no such device, and sizes of which no clips can be drawn.
    """
    torch.set_num_threads(setup.threads)
    device, result = find_device(setup.device), {}
    # First of all: threads of PyTorch's that are there already would not take it over.
    with denormals_as_zero(), tempfile.TemporaryDirectory(prefix="ttvos-benchmark-") as folder:
        stage = _draw(setup, Path(folder))
        if "speed" in parts:
            result["speed"] = _speed(setup, stage, device)
        if "waiting" in parts:
            result["waiting"] = _waiting(setup, stage, device)
    if "memory" in parts:
        result["memory"] = _memory(setup)
    origin = provenance(
        asdict(setup),
        device=device_name(device),
        precision="float32 and bfloat16",
        data={"frames": "ttvos data mini"},
        threads=setup.threads,
    )
    return {**result, "bars": _bars(result), "setup": asdict(setup), "provenance": origin}


def _draw(setup: Setup, folder: Path) -> Stage:
    """Draw clips there; the stage that learns from them."""
    counts = {"train_clips": 8, "val_clips": 0, "stills": 0, "ytvos_clips": 0, "frames": 12}
    generate(folder / "mini", MiniConfig(height=setup.height, width=setup.width, **counts))
    size = {"height": setup.height, "width": setup.width, "frames": 3, "batch": setup.clips}
    root = str(folder / "mini" / "davis")
    return Stage("drawn", "davis", (root,), **size, learning_rate=RATE, steps=setup.steps)


def _bars(result: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for line in result.get("speed", ()):
        if line["backbone"] == "frozen" and line["precision"] == "float32":
            values["frozen_float32_over_plain"] = line["ratio"]
    # One process beside the training has to do, also for the quicker precision.
    beside = [line for line in result.get("waiting", ()) if line["workers"] == 1]
    if beside:
        shares = [line["share"] + line["making_pixels_share"] for line in beside]
        values["waiting_share"] = max(shares)
    return {
        name: bar(value, *asked)
        for name, asked in BARS.items()
        if (value := values.get(name)) is not None
    }


# --- speed


def frame_by_frame(model: TTVOS, batch: Batch, config: TrainConfig) -> dict[str, Tensor]:
    """The plain loop: features, step and feedback of one frame after the other, then the losses.

    batch: "frames" (B,T,3,H,W), "labels" (B,T,H,W), as for `ttvos.training.unroll.clip_loss`.
    """
    frames, labels = batch["frames"], batch["labels"]
    state = model.start(model.features(frames[:, 0]), one_hot(labels[:, 0]))
    steps = []
    for t in range(1, frames.shape[1]):
        features = model.features(frames[:, t])
        step = model.step(features, state)
        state = model.advance(features, state, step, step.logits.softmax(dim=1))
        steps.append(step)
    outputs = Outputs(
        logits=torch.stack([step.logits for step in steps], dim=1),
        transition=torch.stack([step.transition for step in steps], dim=1),
        template_logits=torch.stack([step.template_logit for step in steps], dim=1),
    )
    return clip_losses(outputs, labels, model.variant, config)


def plain_step(model: TTVOS, config: TrainConfig) -> Callable[[Batch], None]:
    """A training step by the plain loop."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=RATE)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        frame_by_frame(model, batch, config)["total"].backward()
        optimizer.step()

    return step


def our_step(model: TTVOS, config: TrainConfig) -> Callable[[Batch], None]:
    """A training step as `ttvos train` takes it."""
    model.to(memory_format=torch.channels_last)
    task = TTVOSTask(config, model.variant, model.backbone_name)
    optimizer, stepper = task.optimizer(model, RATE), Stepper(task, model)

    def step(batch: Batch) -> None:
        stepper.step(optimizer, batch, RATE)

    return step


def _model(frozen: bool, device: torch.device) -> TTVOS:
    model = checkpoint.load(WEIGHTS).requires_grad_(True)
    if frozen:
        model.freeze()
    return model.to(device).train()


def _speed(setup: Setup, stage: Stage, device: torch.device) -> list[dict[str, Any]]:
    ready, _ = next(batches(make_clips(stage, 0), stage, range(1), _config(), alone(), device))
    lines = []
    with tqdm(total=4 * 2 * (setup.repeats + 1), desc="speed", unit="step", disable=None) as bar:
        for backbone in ("frozen", "whole"):
            for precision in ("float32", "bfloat16"):
                model = {name: _model(backbone == "frozen", device) for name in ("plain", "ours")}
                steps = {
                    "plain": plain_step(model["plain"], _config()),
                    "ours": our_step(model["ours"], _config(precision=precision)),
                }
                seconds = _in_turns(steps, ready, setup.repeats, device, bar)
                lines.append({"backbone": backbone, "precision": precision, **seconds})
                frames = ready["frames"].shape[0] * ready["frames"].shape[1]
                lines[-1].update(_compared(seconds["seconds"], frames))
    return lines


def _config(**changes: Any) -> TrainConfig:
    return TrainConfig(stages=(), **changes)


def _in_turns(
    steps: dict[str, Callable], batch: Batch, repeats: int, device: torch.device, bar: tqdm
) -> dict[str, dict[str, list[float]]]:
    """Seconds of every step, A B A B ...; one of each before does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats + 1):
        for name, step in steps.items():
            before = read_clock(device)
            step(batch)
            seconds[name].append(read_clock(device) - before)
            bar.update()
    return {"seconds": {name: values[1:] for name, values in seconds.items()}}


def _compared(seconds: dict[str, list[float]], frames: int) -> dict[str, Any]:
    medians = {name: median(values) for name, values in seconds.items()}
    return {
        "medians": medians,
        "frames_per_second": {name: frames / value for name, value in medians.items()},
        "ratio": medians["plain"] / medians["ours"],
    }


# --- waiting


def _waiting(setup: Setup, stage: Stage, device: torch.device) -> list[dict[str, Any]]:
    lines = []
    for precision in ("float32", "bfloat16"):
        for workers in WORKERS:
            config = _config(precision=precision, workers=workers)
            lines.append({"precision": precision, "workers": workers})
            lines[-1].update(_loop(setup.steps, stage, config, device))
    return lines


def _loop(
    steps: int, stage: Stage, config: TrainConfig, device: torch.device
) -> dict[str, float | int]:
    """`steps` steps of training, after one of warm-up that the loader starts in."""
    step = our_step(_model(True, device), config)
    clips, numbers = make_clips(stage, 0), range(steps + 1)
    source = batches(clips, stage, numbers, config, alone(), device)
    waiting = making = whole = 0.0
    for number in tqdm(numbers, desc=f"{config.workers} workers", unit="step", disable=None):
        before = read_clock(device)
        batch, waited = next(source)
        there = read_clock(device)
        step(batch)
        done = read_clock(device)
        if number:
            waiting += waited
            making += there - before - waited
            whole += done - before
    return {
        "steps": steps,
        "seconds": whole,
        "share": waiting / whole,
        "making_pixels_share": making / whole,
    }


# --- memory


def _memory(setup: Setup) -> list[dict[str, Any]]:
    rest = {"clips": MEMORY_CLIPS, "height": setup.height, "width": setup.width}
    cases = [
        Case(backbone, frames, checkpointing, **rest, device=setup.device, threads=setup.threads)
        for backbone in ("frozen", "whole")
        for frames in LENGTHS
        for checkpointing in (False, True)
    ]
    cases = tqdm(cases, desc="memory", unit="process", disable=None)
    return [{**asdict(case), **step_memory(case)} for case in cases]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__, Path("training.json"))
    made.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)"
    )
    made.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    numbers = {
        "clips": (4, "of a batch, in the parts speed and waiting"),
        "repeats": (9, "steps of each kind that are timed, after one of warm-up"),
        "steps": (12, "of each loop that waits"),
        "height": (240, "of the frames"),
        "width": (432, "of the frames"),
        "threads": (torch.get_num_threads(), "of PyTorch on the CPU"),
    }
    for name, (default, text) in numbers.items():
        made.add_argument(
            f"--{name}", type=int, default=default, help=f"{text} (default: {default})"
        )
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
