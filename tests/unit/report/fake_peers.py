"""Made-up records and results of peers, published masks and other trackers, for the report's tests.

The cost of GC and STM is that of the facts (docs/peers.md, sections 1 and 2); other numbers mean
nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.unit.report.fake_results import evaluation, provenance, write_json

GC_PARTS = {
    "query encoder": 27.09,
    "query key/value": 9.56,
    "distribution": 0.106,
    "decoder": 105.23,
    "memory encoder": 27.74,
    "memory key/value": 9.56,
    "context": 0.106,
}
STM_PARTS = {**GC_PARTS, "memory read": 3.36}  # two slots of 1.68
del STM_PARTS["distribution"], STM_PARTS["context"]
RECORDS: dict[str, dict[str, Any]] = {
    "stm": {
        "method": "STM",
        "backbone": "ResNet50",
        "tracker": "ttvos.peers.stm:STM",
        "status": "weights load",
        "built": "The whole method <as published>.",
        "facts": ["docs/peers.md, section 1."],
        "assumed": ["The padding is black (`pad`)."],
        "expected": {
            "parameters_m": 38.93,
            "frame_gmac": 193.9,
            "parts": {**STM_PARTS, "memory read": 14.75},
        },
        "masks": ["DAVIS 2016: stm.zip"],
        "memory_slots": 8.78,
    },
    "gc": {
        "method": "GC",
        "backbone": "ResNet50",
        "tracker": "ttvos.peers.gc:GC",
        "status": "cost only",
        "reason": "No weights of GC are public.",
        "expected": {"parameters_m": 38.93, "frame_gmac": 179.4, "parts": GC_PARTS},
    },
    "crn": {
        "method": "CRN",
        "backbone": "ResNet101",
        "tracker": "ttvos.peers.crn:CRN",
        "status": "cost only",
        "reason": "Its guide was not released.",
    },
    "rgmp": {
        "method": "RGMP",
        "backbone": "ResNet50",
        "tracker": "ttvos.peers.rgmp:RGMP",
        "status": "cost only",
        "reason": "Its weights are for non-commercial use.",
    },
    "frtm-resnet18": {
        "method": "FRTM-VOS",
        "backbone": "ResNet18",
        "tracker": "ttvos.peers.frtm:FRTM",
        "status": "weights load",
        "expected": {"frame_gmac": 26.8, "init_gmac": 46.2},
    },
    "frtm-resnet101": {
        "method": "FRTM-VOS",
        "backbone": "ResNet101",
        "tracker": "ttvos.peers.frtm:FRTM",
        "status": "weights load",
    },
    "onavos": {
        "method": "OnAVOS",
        "backbone": "Wide ResNet-38",
        "tracker": None,
        "status": "not built",
        "reason": "A clip takes hours.",
        "expected": {"parameters_m": 123.96},
    },
}
FRTM_ROWS = {  # row: J&F without noise, backbone, transition loss
    "frtm-resnet18": (0.60, "resnet18", False),
    "frtm-resnet18-tm": (0.63, "resnet18", True),
}


def write_records(folder: Path) -> Path:
    """Write a record of each made-up peer; returns the folder."""
    folder.mkdir()
    for name, values in RECORDS.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **values}))
    return folder


def peer_cost(name: str) -> dict[str, Any]:
    """A cost file of a tracker; STM's first step reads one slot, the others two."""
    parts = {"gc": GC_PARTS, "stm": STM_PARTS}.get(name, {"backbone": 14.91, "decoder": 11.85})
    macs = {part: round(value * 1e9) for part, value in parts.items()}
    frame = sum(macs.values())
    first = frame - (1_680_000_000 if name == "stm" else 0)
    return {
        "tracker": name,
        "height": 480,
        "width": 854,
        "objects": 1,
        "cycle": 5 if name == "stm" else 1,
        "parameters": {"total": 38_930_000, "parts": dict.fromkeys(parts, 1_000_000), "other": 0},
        "macs": {
            "init": 46_000_000_000,
            "frame": frame,
            "parts": {**macs, "other": 0},
            "init_parts": {**dict.fromkeys(parts, 1_000_000_000), "other": 0},
            "steps": [first, frame, frame, frame, frame, frame],
        },
        "online_not_run": {
            "updates": 200,
            "passes_per_update": 5,
            "macs_per_update": 10**12,
            "macs": 2 * 10**14,
            "frame_updates": 15,
            "frame_passes": 10,
            "frame_macs": 15 * 10**12,
        }
        if name == "crn"
        else None,
        "protocol": {},
        "provenance": provenance(data=None),
    }


