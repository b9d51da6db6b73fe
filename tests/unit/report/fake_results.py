"""Made-up result files of a whole run, for the report's tests. No number in them means anything.

`write_run(folder)` is seeded: the same bytes every time.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

REST = {"J-Recall": 0.9, "J-Decay": 0.1, "F-Recall": 0.95, "F-Decay": 0.12}
SEQUENCES = {"drift": 1, "pair": 2, "crowd": 3, "grow": 1, "shrink": 1, "occluded": 2}
FRAMES = 24
EXPERIMENTS = tuple(f"exp{number}-hrnet" for number in range(1, 9))
BACKBONES = ("exp8-resnet18", "exp8-resnet50", "exp8-mobilenetv3")
MACS = {  # docs/facts.md, section 3, in GMAC: features, query, refine, update, two-frame clip
    "hrnet": (5.062, 0.120, 0.309, 0.065, 10.524),
    "resnet18": (25.229, 0.878, 3.197, 0.499, 55.119),
    "resnet50": (27.266, 9.880, 12.831, 5.819, 83.440),
    "mobilenetv3": (2.996, 0.160, 1.331, 0.088, 7.438),
}
PARAMETERS = {  # docs/facts.md, section 3: total, heads, trainable
    "hrnet": (1_605_830, 579, 1_110_118),
    "resnet18": (12_446_630, 2_307, 9_663_846),
    "resnet50": (14_802_086, 6_915, 13_357_158),
    "mobilenetv3": (3_664_470, 795, 2_871_982),
}


def provenance(**facts: Any) -> dict[str, Any]:
    """Provenance as result files have it, with a fixed time."""
    return {
        "commit": "0123456789ab",
        "source": "fedcba987654",
        "config": "00aa11bb22cc",
        "seed": None,
        "device": "Imaginary CPU <2 cores>",
        "precision": "float32",
        "data": {"profile": "mini", "root": "results/mini/data", "year": 2017, "split": "val"},
        "cpus": 2,
        "platform": "Linux x86_64",
        "python": "3.11.9",
        "libraries": {"torch": "2.11.0", "numpy": "2.4.6"},
        "command": ["ttvos", "evaluate"],
        "time": "2026-01-02T03:04:05+00:00",
        **facts,
    }


def write_json(folder: Path, name: str, value: Any) -> str:
    """Write folder/name; returns name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return name


def evaluation(score: float, rng: np.random.Generator, year: int, names=None) -> dict[str, Any]:
    """An evaluate file whose J&F is `score` (0 to 1), the mean of its objects'."""
    counts = names or SEQUENCES
    objects = {}
    for name, count in counts.items():
        for number in range(1, (count if year == 2017 else 1) + 1):
            mean = float(np.clip(rng.normal(0.7, 0.1), 0.3, 1))
            objects[f"{name}_{number}"] = {"J-Mean": mean} | REST
    above = 2 * (score - float(np.mean([values["J-Mean"] for values in objects.values()])))
    for values in objects.values():
        values["F-Mean"] = values["J-Mean"] + above
    scores = {"J&F-Mean": score, "J-Mean": score - above / 2, "F-Mean": score + above / 2}
    scores |= REST
    data = {"profile": "mini", "root": "results/mini/data", "year": year, "split": "val"}
    return {"global": scores, "objects": objects, "frames": {}, "provenance": provenance(data=data)}


def prediction(rng: np.random.Generator, weights: bool, year: int) -> dict[str, Any]:
    """A predict.json: "grow" grows, "shrink" shrinks, weights follow the size with noise."""
    slopes = {"grow": 1.5, "shrink": -0.8}
    sequences = {}
    for name, count in SEQUENCES.items():
        count = count if year == 2017 else 1
        time = np.linspace(0, 1, FRAMES)[:, None]
        start = rng.uniform(0.02, 0.12, count)
        ratio = start * (1 + slopes.get(name, 0.1) * time) + rng.normal(0, 0.001, (FRAMES, count))
        weight = 0.9 - 4 * ratio[1:] + rng.normal(0, 0.03, (FRAMES - 1, count))
        sequences[name] = {
            "objects": list(range(1, count + 1)),
            "frames": FRAMES,
            "update_weights": weight.clip(0.01, 0.99).tolist() if weights else None,
            "foreground_ratio": ratio.clip(0, 1).tolist(),
            "notes": [],
        }
    return {"sequences": sequences, "tracker": "ttvos", "provenance": provenance()}


