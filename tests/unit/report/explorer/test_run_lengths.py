"""Masks as texts of run lengths: nothing is lost, and little is needed."""

import numpy as np
import pytest

from ttvos.report.explorer.run_lengths import DIGITS, decode, encode


def disc(height: int, width: int, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < radius**2


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_a_mask_comes_back_as_it_was(share):
    rng = np.random.default_rng(3)
    for height, width in [(1, 1), (1, 40), (40, 1), (7, 11), (64, 65)]:
        mask = rng.random((height, width)) < share
        np.testing.assert_array_equal(decode(encode(mask), height, width), mask)


def test_a_long_run_needs_several_digits():
    mask = np.zeros((500, 900), dtype=bool)
    mask[-1, -1] = True
    text = encode(mask)
    assert len(text) == 4  # twice 449,999 is below 32**4; the object is the rest
    np.testing.assert_array_equal(decode(text, 500, 900), mask)


def test_the_text_is_safe_in_a_script_and_an_empty_mask_is_none():
    assert len(set(DIGITS)) == 64
    assert not set(DIGITS) & set("\"'\\<>&\n")
    assert encode(np.zeros((3, 4), dtype=bool)) == ""
    assert set(encode(disc(50, 60, 20))) <= set(DIGITS)


def test_the_format_is_what_the_page_reads():
    """By hand: runs of 2, 3 and 1; the third is 1 less than the first; the last is left out."""
    mask = np.array([[0, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=bool)
    assert encode(mask) == DIGITS[2 * 2] + DIGITS[2 * 3] + DIGITS[2 * 1 - 1]


def test_an_outline_costs_about_two_letters_a_line():
    mask = disc(243, 432, 100)
    assert len(encode(mask)) < 2.5 * mask.any(axis=1).sum()
