"""Weights by name: `ttvos-hrnet-davis` stands for weights/ttvos-hrnet-davis.safetensors."""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.folders import INSTALLED, expand
from ttvos.core.provenance import REPOSITORY

# Of a checkout, and of an installed package (pyproject.toml puts the files there).
FOLDERS = (INSTALLED,) if INSTALLED.is_dir() else (REPOSITORY / "weights",)
SUFFIX = ".safetensors"


def find_weights(source: Path | str) -> Path:
    """The file that `source` stands for: a path is returned (without `~`), a name is looked up.

    A name has neither folder nor suffix, and no file of the current folder is called so. The
    file of a name is given relative to the current folder where it lies in it, so that records
    name no machine's folders. Raises UserError, with the known names, for an unknown one.
    """
    path = Path(expand(str(source)))
    if len(path.parts) != 1 or path.suffix or path.is_file():
        return path
    known = known_weights()
    if path.name not in known:
        names = ", ".join(known) or "none"
        raise UserError(f"{source}: neither a file nor the name of known weights ({names})")
    file, here = known[path.name], Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def known_weights() -> dict[str, Path]:
    """The shipped weights: file by name, sorted."""
    files = [file for folder in FOLDERS for file in sorted(folder.glob(f"*{SUFFIX}"))]
    return {file.stem: file for file in reversed(files)}


def fill_names(run: dict[str, Any], where: str) -> dict[str, Any]:
    """A run as plain data, with files in place of names in `checkpoint` and `train.initial`.

    Whoever depends on the weights then depends on the file. What is no text is left to the
    checks that follow. Raises UserError, which says where, for an unknown name.
    """

    def file(source: Any) -> Any:
        is_file = isinstance(source, str) and source != "imagenet"
        return str(find_weights(source)) if is_file else source

    try:
        if "checkpoint" in run:
            run = {**run, "checkpoint": file(run["checkpoint"])}
        train = run.get("train")
        if isinstance(train, dict) and isinstance(train.get("initial"), dict):
            initial = {backbone: file(source) for backbone, source in train["initial"].items()}
            run = {**run, "train": {**train, "initial": initial}}
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return run
