"""The order of frames' names, and gaps in it: numbers, words with numbers, time stamps."""

import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.data.frame_names import find_gaps, in_order, missing_between

COUNT = 12
STAMPS = 1403636579763555584 + 50_000_000 * np.arange(COUNT) + 997 * (np.arange(COUNT) % 4)
SCHEMES = {
    "from 0": lambda t: f"{t:05d}",
    "from 1": lambda t: f"{t + 1:05d}",
    "fives": lambda t: f"{5 * t:05d}",
    "unpadded": lambda t: f"{t}",
    "named": lambda t: f"frame_{t + 1}",
    "behind": lambda t: f"{t + 1}_rgb",
    "clip and number": lambda t: f"clip2_{t}",
    "seconds": lambda t: f"{1403636579 + 7 * t}",
    "nanoseconds": lambda t: f"{STAMPS[t]}",
    "decimals": lambda t: f"{1305031102 + 0.25 * t}",  # 1305031102.0, .25, .5: no zeros behind
    "camera": lambda t: f"{33 * t + t // 3}",  # milliseconds at 30 frames a second, rounded
}


@pytest.fixture(params=SCHEMES)
def stems(request) -> list[str]:
    return [SCHEMES[request.param](t) for t in range(COUNT)]


def test_names_come_in_the_order_of_time(stems):
    shuffled = np.random.default_rng(0).permutation(stems).tolist()
    assert in_order(shuffled) == stems
    assert find_gaps(stems) == []


@pytest.mark.parametrize("missing", range(1, COUNT - 1))
@pytest.mark.parametrize("name", [name for name in SCHEMES if name not in ("decimals",)])
def test_a_missing_frame_is_found(name, missing):
    stems = [SCHEMES[name](t) for t in range(COUNT)]
    gone = stems.pop(missing)
    assert find_gaps(stems) == [(stems[missing - 1], stems[missing])]
    names = missing_between((stems[missing - 1], stems[missing]), stems)
    assert names == ([gone] if name not in ("nanoseconds", "camera") else names)


def test_the_names_of_all_missing_frames():
    assert missing_between(("f08", "f12"), ["f06", "f07", "f08", "f12"]) == ["f09", "f10", "f11"]
    far = ["0", "1", str(10**18)]
    assert find_gaps(far) == [("1", str(10**18))]
    assert missing_between(("1", str(10**18)), far) is None  # and no list of 10^18 names


def test_one_number_twice_is_an_error():
    with pytest.raises(UserError, match=r"frames (01|1) and (01|1) have one number"):
        find_gaps(in_order(["0", "1", "01", "2"]))


@pytest.mark.parametrize("stems", [["a", "b", "d"], ["a1", "b2", "b9"], ["1", "9"], []])
def test_other_names_have_no_gaps(stems):
    assert find_gaps(in_order(stems)) == []
