"""The explorer's files, put beside the page."""

import json
import os
import shutil
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import LISTING
from ttvos.plan.manifest import Located, Manifest
from ttvos.report.attributes import NAMES as ATTRIBUTES

EXPLORER = "explorer"  # the folder beside the page


def copy_explorer(located: Located, out: Path) -> None:
    """Bring what `ttvos explore` made of each data set into out/explorer/<data set>.

    Raises UserError for a folder that the manifest names and that is not there.
    """
    for dataset, name in located.manifest.explorer.items():
        folder = located.path(name)
        if not (folder / "index.js").is_file():
            raise UserError(f"{folder}: no such result of ttvos explore; the manifest names it")
        shutil.copytree(
            folder,
            out / EXPLORER / dataset,
            ignore=shutil.ignore_patterns(LISTING),
            copy_function=_link,
            dirs_exist_ok=True,
        )


def _link(source: str, target: str) -> None:
    """The same file under another name, or a copy where a disk has no such thing."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def page_data(manifest: Manifest) -> str:
    """What the page tells its script, as JSON: the data sets that are shown, and what the
    attributes' letters stand for."""
    labels = {name: manifest.datasets[name].label for name in manifest.explorer}
    sets = [{"name": n, "label": f"{n}: {text}" if text else n} for n, text in labels.items()]
    return json.dumps({"sets": sets, "attributes": ATTRIBUTES})
