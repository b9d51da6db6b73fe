"""Shares of objects whose J was never yet below 0.5."""

import pytest

from ttvos.evaluation.survival import survival


def test_each_failure_takes_its_share():
    found = survival([[0.9, 0.4, 0.9], [0.9, 0.9, 0.9], [0.2, 0.9, 0.9], [0.5, 0.5, 0.5]])
    assert found == [(1.0, 4), (0.75, 4), (0.5, 3), (0.5, 2)]


def test_an_object_whose_frames_end_has_not_failed():
    """Of two that are followed on, one fails: half of the three quarters that were left."""
    found = survival([[0.4], [0.9], [0.9, 0.1], [0.9, 0.9]])
    assert found == [(1.0, 4), (0.75, 4), (pytest.approx(0.375), 2)]


def test_without_failures_all_survive_and_without_objects_there_is_nobody():
    assert survival([[1.0, 0.5], [0.7]]) == [(1.0, 2), (1.0, 2), (1.0, 1)]
    assert survival([]) == [(1.0, 0)]
