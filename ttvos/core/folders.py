"""Where things lie: the package, our data files beside or inside it, and home folders."""

import os
import re
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE.parent
INSTALLED = PACKAGE / "shipped"  # of a wheel; pyproject.toml puts our data files there
FOLDERS = ("workflow/runs", "data", "data/paper", "data/peers")  # what a wheel has of them
_TILDE = re.compile(r"~[^/\s]*(?=/|$)")  # and not "~80 clips"


def shipped(folder: str) -> Path:
    """Where one of FOLDERS is: in the checkout, or in an installed package.

    An installed package looks at nothing outside of itself: beside it lie other people's packages.
    """
    assert folder in FOLDERS
    return (INSTALLED if INSTALLED.is_dir() else REPOSITORY) / folder


def modules_in(folder: str) -> tuple[str, ...]:
    """Names of the modules in a folder of the package, such as "model/backbones", sorted.

    What can be added in one file is known by its file: nothing is imported to list it.
    """
    files = (PACKAGE / folder).glob("*.py")
    return tuple(sorted(file.stem for file in files if not file.stem.startswith("_")))


def checkout(what: str) -> Path:
    """The repository. Raises UserError where the package is installed without it.

    what: the command that needs it.
    """
    if INSTALLED.is_dir():
        raise UserError(
            f"{what} needs the checkout of the repository, of which an installed package has only "
            "a part: run it there"
        )
    return REPOSITORY


def expand(value: Any) -> Any:
    """The same with home folders in place of `~` and `~name` at the start of texts.

    A shell does this, but not in `--out=~/masks`, and nobody does it in a file of settings.
    value: plain data; lists and tuples are gone through, what is no text is left alone.
    Raises UserError for a home folder that the system does not know.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(map(expand, value))
    if not isinstance(value, str) or not (found := _TILDE.match(value)):
        return value
    path = os.path.expanduser(value)
    if path == value:
        raise UserError(
            f"{value}: the home folder that {found[0]} stands for is not known here; write the "
            f"path in full (or ./{found[0]}, if the name begins so)"
        )
    return path


def home_folder() -> Path | None:
    """The user's; None for one without HOME whom the system does not know."""
    path = os.path.expanduser("~")
    return None if path == "~" else Path(path)
