"""Folders of a machine do not leave it."""

from pathlib import Path

import pytest

from ttvos.core.provenance import public


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/data/sets/DAVIS", "DAVIS"),
        ("../sets/ECSSD", "ECSSD"),
        ("~/my sets/ECSSD 2", "ECSSD 2"),
        ("--out=/tmp/a/b.json", "--out=b.json"),
        ("cd /a/b && c /d", "cd b && c d"),
        ("results/mini/a.json", "results/mini/a.json"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("Linux x86_64, 1/2 and/or", "Linux x86_64, 1/2 and/or"),
    ],
)
def test_paths_that_lead_out_keep_their_last_name(text, shown):
    assert public(text) == shown


def test_all_of_a_record_is_looked_at():
    value = {"/a/b": [1, None, ("/c/d", Path("/e/f"))], "x": {"y": "../z"}}
    assert public(value) == {"b": [1, None, ["d", "f"]], "x": {"y": "z"}}
