"""How long a user waits: for `ttvos --help`, and for the first mask of a clip.

    python benchmarks/startup.py --out startup.json

Each time a fresh process, start to end: imports, weights, a clip of 480x854 from memory, its
second frame's mask; nothing compiled.
"""

import subprocess
import sys
import time
from statistics import median
from typing import Any

from tqdm import tqdm

from benchmarks.command import bar, parser, run_and_write
from ttvos.core.device import device_name
from ttvos.core.provenance import provenance

HELP = ["-m", "ttvos", "--help"]
FIRST_MASK = [
    "-c",
    "import ttvos\n"
    "from ttvos.measure.clip import disc_clip\n"
    "frames, mask = disc_clip(2, 480, 854)\n"
    "model = ttvos.load('ttvos-hrnet-davis')\n"
    "options = {'precision': 'auto', 'compile': 'off'}\n"
    "assert ttvos.track(model, frames, mask, **options).masks.shape == (2, 480, 854)\n",
]


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the seconds; 0, or 1 after an error."""
    made = parser(__doc__)
    made.add_argument("--repeats", type=int, default=5, help="processes of each")
    options = made.parse_args(arguments)
    return run_and_write(lambda: run(options.repeats), options.out)


def run(repeats: int) -> dict[str, Any]:
    """{"seconds": {"help": [...], "first_mask": [...]}, "bars", "provenance"}; the first process
    of each, which may have to fetch files from disk, is not counted."""
    commands = {"help": HELP, "first_mask": FIRST_MASK}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in tqdm(range(repeats + 1), "turns", disable=None):
        for name, command in commands.items():
            before = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            if turn:
                seconds[name].append(time.perf_counter() - before)
    return {
        "seconds": seconds,
        "bars": {
            "help, seconds": bar(median(seconds["help"]), 0.5, at_least=False),
            "first mask, seconds": bar(median(seconds["first_mask"]), 5, at_least=False),
        },
        "provenance": provenance(
            {"repeats": repeats},
            device=device_name("cpu"),
            command=["python", "benchmarks/startup.py", *sys.argv[1:]],
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
