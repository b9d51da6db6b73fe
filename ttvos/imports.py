"""Which of our modules a command's result depends on, read off the import statements."""

import ast
from pathlib import Path

from ttvos.provenance import source_hash
from ttvos.syntax import meaning

PACKAGE = Path(__file__).parent
# They carry values and text to where they are used and cannot change a number by themselves.
PLUMBING = {
    "__init__.py",
    "config.py",
    "errors.py",
    "files.py",
    "home.py",
    "imports.py",
    "placeholders.py",
    "placing.py",
    "provenance.py",
    "shipped.py",
    "strict.py",
    "syntax.py",
    "variants.py",
    "weights.py",
}


def code_hash(*entries: str) -> str:
    """Hash over all sources that the entries import, directly or not, plumbing aside.

    entries: modules relative to `ttvos/` ("train.py"), or folders that count as a whole
    ("render/templates"). The workflow passes it to its rules, so that a change of code re-runs
    what depends on it and no more; comments and docstrings do not count (`ttvos.syntax`).
    """
    return source_hash(*sources(*entries), read=meaning)


def sources(*entries: str) -> list[str]:
    """The modules behind `code_hash`, relative to `ttvos/`, sorted."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in found or name in PLUMBING:
            continue
        found.add(name)
        if name.endswith(".py"):
            waiting += _imported(PACKAGE / name)
    return sorted(found)


def _imported(module: Path) -> list[str]:
    """Modules of ours that a file imports anywhere in it, with their packages' __init__.py."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".")[1:] for name in names if name.split(".")[0] == "ttvos"]
    paths = {Path(*part).with_suffix(".py") for part in parts if part}
    paths |= {Path(*part, "__init__.py") for part in parts}
    return [str(path) for path in paths if (PACKAGE / path).is_file()]
