"""Hashes over code: which modules a result depends on, and whether what they do has changed.

The modules are read off the import statements, so nothing is imported and the workflow may ask.
Of a module counts what it does: comments, docstrings and layout change no hash.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ttvos.core.folders import PACKAGE
from ttvos.core.provenance import source_hash

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
    "config/settings.py",
    "config/experiments.py",
    "core/variant.py",
    "core/shipped_weights.py",
    "records/schema.py",
    "records/store.py",
}
# Folders whose modules are loaded by their names, so that no import statement leads to them.
LOADED_BY_NAME = ("model/backbones", "data/layouts")


def code_hash(*entries: str) -> str:
    """First 12 hex digits of a hash over all sources that the entries import, plumbing aside.

    entries: modules relative to `ttvos/` ("training/ttvos.py"), which count with all that they
    import, directly or not; or folders ("report/templates"), of which every file counts. The
    workflow passes it to its rules, so that a change of code re-runs what depends on it and no
    more. Raises FileNotFoundError for an entry that is not there.
    """
    return source_hash(*sources(*entries), read=meaning)


def sources(*entries: str) -> list[str]:
    """The modules and folders behind `code_hash`, relative to `ttvos/`, sorted."""
    for entry in entries:
        (PACKAGE / entry).stat()  # an entry that was renamed must not go unnoticed
    modules = [Path("ttvos", entry).with_suffix("") for entry in entries if entry.endswith(".py")]
    names = [".".join(path.parts) for path in modules]

    def counts(name: str, path: Path) -> bool:
        return name.partition(".")[0] == "ttvos" and _relative(path) not in PLUMBING

    reached = _reached(PACKAGE.parent, names, counts)
    folders = {entry for entry in entries if not entry.endswith(".py")}
    return sorted(folders | {_relative(path) for path in reached.values()})


def _relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def own_code(module: str) -> str | None:
    """First 12 hex digits of a hash over somebody's module and all that it imports beside it.

    module: "package.module", in the current folder, where any file counts that is imported, or in
    the environment, where its own package counts. None if it has no source that can be found.
    """
    folder, package = Path.cwd(), ""
    if _file(folder, module) is None:
        package = module.partition(".")[0]
        folder = _installed(package)
        if folder is None or _file(folder, module) is None:
            return None

    def counts(name: str, _: Path) -> bool:
        return not package or name.partition(".")[0] == package

    digest = hashlib.sha256()
    for name, path in sorted(_reached(folder, [module], counts).items()):
        digest.update(name.encode() + meaning(path))
    return digest.hexdigest()[:12]


def meaning(path: Path) -> bytes:
    """A file's syntax tree as text if it is Python that parses, else its bytes.

    Comments, layout and docstrings are not in it. It is the same in every version of Python that
    has the file's syntax, unlike `ast.dump`, which also tells of fields that are empty.
    """
    content = path.read_bytes()
    return _meaning(content) if path.suffix == ".py" else content


@cache
def _meaning(source: bytes) -> bytes:
    tree = _parse(source)
    return _text(tree).encode() if tree else source


@cache
def _parse(source: bytes) -> ast.Module | None:
    """The syntax tree; None for what is no Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):  # ValueError: null bytes
        return None


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


def _reached(
    folder: Path, modules: Iterable[str], counts: Callable[[str, Path], bool]
) -> dict[str, Path]:
    """The files in a folder that modules import, directly or not, by name, with their packages.

    counts: given a module's name and file, whether it counts and is looked into.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file(folder, name)
        if path is None or not counts(name, path):
            continue
        found[name] = path
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[: n + 1]) for n in range(len(parents))]
        waiting += _imported(path, name)
    return found


def _imported(path: Path, module: str) -> list[str]:
    """Names of what a file imports anywhere in it, relative ones too; none of no Python."""
    tree = _parse(path.read_bytes())
    nodes = list(ast.walk(tree)) if tree else []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    inside = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name] + _loaded_by_name(path)


def _loaded_by_name(path: Path) -> list[str]:
    """All modules of one of those folders, given its __init__.py."""
    for folder in LOADED_BY_NAME:
        if path == PACKAGE / folder / "__init__.py":
            names = sorted(file.stem for file in path.parent.glob("[!_]*.py"))
            return [".".join(("ttvos", *folder.split("/"), name)) for name in names]
    return []


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