def peer_speed(fps: float) -> dict[str, Any]:
    """A speed file of a tracker."""
    return {
        "height": 480,
        "width": 854,
        "device": "cpu",
        "precision": "float32",
        "engine": "own",
        "compiled": False,
        "streaming": {
            "fps": fps,
            "p50_ms": 1000 / fps,
            "p90_ms": 1000 / fps,
            "p99_ms": 1000 / fps,
            "repeats": [[1000 / fps] * 6],
            "init_ms": [3000.0],
            "peak_memory_bytes": 900 << 20,
        },
        "with_initialisation": {"fps": fps / 2, "frames": 7},
        "growth": {
            "frames": 7,
            "state_bytes_first": 10 << 20,
            "state_bytes_last": 20 << 20,
            "time_ratio": 1.25,
        },
        "provenance": provenance(data=None),
    }


def davis(folder: Path, name: str, score: float, year: int, rng: np.random.Generator) -> str:
    """An evaluate file of the whole validation set, on real data; returns name."""
    names = {f"clip{index}": 1 for index in range(20 if year == 2016 else 30)}
    made = evaluation(score, rng, year, names)
    made["provenance"]["data"]["profile"] = "paper"
    return write_json(folder, name, made)


def write_peers(folder: Path, rng: np.random.Generator) -> dict[str, Any]:
    """What a manifest has of peers and published masks; STM has its authors' weights."""
    peers = []
    for name, record in RECORDS.items():
        if record["tracker"]:
            cost = write_json(folder, f"trackers/cost/{name}.json", peer_cost(name))
            fps = float(rng.uniform(0.1, 2))
            speed = write_json(folder, f"trackers/speed/{name}.json", peer_speed(fps))
            peers.append({"name": name, "cost": cost, "speed": speed, "evaluate": {}})
    scored = write_json(folder, "evaluate/stm/davis16.json", evaluation(0.8, rng, 2016))
    peers[0]["evaluate"] = {"davis16": [scored]}
    published = [
        {
            "method": method,
            "evaluate": {"davis16": davis(folder, f"published/{method}.json", score, 2016, rng)},
            "source": f"an archive of {method}'s",
        }
        for method, score in (("STM", 0.894), ("SegFlow", 0.761))
    ]
    return {"peers": peers, "published": published}


def write_tracker_rows(folder: Path, seeds: tuple[int, ...], rng: np.random.Generator) -> list:
    """Rows of experiments.tsv that are not TTVOS's: FRTM-VOS, trained here, and a user's class."""
    rows = []
    for name, (score, backbone, loss) in FRTM_ROWS.items():
        files = _scores(folder, name, seeds, score, rng)
        rows.append(
            {
                "row": name,
                "method": "FRTM-VOS",
                "tracker": "frtm",
                "variant": "",
                "backbone": backbone,
                "transition_loss": loss,
                "tables": [5],
                "seeds": list(seeds),
                "evaluate": files,
                "cost": f"trackers/cost/frtm-{backbone}.json",
                "speed": f"trackers/speed/frtm-{backbone}.json",
            }
        )
    own = {"row": "own", "method": "own", "tracker": "mine:Own", "variant": "", "backbone": ""}
    own |= {"seeds": [0], "evaluate": _scores(folder, "own", (0,), 0.5, rng)}
    own |= {"speed": write_json(folder, "trackers/speed/own.json", peer_speed(3.0))}
    return [*rows, own]


def _scores(folder: Path, name: str, seeds, score: float, rng) -> dict[str, list[str]]:
    return {
        dataset: [
            write_json(
                folder,
                f"evaluate/{name}-s{seed}/{dataset}.json",
                evaluation(score + 0.01 * seed, rng, year),
            )
            for seed in seeds
        ]
        for dataset, year in (("davis17", 2017), ("davis16", 2016))
    }
