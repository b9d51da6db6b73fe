"""Which of our modules a command's result depends on, read off the import statements.

What Python source does, without how it is written: for hashes that say whether code changed.

A hash over the source of somebody's own class: its file and what that imports beside it.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from ttvos.core.provenance import PACKAGE, source_hash

# They carry values and text to where they are used and cannot change a number by themselves.
PLUMBING = {
    "__init__.py",
    "config/run.py",
    "core/errors.py",
    "core/files.py",
    "core/folders.py",
    "core/code_hash.py",
    "config/placeholders.py",
    "core/provenance.py",
    "config/strict.py",
    "config/experiments.py",
    "core/shipped_weights.py",
    "records/schema.py",
    "records/store.py",
}


def code_hash(*entries: str) -> str:
    """Hash over all sources that the entries import, directly or not, plumbing aside.

    entries: modules relative to `ttvos/` ("training/ttvos.py"), or folders that count as a whole
    ("report/templates"). The workflow passes it to its rules, so that a change of code re-runs
    what depends on it and no more; comments and docstrings do not count (`ttvos.core.code_hash`).
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


def own_code(module: str) -> str | None:
    """First 12 hex digits of a hash over a module and all that it imports from where it lies.

    module: "package.module", in the current folder, where any file counts that is imported, or in
    the environment, where its own package counts. None if it has no source that can be found.
    Nothing is imported, so that the workflow may ask. Comments and docstrings do not count.
    """
    folder, package = Path.cwd(), ""
    if _file(folder, module) is None:
        package = module.partition(".")[0]
        folder = _installed(package)
        if folder is None or _file(folder, module) is None:
            return None
    digest = hashlib.sha256()
    for name, path in sorted(_sources(folder, module, package).items()):
        digest.update(name.encode() + meaning(path))
    return digest.hexdigest()[:12]


def _sources(folder: Path, module: str, package: str) -> dict[str, Path]:
    """The modules reached by imports, by name; all of `package`, "" for any in the folder."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file(folder, name)
        if path is None or (package and name.partition(".")[0] != package):
            continue
        found[name] = path
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[: n + 1]) for n in range(len(parents))]
        waiting += _imported_own_code(path, name)
    return found


def _imported_own_code(path: Path, module: str) -> list[str]:
    """Names of modules that a file imports, relative ones too; none of a file with a fault."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except SyntaxError:
        return []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    inside = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name]


def _file(folder: Path, module: str) -> Path | None:
    path = folder.joinpath(*module.split("."))
    choices = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((choice for choice in choices if choice.is_file()), None)


def _installed(package: str) -> Path | None:
    """The folder that holds an installed package."""
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ())
    if not places and not spec.has_location:
        return None
    return Path(places[0] if places else spec.origin).parent
