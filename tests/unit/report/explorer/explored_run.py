"""A small run on the tests' data set: a tracker's masks with maps, a reference, scores alone."""

import json
import shutil
from pathlib import Path

import numpy as np

from tests.conftest import write_tiny_davis
from ttvos.evaluation.davis import evaluate
from ttvos.records import store
from ttvos.tracking.baselines import HeldStill
from ttvos.tracking.predict import predict
from ttvos.tracking.protocol import Prediction

ATTRIBUTES = """sequences:
- {name: one, attributes: [AC, OCC]}
- {name: two, attributes: [OCC]}
"""


class Weighing(HeldStill):
    """Holds the mask still, and has maps and weights as TTVOS has."""

    name = "weighing"

    def step(self, frame, state):
        prediction, state = super().step(frame, state)
        objects = int(prediction.mask.max()) or 1
        ramp = np.linspace(-1, 1, 8 * 12, dtype=np.float32).reshape(1, 8, 12)
        weight = np.full(objects, 0.25, np.float32)
        maps = {"transition": ramp, "attention": ramp + 3}
        return Prediction(prediction.mask, update_weight=weight, **maps), state


def write_explored_run(folder: Path) -> Path:
    """Write data, masks, scores and a manifest into a folder; returns the manifest's path."""
    davis = write_tiny_davis(folder)
    (davis / "Annotations/db_info.yml").write_text(ATTRIBUTES)
    scores = {}
    for who, tracker in (("exp8-hrnet-s0", Weighing()), ("still", HeldStill())):
        masks = folder / "predict" / who / "tiny"
        predict(tracker, davis, 2017, "val", masks, all_maps=who.startswith("exp8"))
        scores[who] = f"evaluate/{who}/tiny.json"
        record = evaluate(masks, davis, 2017, "val", workers=1)
        store.write(folder / scores[who], record)
    gone = folder / "gone"
    shutil.copytree(davis / "Annotations/480p", gone)
    store.write(
        folder / "evaluate/masks-gone/tiny.json", evaluate(gone, davis, 2017, "val", workers=1)
    )
    shutil.rmtree(gone)
    manifest = {
        "profile": "tiny",
        "title": "Discs",
        "caution": "Drawn discs.",
        "datasets": {"tiny": {"root": "davis17", "year": 2017}},
        "rows": [
            {
                "row": "exp8-hrnet",
                "variant": "exp8",
                "backbone": "hrnet",
                "seeds": [0],
                "evaluate": {"tiny": [scores["exp8-hrnet-s0"]]},
                "predict": {"tiny": ["predict/exp8-hrnet-s0/tiny/predict.json"]},
            }
        ],
        "references": [
            {"name": "still", "label": "Held still", "evaluate": {"tiny": scores["still"]}}
        ],
        "masks": [{"name": "gone", "evaluate": {"tiny": "evaluate/masks-gone/tiny.json"}}],
        "explorer": {"tiny": "explorer/tiny"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "manifest.json"
