"""What CONTRIBUTING.md says can be added in one file or one row is added so, in a copy of the tree.

Each test adds its part to the same copy and runs what must find it: nothing else is changed.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import disc_frame
from ttvos.core.folders import REPOSITORY
from ttvos.core.video import write_mask

SIZE = ("--height", "64", "--width", "96")
TREE = ("ttvos", "data/experiments.tsv", "data/stages.yaml", "data/paper", "data/peers")
TREE += ("workflow/runs", "tests/__init__.py", "tests/contract")

BACKBONE = '''"""ResNet10, which the paper does not have."""

from typing import ClassVar

from torch import Tensor, nn

from ttvos.model.backbones import Backbone, Features


class ResNet10(Backbone):
    timm_name = "resnet10t"
    timm_options: ClassVar = {"features_only": True, "output_stride": 16}
    pretrained_tag = "c3_in1k"
    channels = (64, 128, 512)
    entry_channels = 64

    def forward(self, images: Tensor) -> Features:
        net = self.net
        f4 = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(images)))))
        f8 = net.layer2(f4)
        return Features(f4, f8, net.layer4(net.layer3(f8)), (f4,))

    def reextract(self, entry: tuple[Tensor, ...]) -> Tensor:
        return self.net.layer2(entry[0])

    def trained_block(self) -> nn.Module:
        return self.net.layer4
'''
TRACKED = """
import numpy as np, torch, ttvos
from ttvos.config.experiments import find_row
from ttvos.model.ttvos import build_model

torch.manual_seed(0)
row = find_row("exp8-resnet10")
model = build_model(row.variant, row.backbone).eval()
frames = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
mask = np.zeros((64, 96), np.uint8)
mask[16:48, 16:48] = 1
found = [ttvos.track(model, frames, mask, engine=e).foreground for e in ("fast", "reference")]
np.testing.assert_allclose(*found, atol=1e-3)
"""
LAYOUT = '''"""Frames and masks of a video side by side: <video>/frame_N.png, <video>/mask_N.png."""

from pathlib import Path

from ttvos.config.run import Stage
from ttvos.data.davis import Sequence, Video


def training_items(root: str, stage: Stage, heldout: tuple[str, ...] = ()) -> list[Video]:
    videos = []
    for folder in sorted(Path(root).iterdir()):
        frames, masks = (tuple(sorted(folder.glob(f"{kind}_*.png"))) for kind in ("frame", "mask"))
        videos.append(Video(Sequence(folder.name, frames, masks), 2017))
    return videos
'''
METRIC = '''

def area_ratio(prediction, truth, void=None):
    """The smaller area over the larger one; 1 when both are empty."""
    areas = sorted(np.count_nonzero(mask) for mask in _judged(prediction, truth, void))
    return float(areas[0] / areas[1]) if areas[1] else 1.0


FURTHER["A"] = area_ratio
'''
PEER = '''"""A method that looks at a frame, and holds the first mask still."""

from dataclasses import dataclass

from torch import Tensor, nn

from ttvos.peers.base import ClipState, Found, PeerTracker


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 1, 1)


@dataclass(frozen=True)
class State(ClipState):
    masks: Tensor


class Held(PeerTracker):
    name = "held"
    network_class = Network

    def _parts(self):
        return {"network": (self.network,)}

    def _start(self, frame, mask, ids):
        return State(ids, frame.shape[:2], self._masks(mask, ids))

    def _follow(self, frame, state):
        self.network.look(self._image(frame))
        labels = sum(number * mask for number, mask in enumerate(state.masks, 1))
        return Found(labels.long(), state.masks), state
'''
RECORD = """
name: held
method: Held
backbone: none
tracker: "ttvos.peers.held:Held"
status: cost only
reason: It has no weights.
built: The whole method.
facts: ["It is made up."]
expected: {parameters_m: 4.0e-6, frame_gmac: 18.4e-6}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of what the additions touch and what runs them."""
    root = tmp_path_factory.mktemp("tree")
    for name in TREE:
        source, target = REPOSITORY / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copy(REPOSITORY / "tests/conftest.py", root / "tests")
    return root


def run(tree: Path, *words: object) -> str:
    """`python WORDS` on the copy; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "TTVOS_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def add_row(tree: Path, *cells: str) -> None:
    with open(tree / "data/experiments.tsv", "a") as table:
        table.write("\t".join(cells) + "\n")


