"""`~` at the start of a path: the shell replaces it, but not in --out=~/masks, nor in a profile."""

import os
import re
from typing import Any

from ttvos.errors import UserError

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
