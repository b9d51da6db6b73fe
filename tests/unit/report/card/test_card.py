"""Model cards: every number from a file, weights that load, and files that do not belong."""

import json
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

    def scored(self, name: str, jf: float, names: tuple[str, ...], split: str) -> str:
        values = evaluation(jf, names, split)
        values["provenance"]["masks"] = str(self.folder / "masks" / name)
        return str(write(self.folder, f"{name}.json", values))

    def masks(self, name: str, checkpoint_hash: str, **tracker) -> None:
        """Write the record beside the masks of a data set."""
        source = {"checkpoint": checkpoint_hash, "tracker": {"name": "ttvos", **tracker}}
        write(self.folder, f"masks/{name}/predict.json", {"provenance": source})

    def change(self, name: str, function) -> None:
        path = self.folder / name
        values = json.loads(path.read_text())
        function(values)
        path.write_text(json.dumps(values))

    def make(self) -> dict:
        return make_card(self.checkpoint, self.train, self.scores, self.references, self.out)

    def text(self) -> str:
        return Path(f"{self.out}.md").read_text()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def refused(files: Files, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        files.make()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text
    assert not files.out.parent.exists()


def test_the_weights_are_small_and_load_by_name(files, monkeypatch):
    card = files.make()
    shipped = files.out.with_suffix(".safetensors")
    assert shipped.stat().st_size == card["weights"]["bytes"] < 4e6
    assert card["weights"]["sha256"] == file_hash(shipped)
    assert card["weights"]["rounded_from_sha256"] == file_hash(files.checkpoint)
    assert card["weights"]["parameters"] == 1_605_830
    monkeypatch.setattr(weights, "FOLDERS", (files.out.parent,))
    loaded = ttvos.load("my-weights").state_dict()
    for name, value in checkpoint.load(files.checkpoint).state_dict().items():
        is_weight = value.dim() > 1
        assert torch.equal(loaded[name], value.half().float() if is_weight else value)
    origin = checkpoint.metadata("my-weights")["provenance"]
    assert origin == {"seed": 0, "command": ["ttvos", "train", "--config", "a.yaml"]}


def test_the_facts_are_those_of_the_files(files):
    card = files.make()
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


def test_the_text_shows_them(files):
    files.make()
    text = files.text()
    assert text.startswith("# my-weights\n")
    assert 'ttvos.load("my-weights")' in text
    assert "1,605,830 parameters, 3." in text
    assert "| val3 | 3 of val, 2016 | these weights | 60.0 | 58.0 | 62.0 |" in text
    assert "| val3 | 3 of val, 2016 | held still | 30.0 | 28.0 | 32.0 |" in text
    assert "| held | 2 of train, 2016 | these weights | 50.0 | 48.0 | 52.0 |" in text
    assert "| Sequence | J&F | J | F | held still, J&F |" in text
    assert "| camel | 58.0 | 56.0 | 60.0 | 28.0 |" in text
    assert "| davis | DAVIS, ECSSD | 112×192 | 4 | 8 | 0.001 | 500 | 2 |" in text
    assert "- weight_decay: 0.01" in text
    assert "- Seed: 0" in text
    assert "- Device: Imaginary CPU <2 cores>, 2 processor cores" in text
    assert "- Command: `ttvos train`" in text
    assert "- Weights of: the last step" in text
    assert f"- SHA-256: `{file_hash(files.out.with_suffix('.safetensors'))}`" in text


def test_licences_of_the_training_data_are_told(files):
    text = (files.make(), files.text())[1]
    assert "[DAVIS 2016, trainval](https://davischallenge.org" in text
    assert "CC BY-NC 4.0" in text
    assert "| ECSSD | davis | no explicit licence; research use, cite the paper |" in text
    assert "take them to be bound by it too" in text


def test_limits_follow_from_the_training(files):
    files.make()
    text = files.text()
    assert "MSRA10K" in text
    assert "ECSSD salient objects, " not in text.split("## Limits")[1]
    assert "did not start from ImageNet weights" in text
    files.change("run/train.json", lambda v: v["provenance"]["initial"].update(source="imagenet"))
    files.make()
    assert "ImageNet weights of the backbone" in files.text()
    assert "did not start from ImageNet" not in files.text()


def test_nothing_tells_where_things_lie(files):
    files.make()
    for path in files.out.parent.iterdir():
        content = path.read_bytes()
        for word in (b"somebody", b"photos", str(files.folder).encode()):
            assert word not in content


def test_the_start_tells_what_it_has_learnt_from(files):
    start = files.folder / "start.safetensors"
    learnt = {"data": {"profile": "drawn", "root": [f"{FOLDER}/clips", f"{FOLDER}/clips"]}}
    model = checkpoint.load(files.checkpoint)
    checkpoint.save_backbone(model, start, {"checkpoint_provenance": learnt})
    initial = {"source": str(start), "sha256": file_hash(start)}
    files.change("run/train.json", lambda v: v["provenance"].update(initial=initial))
    files.make()
    assert "the backbone of `start.safetensors`" in files.text()
    assert "trained on clips (profile drawn)" in files.text()
    checkpoint.save_backbone(model, start, {"seed": 9})  # another file by now
    files.make()
    assert "the backbone of `start.safetensors`" in files.text()
    assert "(profile drawn)" not in files.text()


def test_scores_of_sequences_that_are_known_to_the_weights_say_so(files):
    files.make()
    assert "no independent measurement" not in files.text()
    assert "learnt from." not in files.text()

    def chosen(values):
        selection = {"by": "heldout", "data": {"split": "train", "sequences": ["swing"]}}
        values["selection"] = selection
        values["settings"]["heldout"] = ["swing"]

    files.change("run/train.json", chosen)
    files.make()
    assert "held: chose the weights, so its scores are no independent" in files.text()
    assert "held: has sequences that the weights learnt from." in files.text()
    assert "- Weights of: the step that scored best on sequences held out" in files.text()


def test_what_differs_from_the_defaults_is_told(files):
    def longer(values):
        stage = values["settings"]["stages"][0]
        stage |= {"gaps": 4, "reverse": True, "paste": 0.0, "end_rate": 1e-5}
        stage["motion"] = {"rotation": 8.0, "scale": [0.9, 1.1]}

    files.change("run/train.json", longer)
    files.make()
    line = "- davis: years (2016), gaps 4, reverse True, motion (rotation 8.0, scale (0.9, 1.1))"
    assert line in files.text()
    assert "| 0.001 to 1e-05 |" in files.text()


def test_which_weights_made_the_masks(files):
    files.masks("val3", file_hash(files.checkpoint), input_scale=0.5)
    card = files.make()
    assert card["scores"]["val3"]["made_with"] == "before rounding"
    assert card["scores"]["held"]["made_with"] == "not recorded"
    assert "val3: masks made with the weights before they were rounded" in files.text()
    assert "from frames brought to 0.5 of their size" in files.text()
    shipped = files.out.with_suffix(".safetensors")
    before = shipped.read_bytes()
    files.masks("val3", file_hash(shipped))
    card = files.make()
    assert card["scores"]["val3"]["made_with"] == "shipped"
    assert shipped.read_bytes() == before
    assert "val3: masks made with the shipped file;" in files.text()


def test_masks_of_other_weights(files):
    files.masks("held", "0" * 64)
    refused(files, "held.json", "other weights")


def test_a_record_of_another_training(files):
    files.change("run/train.json", lambda v: v.update(checkpoint_sha256="0" * 64))
    refused(files, "train.json", "other weights")


def test_scores_without_provenance(files):
    files.change("val3.json", lambda v: v.pop("provenance"))
    refused(files, "val3.json", "where its numbers come from")


def test_a_reference_on_other_data(files):
    files.change("still.json", lambda v: v["objects"].pop("goat_1"))
    refused(files, "still.json", "none of the data")


def test_two_scores_of_one_name(files):
    files.scores.append(files.scores[0])
    refused(files, "same name")


def test_a_name_with_a_suffix(files):
    files.out = files.out.with_suffix(".safetensors")
    refused(files, "without suffix")


def test_older_weights_of_that_name_are_replaced(files):
    shipped = files.out.with_suffix(".safetensors")
    shipped.parent.mkdir()
    shipped.write_text("older")
    card = files.make()
    assert file_hash(shipped) == card["weights"]["sha256"]


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
    assert "| val3 | 3 of val, 2016 | still | 30.0" in files.text()
    assert main([*map(str, command[:7]), "--scores", "val3.json"]) == 1
    assert "expected NAME=FILE, got 'val3.json'" in capsys.readouterr().err
