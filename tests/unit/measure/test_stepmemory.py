"""Memory of a training step, in a process of its own."""

from dataclasses import replace

import pytest

from ttvos.core.errors import UserError
from ttvos.measure.stepmemory import Case, step_memory

# Long enough that what is saved stands out of the noise of the process's own memory.
CASE = Case("whole", 14, False, clips=3, height=96, width=160, device="cpu", threads=1)


def test_checkpointing_saves_memory():
    kept, again = step_memory(CASE), step_memory(replace(CASE, checkpointing=True))
    assert 0 < again["peak_bytes"] < kept["peak_bytes"]
    assert kept["seconds"] > 0


def test_what_went_wrong_is_one_line():
    with pytest.raises(UserError, match=r"memory of a step with 14 frames: .*nowhere"):
        step_memory(replace(CASE, device="nowhere"))
