"""A mask as a short text: its run lengths, by difference, in digits that JavaScript reads quickly.

A mask is read line by line, beginning with background, so that the runs are background, object,
background and so on; the last is left out, because the size tells it. From the third on, a run is
given by its difference from the one two before it: on the next line an object is nearly as wide.
A difference d is the number 2d, or -2d-1 if it is negative, and a number is written in digits of
five bits, the lowest first, each as a letter of DIGITS; 32 added says that another digit follows.
explorer.js decodes the same.
"""

import string

import numpy as np

DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
MORE = 32  # of a digit that another follows


def encode(mask: np.ndarray) -> str:
    """(H, W) bool -> text; "" where the mask is empty."""
    flat = np.asarray(mask, dtype=bool).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate(([0], [0] if flat.size and flat[0] else [], changes)).astype(np.int64)
    runs = np.diff(starts)
    runs[2:] -= runs[:-2].copy()
    return "".join(map(_letters, np.where(runs < 0, -2 * runs - 1, 2 * runs).tolist()))


def decode(text: str, height: int, width: int) -> np.ndarray:
    """What `encode` made of a mask of that size -> (height, width) bool."""
    runs: list[int] = []
    for number in _numbers(text):
        difference = -(number + 1) // 2 if number % 2 else number // 2
        runs.append(difference + (runs[-2] if len(runs) > 1 else 0))
    runs.append(height * width - sum(runs))
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def _letters(number: int) -> str:
    found = ""
    while number >= MORE:
        found += DIGITS[MORE + number % MORE]
        number //= MORE
    return found + DIGITS[number]


def _numbers(text: str) -> list[int]:
    numbers, number, place = [], 0, 1
    for letter in text:
        digit = DIGITS.index(letter)
        number, place = number + digit % MORE * place, place * MORE
        if digit < MORE:
            numbers.append(number)
            number, place = 0, 1
    return numbers
