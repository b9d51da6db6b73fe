"""Home folders: `~` at the start of a path, which the shell replaces, but not in --out=~/masks nor
in a run's paths; and users that the system does not know (containers, batch slots).

The repository's data files that commands read: of a checkout, or of an installed package.

pyproject.toml puts them below ttvos/shipped/ of a wheel, by the paths that they have in the
repository.
"""

import getpass
import os
import re
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.provenance import PACKAGE, REPOSITORY

_TILDE = re.compile(r"~[^/\s]*(?=/|$)")  # and not "~80 clips"


def expand(value: Any) -> Any:
    """The same with home folders in place of `~` and `~name` at the start of texts.

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


def name_unknown_user() -> None:
    """Give a user whom the system does not know a name, which PyTorch asks for when imported."""
    try:
        getpass.getuser()
    except (ImportError, KeyError, OSError):  # by versions of Python
        os.environ["USER"] = f"uid{os.getuid()}"


INSTALLED = PACKAGE / "shipped"
FOLDERS = ("workflow/runs", "data", "data/paper", "data/peers")  # what a wheel has of them


def shipped(folder: str) -> Path:
    """Where one of FOLDERS is. An installed package looks at nothing outside of itself: beside it
    lie other people's packages."""
    assert folder in FOLDERS
    return (INSTALLED if INSTALLED.is_dir() else REPOSITORY) / folder


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