def cost(backbone: str) -> dict[str, Any]:
    """A cost file with the sizes of docs/facts.md, section 3."""
    features, query, refine, update, clip = MACS[backbone]
    total, heads, trainable = PARAMETERS[backbone]
    parts = {"features": features, "query": query, "refine": refine, "update": update}
    parts |= {"frame": sum(parts.values()), "two_frame_clip": clip}
    counts = {"total": total, "inference": total - heads, "trainable": trainable}
    return {
        "height": 480,
        "width": 854,
        "parameters": counts,
        "macs": {name: round(value * 1e9) for name, value in parts.items()},
        "provenance": provenance(data=None),
    }


def speed(fps: float) -> dict[str, Any]:
    """A speed file; the released protocol is given less."""
    reached = {"macs": 5_490_000_000, "seconds": 0.6 / fps, "fraction": 0.6}
    return {
        "device": "cpu",
        "precision": "bfloat16",
        "engine": "fast",
        "compiled": True,
        "height": 480,
        "width": 854,
        "streaming": {
            "fps": fps,
            "p50_ms": 1000 / fps,
            "p90_ms": 1100 / fps,
            "p99_ms": 1300 / fps,
            "repeats": [[1000 / fps] * 5] * 5,
            "init_ms": [900 / fps] * 5,
            "peak_memory_bytes": 700 << 20,
        },
        "pipelined": None,
        "released": {"fps": 0.4 * fps},
        "released_warm": {"fps": 0.5 * fps, "seconds": [2.0] * 5, "frames": 5},
        "ratio_to_released": 2.0,
        "roofline": {"streaming": {**reached, "matrix_rate_fraction": 0.55}},
        "provenance": provenance(data=None),
    }


def live(offline: float, latency: float, rates: tuple[float, ...] = (10, 30, 120)) -> dict:
    """A live file: the faster the camera, the lower the score, and the older the mask."""
    lower = [(rate, offline - 0.0004 * latency * rate**0.5) for rate in rates]
    return {
        "tracker": "ttvos",
        "upper_bound": False,
        "seed": 0,
        "latency": {
            **{"source": "measured", "device": "Imaginary CPU <2 cores>", "height": 64},
            **{"width": 112, "p50_ms": latency},
            "sequences": {"drift": {"init_ms": [latency], "step_ms": [latency] * 3}},
        },
        "offline": {"J&F-Mean": offline, "J-Mean": offline, "F-Mean": offline} | REST,
        "offline_sequences": {"drift": offline},
        "rates": [_live_rate(rate, score, latency) for rate, score in lower],
        "scored": {"sequences": 1, "objects": 1, "frames": 22, "available": 1, "set": "split val"},
        "notes": [],
        "load": {"cores": 2, "used_by_others": 0.0},
        "provenance": provenance(),
    }


def _live_rate(rate: float, score: float, latency: float) -> dict[str, Any]:
    means = {"J&F-Mean": score, "J-Mean": score, "F-Mean": score}
    age = {"mean": 1 + latency * rate / 1000, "p50": 1.0, "p90": None, "p99": None, "highest": 3}
    ms = {f"{key}_ms": None if value is None else value * 1000 / rate for key, value in age.items()}
    return {
        "rate": float(rate),
        "global": means | REST,
        "age": age | ms,
        "processed": min(1.0, 1000 / latency / rate),
        "sequences": {"drift": means | {"processed": 1.0, "age_mean": 1.0}},
    }


def training(row: str, seed: int, steps: int = 50) -> dict[str, Any]:
    """A train.json of one stage."""
    variant, _, backbone = row.partition("-")
    stage = {"name": "davis", "steps": steps, "epochs": 4, "seconds": 9.0}
    stage |= {"losses": {"total": 0.31}, "losses_over_last_steps": 9}
    stage |= {"waiting_share": 0.0, "waiting_share_worst_epoch": 0.0}
    made = {"variant": variant, "backbone": backbone, "seed": seed, "steps": steps}
    return made | {"seconds": 9.0, "stages": [stage], "provenance": provenance(seed=seed)}


def loss_table(rng: np.random.Generator) -> str:
    """A loss.csv of three stages."""
    lines = ["stage,step,total,heatmap,transition,template,learning_rate,seconds"]
    for stage, steps in (("saliency", 40), ("ytvos", 30), ("davis", 50)):
        for step in range(steps):
            total = (1.2 * np.exp(-step / 20) + 0.3) * rng.uniform(0.9, 1.1)
            lines.append(f"{stage},{step},{total:.6g},{total * 0.7:.6g},,,0.0002,0.5")
    return "\n".join(lines) + "\n"


