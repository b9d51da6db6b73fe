"""Model cards: every number from a file, weights that load, and files that do not belong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import ttvos
from tests.unit.report.publication.fake_profile import (
    FOLDER,
    HELDOUT,
    VAL,
    evaluation,
    training,
    write,
)
from ttvos.cli.main import main
from ttvos.config.experiments import find_variant
from ttvos.core import shipped_weights as weights
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.report.card.facts import missing_of_the_paper, training_data
from ttvos.report.card.make import make_card

SHOWN = (
    'ttvos.load("my-weights")',
    "1,605,830 parameters, 3.",
    "| val3 | 3 of val, 2016 | these weights | 60.0 | 58.0 | 62.0 |",
    "| val3 | 3 of val, 2016 | held still | 30.0 | 28.0 | 32.0 |",
    "| held | 2 of train, 2016 | these weights | 50.0 | 48.0 | 52.0 |",
    "| Sequence | J&F | J | F | held still, J&F |",
    "| camel | 58.0 | 56.0 | 60.0 | 28.0 |",
    "| davis | DAVIS, ECSSD | 112×192 | 4 | 8 | 0.001 | 500 | 2 |",
    "- weight_decay: 0.01",
    "- Seed: 0",
    "- Device: Imaginary CPU <2 cores>, 2 processor cores",
    "- Command: `ttvos train`",
    "- Weights of: the last step",
    "[DAVIS 2016, trainval](https://davischallenge.org",
    "CC BY-NC 4.0",
    "| ECSSD | davis | no explicit licence; research use, cite the paper |",
    "take them to be bound by it too",
)


class Files:
    """Made-up results of one training: a checkpoint, its record, scores, references."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = folder / "run/checkpoint.safetensors"
        torch.manual_seed(0)
        origin = {"seed": 0, "command": ["ttvos", "train", "--config", f"{FOLDER}/a.yaml"]}
        checkpoint.save(build_model(find_variant("exp8"), "hrnet"), self.checkpoint, origin)
        record = training("exp8-hrnet", 0)
        record["checkpoint_sha256"] = file_hash(self.checkpoint)
        self.train = write(folder, "run/train.json", record)
        self.scores = [("val3", self.scored("val3", 0.6, VAL, "val"))]
        self.scores.append(("held", self.scored("held", 0.5, HELDOUT, "train")))
        still = write(folder, "still.json", evaluation(0.3, VAL, "val"))
        self.references = [("held still", str(still))]
        self.out = folder / "weights/my-weights"
        self.shipped = self.out.with_suffix(".safetensors")

    def scored(self, name: str, jf: float, names: tuple[str, ...], split: str) -> str:
        values = evaluation(jf, names, split)
        values["provenance"]["masks"] = str(self.folder / "masks" / name)
        return str(write(self.folder, f"{name}.json", values))

    def masks(self, name: str, checkpoint_hash: str, **tracker) -> None:
        """Write the record beside the masks of a data set."""
        source = {"checkpoint": checkpoint_hash, "tracker": {"name": "ttvos", **tracker}}
        write(self.folder, f"masks/{name}/predict.json", {"provenance": source})

    def change(self, name: str, function: Callable[[dict], object]) -> None:
        path = self.folder / name
        values = json.loads(path.read_text())
        function(values)
        path.write_text(json.dumps(values))

    def make(self) -> tuple[dict, str]:
        """The card's facts, and its text."""
        card = make_card(self.checkpoint, self.train, self.scores, self.references, self.out)
        return card, Path(f"{self.out}.md").read_text()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Files, dict, str]:
    """A card that was made, for tests that change nothing: files, facts, text."""
    files = Files(tmp_path_factory.mktemp("card"))
    return files, *files.make()


def test_the_weights_are_small_and_load_by_name(made, monkeypatch):
    files, card, _ = made
    assert files.shipped.stat().st_size == card["weights"]["bytes"] < 4e6
    assert card["weights"]["sha256"] == file_hash(files.shipped)
    assert card["weights"]["rounded_from_sha256"] == file_hash(files.checkpoint)
    assert card["weights"]["parameters"] == 1_605_830
    monkeypatch.setattr(weights, "FOLDERS", (files.out.parent,))
    loaded = ttvos.load("my-weights").state_dict()
    for name, value in checkpoint.load(files.checkpoint).state_dict().items():
        is_weight = value.dim() > 1
        assert torch.equal(loaded[name], value.half().float() if is_weight else value)
    origin = checkpoint.metadata("my-weights")["provenance"]
    assert origin == {"seed": 0, "command": ["ttvos", "train", "--config", "a.yaml"]}


