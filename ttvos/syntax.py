"""What Python source does, without how it is written: for hashes that say whether code changed."""

import ast
from functools import cache
from pathlib import Path
from typing import Any


def meaning(path: Path) -> bytes:
    """A file's syntax tree as text if it is Python that parses, else its bytes.

    Comments, layout and docstrings are not in it. It is the same in every version of Python that
    has the file's syntax, unlike `ast.dump`, which also tells of fields that are empty.
    """
    content = path.read_bytes()
    if path.suffix != ".py":
        return content
    try:
        return _tree(content)
    except (SyntaxError, ValueError):  # ValueError: null bytes
        return content


@cache
def _tree(source: bytes) -> bytes:
    return _text(ast.parse(source)).encode()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(_text(item) for item in value if not _is_docstring(item))}]"
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = (
        f"{name}={_text(field)}"
        for name, field in ast.iter_fields(value)
        if field is not None and field != []
    )
    return f"{type(value).__name__}({','.join(fields)})"


def _is_docstring(item: Any) -> bool:
    """A string that stands as a statement of its own, which no code can see but as `__doc__`."""
    is_text = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    return is_text and isinstance(item.value.value, str)
