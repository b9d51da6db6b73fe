"""Made-up folders of results-published, for what the report takes from them."""

import json
from pathlib import Path

from tests.unit.report.fake_peers import peer_cost
from tests.unit.report.fake_results import provenance, speed
from ttvos.data.davis import VAL_2016
from ttvos.report.publication.form import Score, SequenceScore, to_csv

ARCHIVE = {"dataset": "val", "archive": "masks.zip", "from": "https://example.org/masks.zip"}
ARCHIVE |= {"checksum": "sha256:feedc0de", "dated": "2019-08-07", "fetched": None}


def write_scores(
    folder: Path,
    rows: dict[str, float],
    kind: str = "published",
    names: tuple[str, ...] = VAL_2016,
    time: str = "2026-11-27",
    steps: int | None = None,
    **record: object,
) -> Path:
    """A folder of scores on DAVIS-2016 val. rows: J&F in points, by label; of models by row.

    steps: of the models' training.
    """
    folder.mkdir(parents=True)
    where = ("val", "all of DAVIS-2016 val", len(names), len(names))
    lines, parts, files = [], [], []
    for label, jf in rows.items():
        is_model = kind == "model"
        variant, backbone = label.split("-") if is_model else ("", "")
        row = label if is_model else label.casefold()
        seed = 0 if is_model else None
        figures = (jf, jf - 1, 90.0, 5.0, jf + 1, 90.0, 5.0, steps, None, "")
        lines.append(Score(row, kind, label, variant, backbone, seed, *where, *figures))
        parts += [SequenceScore(row, seed, "val", name, 1, jf, jf - 1, jf + 1) for name in names]
        source = provenance(time=f"{time}T01:02:03+00:00")
        files.append({"name": f"published/{row}.json", "provenance": source})
    data = {"label": where[1], "root": "DAVIS", "year": 2016, "split": "val", "input_scale": 1.0}
    data |= {"sequences": list(names), "evaluator": "builtin", "evaluator_version": None}
    made = {"title": "Masks <of others>", "caution": "Made up.", "profile": "davis16-masks"}
    made |= {"data_label": "DAVIS-2016 val", "datasets": {"val": data}, "recipes": {}}
    if kind == "published":
        made["archives"] = [{"row": label.casefold(), **ARCHIVE} for label in rows]
        made["without_masks"] = ["GC"]
    made |= {"trainings": [], "files": files, "missing": [], **record}
    (folder / "published.json").write_text(json.dumps(made))
    (folder / "scores.csv").write_text(to_csv(Score, lines))
    (folder / "sequences.csv").write_text(to_csv(SequenceScore, parts))
    return folder


def write_cost(kept: Path, name: str) -> None:
    """A peer's cost, as `ttvos cost --trackers` writes it."""
    path = kept / "peers" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(peer_cost(name)))


def write_speed(kept: Path, name: str, backbone: str, fps: float, device: str = "cpu") -> None:
    """A speed of the full model, as `ttvos speed` writes it."""
    path = kept / "performance" / f"speed-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = speed(fps) | {"variant": "exp8", "backbone": backbone, "device": device}
    path.write_text(json.dumps(made))
