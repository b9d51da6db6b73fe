"""Records for everybody to read: nothing in them tells where things lie on a machine."""

import re
from pathlib import PurePath
from typing import Any

# A folder from the root, the home folder or a parent: "/a/b/", "~/a/", "../a/", "--out=/a/".
_FOLDERS = re.compile(r"(?<![\w./~-])(?:~|\.\.)?/(?:[^/\s:]+/)*(?=[^/\s:])")


def public(value: Any) -> Any:
    """Plain data with the last name only of every path that leads out of the current folder.

    Paths relative to the current folder stay whole. Texts are searched for such paths, save
    addresses ("https://..."); keys of a dictionary are texts too.
    """
    if isinstance(value, dict):
        return {public(key): public(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [public(item) for item in value]
    if isinstance(value, PurePath):
        return public(str(value))
    return _without_folders(value) if isinstance(value, str) else value


def _without_folders(text: str) -> str:
    if text.startswith(("/", "~", "../")):  # the whole text is a path, maybe with spaces in it
        return PurePath(text).name
    return _FOLDERS.sub("", text)