def write_maps(folder: Path, name: str, rng: np.random.Generator, origin: Any) -> str:
    """An .npz for Figure 7: 4 frames of 64x112 with 2 objects; returns name."""
    count, height, width = 4, 64, 112
    rows, columns = np.mgrid[:height, :width]
    frame = rng.integers(60, 200, (count, height, width, 3), dtype=np.uint8)
    truth = np.zeros((count, height, width), dtype=np.uint8)
    for index in range(count):
        truth[index][(rows - 30) ** 2 + (columns - 30 - 8 * index) ** 2 < 180] = 1
        truth[index][(rows - 40) ** 2 + (columns - 90 + 5 * index) ** 2 < 120] = 2
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        frame=frame,
        truth=truth,
        transition=rng.normal(0, 0.3, (count, 8, 14)).astype(np.float32),
        attention=rng.uniform(0, 2, (count, 8, 14)).astype(np.float32),
        prediction=np.roll(truth, 2, axis=2),
        names=np.array(["pair"] * count),
        numbers=np.array([1, 8, 15, 23]),
        provenance=np.array(json.dumps(origin)),
    )
    return name


def write_run(folder: Path, seeds: tuple[int, ...] = (0, 1)) -> Path:
    """Write a whole run into `folder`; returns the manifest's path."""
    rng = np.random.default_rng(5)
    rows = [_write_row(folder, name, seeds, rng) for name in (*EXPERIMENTS, *BACKBONES)]
    references = [
        _masks(folder, "still", "First mask held still", 0.42, rng),
        _masks(folder, "flow", "First mask carried by optical flow", 0.55, rng),
    ]
    benchmark = folder / "benchmarks" / "train.tsv"
    benchmark.parent.mkdir()
    benchmark.write_text("s\th:m:s\tmax_rss\n61.5\t0:01:01\t812.3\n")
    manifest = {
        "profile": "mini",
        "title": "Made-up run",
        "caution": "Numbers from generated clips; not DAVIS numbers.",
        "data_label": "built-in clips",
        "datasets": {
            "davis17": {"root": "results/mini/data/davis17", "year": 2017, "split": "val"},
            "davis16": {"root": "results/mini/data/davis16", "year": 2016, "split": "val"},
        },
        "comparable": {"accuracy": False, "speed": False, "reason": "built-in clips on a laptop"},
        "rows": rows,
        "references": references,
        "masks": [_masks(folder, "OSVOS", "OSVOS masks", 0.796, rng)],
        "maps": write_maps(folder, "predict/maps.npz", rng, provenance()),
        "live": [
            {"name": name, "label": name, "results": {"davis17": write_json(folder, file, value)}}
            for name, file, value in (
                ("exp8-hrnet", "live/exp8-hrnet-s0/davis17.json", live(0.66, 40.0)),
                ("still", "live/still/davis17.json", live(0.42, 0.01)),
            )
        ],
        "notebook": None,
        "benchmarks": {"train exp8-hrnet": "benchmarks/train.tsv"},
        "provenance": provenance(),
    }
    write_json(folder, "manifest.json", manifest)
    return folder / "manifest.json"


def _write_row(folder: Path, name: str, seeds: tuple[int, ...], rng) -> dict[str, Any]:
    variant, backbone = name.split("-")
    number = int(variant[3:])
    tables = {"exp8-hrnet": [2, 3, 4, 6]}.get(name, [4] if backbone == "hrnet" else [6])
    row: dict[str, Any] = {
        "row": name,
        "method": "TTVOS",
        "variant": variant,
        "backbone": backbone,
        "tables": tables,
        "seeds": list(seeds),
        "train": [],
        "loss": [],
        "evaluate": {"davis17": [], "davis16": []},
        "predict": {"davis17": [], "davis16": []},
        "cost": write_json(folder, f"cost/{name}.json", cost(backbone)),
        "speed": None,
    }
    if name == "exp8-hrnet" or backbone != "hrnet":
        row["speed"] = write_json(folder, f"speed/{name}.json", speed(rng.uniform(1, 9)))
    for seed in seeds:
        run = f"{name}-s{seed}"
        row["train"].append(write_json(folder, f"train/{run}/train.json", training(name, seed)))
        (folder / f"train/{run}/loss.csv").write_text(loss_table(rng))
        row["loss"].append(f"train/{run}/loss.csv")
        for dataset, year in (("davis17", 2017), ("davis16", 2016)):
            score = 0.5 + 0.02 * number + rng.normal(0, 0.01)
            made = {
                "evaluate": evaluation(score, rng, year),
                "predict": prediction(rng, number in (5, 7, 8), year),
            }
            for kind, value in made.items():
                file = f"{kind}/{run}/{dataset}.json"
                row[kind][dataset].append(write_json(folder, file, value))
    return row


def _masks(folder: Path, name: str, label: str, score: float, rng) -> dict[str, Any]:
    files = {
        dataset: write_json(folder, f"evaluate/{name}/{dataset}.json", evaluation(score, rng, year))
        for dataset, year in (("davis17", 2017), ("davis16", 2016))
    }
    return {"name": name, "label": label, "evaluate": files}
