"""Scoring starts at once: neither it nor its worker processes import what they do not need."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "cv2", "matplotlib", "pandas", "scipy"}


@pytest.mark.parametrize("module", ["ttvos.evaluation.davis", "ttvos.evaluation.chunk"])
def test_no_heavy_library_is_imported(module):
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert module in loaded
    assert not loaded & HEAVY
