"""A made-up run with everything that a report can show."""

import json
from pathlib import Path

import numpy as np

from tests.unit.report.fake_peers import write_peers, write_tracker_rows
from tests.unit.report.fake_results import write_run

NOTEBOOK_BODY = (
    '<script src="https://example.org/mathjax.js"></script><link href="https://example.org/a.css">'
    "<h1>The adaptive weight</h1>"
)


def write_whole_run(folder: Path) -> Path:
    """Manifest of a made-up run with two seeds, peers, masks, other trackers and a notebook."""
    manifest = write_run(folder)
    rng = np.random.default_rng(7)
    others = write_peers(folder, rng)
    rows = write_tracker_rows(folder, (0, 1), rng)
    (folder / "notebook.html").write_text(NOTEBOOK_BODY)
    values = json.loads(manifest.read_text()) | {"notebook": "notebook.html", **others}
    values["rows"] += rows
    values["masks"][0] |= {"fps": 12.5, "fps_device": "an imaginary GPU"}
    manifest.write_text(json.dumps(values))
    return manifest
