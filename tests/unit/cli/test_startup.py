"""What starts quickly, and what never imports a library that it can do without."""

import json
import os
import subprocess
import sys

from ttvos.core.provenance import REPOSITORY

# Modules in the order in which one process imports them, and what must not have come with them.
# Machines with a GPU lack the last three; scoring and reporting need no network.
ABSENT = [
    ("ttvos", "torch cv2 snakemake"),
    ("ttvos.evaluation.davis", "torch timm cv2 pandas scipy matplotlib"),
    ("ttvos.evaluation.chunk", "torch timm cv2 pandas scipy matplotlib"),
    ("ttvos.plan.plan", "torch cv2 snakemake"),
    ("ttvos.report.report", "torch timm"),
    ("ttvos.report.publication.publish", "torch timm"),
    ("ttvos.training.ttvos", "fvcore snakemake pooch tensorboard"),
    ("ttvos.tracking.predict", "fvcore snakemake pooch"),
    ("ttvos.measure.speed", "fvcore snakemake pooch"),
    ("ttvos.measure.cost", "fvcore snakemake pooch"),
    ("ttvos.measure.tracker_cost", "fvcore snakemake pooch"),
]
PROGRAM = """
import importlib, json, sys
for module, absent in json.loads(sys.argv[1]):
    importlib.import_module(module)
    print([module, [name for name in absent.split() if name in sys.modules]])
"""


def python(*arguments: str) -> subprocess.CompletedProcess:
    """A fresh interpreter on this checkout's package."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=280
    )


def test_imports_stay_apart():
    done = python("-c", PROGRAM, json.dumps(ABSENT))
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str([module, []]) for module, _ in ABSENT]


def test_help_is_quick():
    code = (
        "import sys; from ttvos.cli.main import main\n"
        "try: main(['--help'])\n"
        "finally: print([m for m in ('torch', 'numpy', 'cv2', 'timm') if m in sys.modules])"
    )
    done = python("-c", code)
    assert done.returncode == 0
    assert done.stdout.endswith("[]\n")


def test_wrong_name_in_a_process_of_its_own(tmp_path):
    options = ("--variant", "exp9", "--backbone", "hrnet", "--out", str(tmp_path / "cost.json"))
    done = python("-m", "ttvos", "cost", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ttvos: unknown variant 'exp9'")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
