"""A speed result says whether the machine was free: what is told of a busy one, and when."""

import subprocess
import sys
import time

import pytest

from ttvos.measure import latency as module
from ttvos.measure.latency import Load, busy_seconds, doubts, spread

# Of /proc/stat: user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of
# a second.
STAT = """cpu  300 0 100 9000 50 10 20 70 40 0
cpu0 100 0 50 4500 25 5 10 35 40 0
cpu1 200 0 50 4500 25 5 10 35 0 0
intr 12345 0 0
ctxt 99
"""


def test_busy_is_all_but_idle_and_waiting_on_the_processors_that_count():
    assert busy_seconds(STAT, {0}) == pytest.approx(2.00)
    assert busy_seconds(STAT, {1}) == pytest.approx(3.00)
    assert busy_seconds(STAT, {0, 1}) == pytest.approx(5.00)
    assert busy_seconds(STAT, {2}) == 0


@pytest.mark.parametrize(
    ("own", "busy", "expected"),
    [(4.0, 4.0, 0.0), (4.0, 7.0, 1.5), (0.0, 4.0, 2.0), (4.0, 3.9, 0.0), (1.0, 99.0, 2.0)],
)
def test_what_others_used_is_what_was_busy_and_not_ours(monkeypatch, own, busy, expected):
    """Over 2 seconds on 2 processors, and never below 0 or above them."""
    readings = iter([module._Reading(10, 5, 20), module._Reading(12, 5 + own, 20 + busy)])
    monkeypatch.setattr(module, "_read", lambda: next(readings))
    monkeypatch.setattr(module, "available_cpus", lambda: 2)
    assert Load().record() == {"cores": 2, "used_by_others": expected}


def test_a_system_that_does_not_say_is_not_called_free(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "STAT", tmp_path / "none")
    assert Load().record()["used_by_others"] is None


@pytest.mark.skipif(not module.STAT.is_file(), reason="this system has no /proc/stat")
def test_another_process_is_seen_and_ones_own_work_is_not():
    before = module._read()
    busy_until = time.process_time() + 0.3
    while time.process_time() < busy_until:
        pass
    after = module._read()
    assert after.own - before.own >= 0.29
    code = "import time\nwhile time.process_time() < 0.5: pass"
    other = subprocess.Popen([sys.executable, "-c", code])
    before = module._read()
    while other.poll() is None:  # not waited for in between: then it would count as ours
        time.sleep(0.02)
    after = module._read()
    assert after.busy - before.busy > 0.3


def test_spread_is_between_the_repeats():
    assert spread([[10.0, 30.0], [20.0, 20.0], [25.0, 25.0]]) == {
        "fps_min": pytest.approx(40),
        "fps_max": pytest.approx(50),
        "relative": pytest.approx(0.2),
    }
    assert spread([[10.0, 30.0]]) is None


def result(others: float | None, relative: float | None) -> dict:
    apart = None if relative is None else {"fps_min": 8.0, "fps_max": 12.0, "relative": relative}
    load = {"cores": 2, "used_by_others": others}
    return {"load": load, "streaming": {"fps": 10.0, "spread": apart}}


@pytest.mark.parametrize(
    ("others", "relative", "expected"),
    [
        (0.0, 0.02, []),
        (0.19, 0.19, []),
        (None, None, []),
        (1.26, 0.02, ["other processes used 1.3 of 2 cores: do not use these figures"]),
        (None, 0.55, ["the repeats lie 55% apart (8.00 to 12.00 FPS): do not use these figures"]),
    ],
)
def test_a_busy_machine_and_repeats_far_apart_are_told(others, relative, expected):
    assert doubts(result(others, relative)) == expected


def test_both_are_told_where_both_hold():
    assert len(doubts(result(1.0, 0.5))) == 2
