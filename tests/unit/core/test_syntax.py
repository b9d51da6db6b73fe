"""What of a source file counts: what it does, not how it is written."""

import ast
from pathlib import Path

import pytest

from ttvos.core.code_hash import meaning

SOURCE = '''"""A module."""

LIMIT = 3  # of something


class Thing:
    """A thing."""

    side: int = 2
    """Its side."""

    def area(self, scale: float = 1.0) -> float:
        """Area of it."""
        return self.side**2 * scale
'''


def of(tmp_path: Path, text: str, name: str = "module.py") -> bytes:
    path = tmp_path / name
    path.write_text(text)
    return meaning(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A module.", "Another text"),
        ('"""A module."""', ""),
        ("Area of it.", "Its area."),
        ('    """Its side."""\n', ""),
        ("# of something", ""),
        ("LIMIT = 3", "LIMIT = (3)\n\n"),
        ("self.side**2 * scale", "(self.side ** 2) * scale"),
    ],
)
def test_words_and_layout_do_not_count(tmp_path: Path, old: str, new: str):
    assert old in SOURCE
    assert of(tmp_path, SOURCE.replace(old, new)) == of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("LIMIT = 3", "LIMIT = '3'"),
        ("scale: float = 1.0", "scale: float = 2.0"),
        ("self.side**2 * scale", "self.side**2 + scale"),
        ("def area", "def surface"),
        ("return self", "self"),
        ("LIMIT = 3", "LIMIT = None"),
    ],
)
def test_every_change_of_code_counts(tmp_path: Path, old: str, new: str):
    assert old in SOURCE
    assert of(tmp_path, SOURCE.replace(old, new)) != of(tmp_path, SOURCE)


def test_a_text_that_is_a_value_counts(tmp_path: Path):
    assert of(tmp_path, "f('a')") != of(tmp_path, "f('b')")
    assert of(tmp_path, "x = ['a']") != of(tmp_path, "x = ['b']")


def test_fields_that_only_newer_versions_have_do_not_count(tmp_path: Path, monkeypatch):
    """Python 3.12 gave functions a list of type parameters, empty in nearly all."""
    before = of(tmp_path, "def f(): return 1\n")
    fields = ast.iter_fields

    def newer(node):
        yield from fields(node)
        yield "in_a_later_version", []

    monkeypatch.setattr(ast, "iter_fields", newer)
    assert of(tmp_path, "def f():\n    return 1\n") == before


def test_files_that_are_no_python_count_to_the_byte(tmp_path: Path):
    assert of(tmp_path, "a { }", "style.css") != of(tmp_path, "a {  }", "style.css")
    assert of(tmp_path, "def (:\n") == b"def (:\n"