def test_the_facts_are_those_of_the_files(made):
    files, card, _ = made
    assert json.loads(Path(f"{files.out}.json").read_text()) == card
    learnt = card["training"]
    assert (learnt["seed"], learnt["steps"], learnt["seconds"]) == (0, 500, 90.5)
    assert learnt["settings"]["optimizer"] == "adamw"
    assert learnt["provenance"]["commit"] == "0123456789ab"
    val = card["scores"]["val3"]
    assert val["global"]["J&F-Mean"] == 60
    assert val["sequences"]["camel"] == {"J&F": 58.0, "J": 56.0, "F": 60.0}
    assert val["references"]["held still"]["global"]["J&F-Mean"] == 30
    assert "references" not in card["scores"]["held"]
    assert val["data"]["sequences"] == sorted(VAL)


def test_the_text_shows_them(made):
    files, _, text = made
    assert text.startswith("# my-weights\n")
    assert f"- SHA-256: `{file_hash(files.shipped)}`" in text
    assert [words for words in SHOWN if words not in text] == []


def test_nothing_tells_where_things_lie(made):
    files = made[0]
    for path in files.out.parent.iterdir():
        content = path.read_bytes()
        for word in (b"somebody", b"photos", str(files.folder).encode()):
            assert word not in content


def test_limits_follow_from_the_training(files, made):
    text = made[2]
    assert "MSRA10K" in text
    assert "ECSSD salient objects, " not in text.split("## Limits")[1]
    assert "did not start from ImageNet weights" in text
    files.change("run/train.json", lambda v: v["provenance"]["initial"].update(source="imagenet"))
    _, text = files.make()
    assert "ImageNet weights of the backbone" in text
    assert "did not start from ImageNet" not in text


def test_the_start_tells_what_it_has_learnt_from(files):
    start = files.folder / "start.safetensors"
    learnt = {"data": {"profile": "drawn", "root": [f"{FOLDER}/clips", f"{FOLDER}/clips"]}}
    model = checkpoint.load(files.checkpoint)
    checkpoint.save_backbone(model, start, {"checkpoint_provenance": learnt})
    initial = {"source": str(start), "sha256": file_hash(start)}
    files.change("run/train.json", lambda v: v["provenance"].update(initial=initial))
    _, text = files.make()
    assert "the backbone of `start.safetensors`" in text
    assert "trained on clips (profile drawn)" in text
    checkpoint.save_backbone(model, start, {"seed": 9})  # another file by now
    _, text = files.make()
    assert "the backbone of `start.safetensors`" in text
    assert "(profile drawn)" not in text


def test_scores_of_sequences_that_are_known_to_the_weights_say_so(files, made):
    assert "no independent measurement" not in made[2]
    assert "learnt from." not in made[2]

    def chosen(values):
        selection = {"by": "heldout", "data": {"split": "train", "sequences": ["swing"]}}
        values["selection"] = selection
        values["settings"]["heldout"] = ["swing"]

    files.change("run/train.json", chosen)
    _, text = files.make()
    assert "held: chose the weights, so its scores are no independent" in text
    assert "held: has sequences that the weights learnt from." in text
    assert "- Weights of: the step that scored best on sequences held out" in text


def test_what_differs_from_the_defaults_is_told(files):
    def longer(values):
        stage = values["settings"]["stages"][0]
        stage |= {"gaps": 4, "reverse": True, "paste": 0.0, "end_rate": 1e-5}
        stage["motion"] = {"rotation": 8.0, "scale": [0.9, 1.1]}

    files.change("run/train.json", longer)
    _, text = files.make()
    line = "- davis: years (2016), gaps 4, reverse True, motion (rotation 8.0, scale (0.9, 1.1))"
    assert line in text
    assert "| 0.001 to 1e-05 |" in text


