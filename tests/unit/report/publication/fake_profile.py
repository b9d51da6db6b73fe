"""Made-up result files of a profile on real-looking data, for what is published of them.

No number in them means anything; the same call writes the same bytes.
"""

import json
from pathlib import Path
from typing import Any

from tests.unit.report import fake_results

VAL = ("camel", "goat", "parkour")
HELDOUT = ("hockey", "swing")
DATASETS = {"val3": VAL, "held": HELDOUT}
EXPERIMENTS = tuple(f"exp{number}-hrnet" for number in range(1, 9))
REST = {"J-Recall": 0.9, "J-Decay": 0.1, "F-Recall": 0.95, "F-Decay": 0.12}
FOLDER = "/home/somebody/DAVIS"  # must not be found in anything that is published


def provenance(*command: str, **facts: Any) -> dict[str, Any]:
    """Provenance as result files have it, with a fixed time; command: after `ttvos`."""
    return fake_results.provenance(**{"data": None, "command": ["ttvos", *command], **facts})


def evaluation(jf: float, names: tuple[str, ...], split: str) -> dict[str, Any]:
    """An evaluate file with a J&F of `jf` (0 to 1); F is 0.04 above J; sequences 0.02 apart."""
    middle = (len(names) - 1) / 2
    objects = {}
    for index, name in enumerate(names):
        j = jf - 0.02 + 0.02 * (index - middle)
        objects[f"{name}_1"] = {**REST, "J-Mean": j, "F-Mean": j + 0.04}
    scores = {**REST, "J&F-Mean": jf, "J-Mean": jf - 0.02, "F-Mean": jf + 0.02}
    data = {"profile": "tiny-real", "root": FOLDER, "year": 2016, "split": split}
    command = ("evaluate", "--dataset", FOLDER, "--out", "results/x.json")
    source = provenance(*command, data=data, evaluator="builtin")
    return {"global": scores, "objects": objects, "frames": {}, "provenance": source}


def training(row: str, seed: int) -> dict[str, Any]:
    """A train.json."""
    variant, backbone = row.split("-")[:2]
    stage = {
        "name": "davis",
        "source": "davis",
        "roots": [FOLDER],
        "stills_roots": ["../photos/ECSSD"],
        "height": 112,
        "width": 192,
        "frames": 4,
        "batch": 8,
        "learning_rate": 0.001,
        "steps": 500,
        "epochs": None,
        "split": "train",
        "years": [2016],
    }
    settings = {
        "stages": [stage],
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "precision": "bfloat16",
        "heldout": list(HELDOUT),
        "freeze": True,
        "initial": "aabb",
        "variant": {"name": variant},
        "backbone": backbone,
        "seed": seed,
        "device": "cpu",
        "torch": "2.11.0",
        "code": "c0de",
        "data": {FOLDER: "1a2b", "../photos/ECSSD": "3c4d"},
    }
    done = {"name": "davis", "steps": 500, "epochs": 4, "seconds": 90.5, "losses": {"total": 0.3}}
    done |= {"waiting_share": 0.0, "waiting_share_worst_epoch": 0.0, "losses_over_last_steps": 9}
    initial = {"source": "/home/somebody/weights/start.safetensors", "sha256": "aabb"}
    return {
        "variant": variant,
        "backbone": backbone,
        "seed": seed,
        "checkpoint_sha256": f"{row}-{seed}",
        "settings": settings,
        "stages": [done],
        "steps": 500,
        "seconds": 90.5,
        "selection": {"by": "last", "stage": "davis", "step": 500},
        "provenance": provenance("train", seed=seed, initial=initial),
    }


def prediction(row: str, seed: int) -> dict[str, Any]:
    """A predict.json as far as it matters here."""
    tracker = {"name": f"ttvos-{row}", "single_object": "aggregated"}
    source = provenance("predict", checkpoint=f"{row}-{seed}", tracker=tracker)
    return {"sequences": {}, "tracker": tracker["name"], "provenance": source}


def score(row: str, seed: int, dataset: str) -> float:
    """J&F of the made-up run, 0 to 1: later experiments are better, seeds 0.01 apart."""
    return 0.5 + 0.03 * int(row[3]) + 0.01 * seed - (0.1 if dataset == "held" else 0.0)


def write_profile(
    folder: Path, rows: tuple[str, ...] = EXPERIMENTS, seeds: tuple[int, ...] = (0, 1)
) -> Path:
    """Write a whole run into `folder`; returns the manifest's path."""
    entries = [_write_row(folder, row, seeds) for row in rows]
    manifest = {
        "profile": "tiny-real",
        "title": "Tiny real data",
        "caution": "Made up & meaning nothing.",
        "data_label": "made-up clips",
        "datasets": {
            "val3": {"root": FOLDER, "year": 2016, "only": VAL, "label": "3 of val"},
            "held": {"root": FOLDER, "year": 2016, "split": "train", "only": HELDOUT},
        },
        "rows": entries,
        "references": [
            _write_masks(folder, "still", "First mask held still", 0.3),
            _write_masks(folder, "flow", "First mask carried by flow", 0.4),
        ],
        "masks": [_write_masks(folder, "OSVOS", "OSVOS", 0.8)],
    }
    return write(folder, "manifest.json", manifest)


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def _write_row(folder: Path, row: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    variant, backbone = row.split("-")
    entry: dict[str, Any] = {"row": row, "variant": variant, "backbone": backbone}
    entry |= {"tables": [4], "seeds": list(seeds), "train": [], "loss": []}
    entry |= {"evaluate": {name: [] for name in DATASETS}, "predict": {n: [] for n in DATASETS}}
    for seed in seeds:
        run = f"{row}-s{seed}"
        entry["train"].append(f"train/{run}/train.json")
        write(folder, entry["train"][-1], training(row, seed))
        for name, names in DATASETS.items():
            split = "val" if name == "val3" else "train"
            files = {
                "evaluate": (
                    f"evaluate/{run}/{name}.json",
                    evaluation(score(row, seed, name), names, split),
                ),
                "predict": (f"predict/{run}/{name}/predict.json", prediction(row, seed)),
            }
            for kind, (file, value) in files.items():
                write(folder, file, value)
                entry[kind][name].append(file)
    return entry


def _write_masks(folder: Path, name: str, label: str, jf: float) -> dict[str, Any]:
    files = {}
    for dataset, names in DATASETS.items():
        files[dataset] = f"evaluate/{name}/{dataset}.json"
        split = "val" if dataset == "val3" else "train"
        write(folder, files[dataset], evaluation(jf, names, split))
    return {"name": name, "label": label, "evaluate": files}
