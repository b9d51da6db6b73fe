"""The repository's data files that commands read: of a checkout, or of an installed package.

pyproject.toml puts them below ttvos/shipped/ of a wheel, by the paths that they have in the
repository.
"""

from pathlib import Path

from ttvos.errors import UserError
from ttvos.provenance import REPOSITORY

INSTALLED = Path(__file__).parent / "shipped"
FOLDERS = ("workflow/config", "data/paper", "data/peers")  # what a wheel has of them


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