def test_which_weights_made_the_masks(files):
    files.masks("val3", file_hash(files.checkpoint), input_scale=0.5)
    card, text = files.make()
    assert card["scores"]["val3"]["made_with"] == "before rounding"
    assert card["scores"]["held"]["made_with"] == "not recorded"
    assert "val3: masks made with the weights before they were rounded" in text
    assert "from frames brought to 0.5 of their size" in text
    before = files.shipped.read_bytes()
    files.masks("val3", file_hash(files.shipped))
    card, text = files.make()
    assert card["scores"]["val3"]["made_with"] == "shipped"
    assert files.shipped.read_bytes() == before
    assert "val3: masks made with the shipped file;" in text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: f.masks("held", "0" * 64), ("held.json", "other weights")),
        (
            lambda f: f.change("run/train.json", lambda v: v.update(checkpoint_sha256="0" * 64)),
            ("train.json", "other weights"),
        ),
        (
            lambda f: f.change("run/train.json", lambda v: v.pop("settings")),
            ("train.json", "settings"),
        ),
        (
            lambda f: f.change("val3.json", lambda v: v.pop("provenance")),
            ("val3.json", "where its numbers come from"),
        ),
        (
            lambda f: f.change("still.json", lambda v: v["objects"].pop("goat_1")),
            ("still.json", "none of the data"),
        ),
        (lambda f: f.scores.append(f.scores[0]), ("same name",)),
        (lambda f: setattr(f, "out", f.shipped), ("without suffix",)),
    ],
)
def test_what_does_not_belong_together_is_one_line_and_writes_nothing(files, spoil, words):
    spoil(files)
    with pytest.raises(UserError) as caught:
        files.make()
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
    assert not files.out.parent.exists()


def test_older_weights_of_that_name_are_replaced(files):
    files.shipped.parent.mkdir()
    files.shipped.write_text("older")
    card, _ = files.make()
    assert file_hash(files.shipped) == card["weights"]["sha256"]


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ({"source": "stills", "roots": ["x/MSRA10K", "x/hku_is", "x/mine"]}, "msra10k hku-is None"),
        ({"source": "ytvos", "roots": ["x"]}, "ytvos2018"),
        ({"source": "davis", "roots": ["x"], "years": [2016, 2017]}, "davis2016 davis2017"),
        (
            {"source": "davis", "roots": ["x"], "years": [2017], "stills_roots": ["ECSSD"]},
            "davis2017 ecssd",
        ),
    ],
)
def test_data_sets_are_told_by_layout_and_name(stage, names):
    data = training_data({"stages": [{"name": "one", **stage}], "data": {}})
    sources = [source for entry in data for source in entry["sources"]]
    assert [str(source["name"]) for source in sources] == names.split()
    assert all(source["licence"] for source in sources)


def test_a_folder_of_two_stages_is_told_once():
    stages = [{"name": name, "source": "ytvos", "roots": ["x"]} for name in ("a", "b")]
    (entry,) = training_data({"stages": stages, "data": {"x": "12"}})
    assert (entry["stages"], entry["listing"]) == (["a", "b"], "12")
    assert len(entry["sources"]) == 1
    assert "YouTube-VOS 2018, train" not in missing_of_the_paper([entry])


def test_drawn_clips_are_no_davis(tmp_path):
    (tmp_path / "davis").mkdir()
    (tmp_path / "mini.json").write_text("{}")
    stage = {"name": "a", "source": "davis", "years": [2017], "roots": [str(tmp_path / "davis")]}
    (entry,) = training_data({"stages": [stage], "data": {}})
    assert entry["sources"][0]["licence"] == "MIT"
    assert len(missing_of_the_paper([entry])) == 6


def test_on_the_command_line(files, capsys):
    named = [f"{name}={path}" for name, path in files.scores]
    command = ["card", "--checkpoint", files.checkpoint, "--train", files.train, "--out", files.out]
    command += ["--scores", *named, "--references", f"still={files.references[0][1]}"]
    assert main([str(word) for word in command]) == 0
    assert f"{files.out}.safetensors: 3," in capsys.readouterr().out
    assert "| val3 | 3 of val, 2016 | still | 30.0" in Path(f"{files.out}.md").read_text()
    assert main([*map(str, command[:7]), "--scores", "val3.json"]) == 1
    assert "expected NAME=FILE, got 'val3.json'" in capsys.readouterr().err