def test_an_experiment_is_one_row(tree):
    header, *_ = (tree / "data/experiments.tsv").read_text().splitlines()
    values = {
        **dict.fromkeys(header.split("\t"), "1"),
        **{"row": "noweight-hrnet", "tracker": "ttvos", "variant": "noweight"},
        **{"backbone": "hrnet", "adaptive_weight": "0", "attention_clue": "full", "tables": "-"},
    }
    add_row(tree, *values.values())
    told = run(tree, "-m", "ttvos", "cost", "--rows", "noweight-hrnet", "exp8-hrnet", *SIZE)
    new, full = told.splitlines()
    assert new.startswith("noweight hrnet: ")
    assert new.split()[2] != full.split()[2], "as many parameters as the full model"


def test_a_backbone_is_one_file_and_one_row(tree):
    (tree / "ttvos/model/backbones/resnet10.py").write_text(BACKBONE)
    header, *lines = (tree / "data/experiments.tsv").read_text().splitlines()
    full = next(line for line in lines if line.startswith("exp8-hrnet\t"))
    cells = dict(zip(header.split("\t"), full.split("\t"), strict=True))
    cells |= {"row": "exp8-resnet10", "backbone": "resnet10", "tables": "-"}
    add_row(tree, *cells.values())
    told = run(tree, "-m", "ttvos", "cost", "--rows", "exp8-resnet10", *SIZE)
    assert told.startswith("exp8 resnet10: ")
    assert "resnet10" in run(tree, "-m", "ttvos", "speed", "--help")
    run(tree, "-c", TRACKED)


def test_a_data_set_is_one_file(tree, tmp_path):
    (tree / "ttvos/data/layouts/pairs.py").write_text(LAYOUT)
    from PIL import Image

    for number in range(3):
        frame, mask = disc_frame(number, [(20, 20, 3, 14)])
        folder = tmp_path / "pairs/one"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(folder / f"frame_{number}.png")
        write_mask(folder / f"mask_{number}.png", mask)
    (tmp_path / "run.yaml").write_text(
        f"""{{run: pairs, title: "", caution: "", results: results, rows: [], datasets: {{}},
        train: {{stages: [{{name: clips, source: pairs, roots: ["{tmp_path}/pairs"], height: 64,
        width: 96, frames: 2, batch: 2, learning_rate: 0.001, steps: 1}}]}}}}"""
    )
    out = ("--run", tmp_path / "run.yaml", "--out", tmp_path / "out")
    run(tree, "-m", "ttvos", "train", "--backbone", "hrnet", *out)
    assert (tmp_path / "out/checkpoint.safetensors").is_file()


def test_a_metric_is_one_function_and_one_column(tree, tiny_davis, tmp_path):
    with open(tree / "ttvos/evaluation/metrics.py", "a") as file:
        file.write(METRIC)
    masks = Path(shutil.copytree(tiny_davis / "Annotations/480p", tmp_path / "masks"))
    half = np.zeros((64, 96), np.uint8)
    half[:4, :4] = 1
    write_mask(masks / "one/00003.png", half)
    against = ("--dataset", tiny_davis, "--year", "2017", "--out", tmp_path / "scores.json")
    told = run(tree, "-m", "ttvos", "evaluate", "--masks", masks, *against, "--per-sequence")
    assert "A-Mean" in told.splitlines()[0]
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert 0.9 < scores["global"]["A-Mean"] < 1
    assert {"J", "F", "A"} == set(scores["frames"]["one_1"])
    assert scores["objects"]["two_1"]["A-Mean"] == 1


def test_a_peer_is_one_file_and_one_record(tree):
    (tree / "ttvos/peers/held.py").write_text(PEER)
    (tree / "data/peers/held.yaml").write_text(RECORD)
    told = run(tree, "-m", "ttvos", "cost", "--tracker", "held", *SIZE)
    assert told.startswith("held: 4 parameters")
    told = run(tree, "-m", "ttvos", "speed", "--tracker", "held", *SIZE, "--frames", "3")
    assert "held" in told
    contract = ("tests/contract/test_peers.py", "-q", "-k", "held", "-c", os.devnull)
    assert "passed" in run(tree, "-m", "pytest", *contract, "--rootdir", tree)
