"""A hash over the source of somebody's own class: its file and what that imports beside it."""

import ast
import hashlib
import importlib.util
from pathlib import Path

from ttvos.syntax import meaning


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
        waiting += _imported(path, name)
    return found


def _imported(path: Path, module: str) -> list[str]:
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
