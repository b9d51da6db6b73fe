"""Checkpoints: round trips, strictness, and files that must be refused."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.released import released_state_dict
from ttvos.config.experiments import Variant, find_variant
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import TTVOS, build_model

PROVENANCE = {"commit": "abc", "seed": 3}


@pytest.fixture(scope="module")
def model() -> TTVOS:
    torch.manual_seed(0)
    model = build_model(find_variant("exp8"), "hrnet")
    for name, value in model.named_buffers():
        if name.endswith("running_var"):
            value.fill_(1e5)  # beyond float16
    return model


@pytest.fixture
def path(model: TTVOS, tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(model, path, PROVENANCE)
    return path


def rewrite(path: Path, change) -> None:
    """Let `change(tensors, metadata)` alter a safetensors file."""
    with safe_open(path, "pt") as handle:
        metadata = handle.metadata()
    tensors = load_file(path)
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def refused(path: Path, *words: str, **asked) -> None:
    """Loading must fail with one line that names the file and says `words`."""
    with pytest.raises(UserError) as caught:
        checkpoint.load(path, **asked)
    text = str(caught.value)
    assert "\n" not in text
    for word in (path.name, *words):
        assert word in text


def assert_same_weights(left: torch.nn.Module, right: torch.nn.Module) -> None:
    first, second = left.state_dict(), right.state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_round_trip_is_exact(model: TTVOS, path: Path):
    loaded = checkpoint.load(path)
    assert_same_weights(model, loaded)
    assert not loaded.training
    assert (loaded.variant, loaded.backbone_name) == (find_variant("exp8"), "hrnet")


def test_metadata_tells_where_the_weights_are_from(path: Path):
    facts = checkpoint.metadata(path)
    assert facts["format"] == "ttvos-1"
    assert facts["backbone"] == "hrnet"
    assert facts["variant"]["name"] == "exp8"
    assert facts["provenance"] == PROVENANCE


def test_half_is_smaller_and_loads_as_float32(model: TTVOS, path: Path, tmp_path: Path):
    half = tmp_path / "half.safetensors"
    checkpoint.save(model, half, PROVENANCE, half=True)
    assert half.stat().st_size < 0.6 * path.stat().st_size
    expected, loaded = model.state_dict(), checkpoint.load(half).state_dict()
    for name, value in expected.items():
        assert loaded[name].dtype == value.dtype
        is_weight = value.dim() > 1
        assert torch.equal(loaded[name], value.half().float() if is_weight else value)


def test_an_experiment_of_ones_own_needs_no_row(tmp_path: Path):
    """The file itself says which parts the model has."""
    variant = Variant("mine", long_term=False, transition_loss=False)
    checkpoint.save(build_model(variant, "hrnet"), tmp_path / "mine.safetensors", {})
    assert checkpoint.load(tmp_path / "mine.safetensors").variant == variant


def test_asked_for_what_it_is(path: Path):
    checkpoint.load(path, backbone="hrnet", variant="exp8")
    checkpoint.load(path, backbone="hrnet", variant=find_variant("exp8"))


def test_another_backbone(path: Path):
    refused(path, "hrnet", "resnet18", backbone="resnet18")


def test_unknown_backbone(path: Path):
    with pytest.raises(UserError, match="vgg"):
        checkpoint.load(path, backbone="vgg")


def test_another_variant(path: Path):
    refused(path, "exp8", "exp4", variant="exp4")
    refused(path, "exp8", "other parts", variant=Variant("exp8", long_term=False))


def test_missing_file(tmp_path: Path):
    refused(tmp_path / "none.safetensors", "no such file")
    refused(tmp_path / "none.pth.tar", "no such file", backbone="hrnet")
    refused(tmp_path, backbone="hrnet")  # a folder


@pytest.mark.parametrize("length", [0, 5, 100, -4])
def test_truncated(path: Path, length: int):
    path.write_bytes(path.read_bytes()[:length])
    refused(path, "truncated")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, m: t.pop("refinement.up4.bias"), ("1 missing", "refinement.up4.bias")),
        (lambda t, m: t.update(more=torch.zeros(1)), ("1 unexpected", "more")),
        (
            lambda t, m: t.update({"refinement.up4.bias": torch.zeros(3)}),
            ("1 of another shape", "refinement.up4.bias"),
        ),
        (lambda t, m: m.update(format="ttvos-9"), ("ttvos-9", "ttvos-1")),
        (lambda t, m: t["memory.f.0.bias"].fill_(float("nan")), ("memory.f.0.bias", "finite")),
        (lambda t, m: m.clear(), ("not a TTVOS checkpoint",)),
        (lambda t, m: m.update(backbone="vgg"), ("vgg",)),
        (lambda t, m: m.update(backbone="mobilenetv3"), ("missing", "mobilenetv3")),
        (lambda t, m: m.update(variant="{"), ("variant", "JSON")),
        (lambda t, m: m.update(variant='{"name": "x", "depth": 3}'), ("depth",)),
    ],
)
def test_contents_that_do_not_fit(path: Path, change, words: tuple[str, ...]):
    rewrite(path, change)
    refused(path, *words)


class Harmful:
    """Unpickling it would run a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("where", ["net", "extra"])
def test_pickled_code_is_refused_and_not_run(tmp_path: Path, where: str, legacy: bool):
    file, trace = tmp_path / "released.pth.tar", tmp_path / "was-run"
    content = {"net": {"vos.a": torch.zeros(1)}} | {where: Harmful(trace)}
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    refused(file, "pickled", ".mkdir", backbone="hrnet")
    assert not trace.exists()


def test_pickled_code_called_safetensors(tmp_path: Path):
    file, trace = tmp_path / "trick.safetensors", tmp_path / "was-run"
    torch.save({"net": Harmful(trace)}, file)
    refused(file, "not a safetensors file")
    assert not trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(1)],
        {},
        {"net": {}},
        {"net": torch.zeros(1)},
        {"net": {"vos.a": 3}},
        {"epoch": 3, "state": {"vos.a": torch.zeros(1)}},
    ],
)
def test_pickled_file_without_a_state_dict(tmp_path: Path, content):
    file = tmp_path / "released.pth"
    torch.save(content, file)
    refused(file, "state dict", backbone="hrnet")


@pytest.mark.parametrize("length", [0, 5, 100, -50])
@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_released_file(tmp_path: Path, length: int, legacy: bool):
    file = tmp_path / "released.pth.tar"
    torch.save({"net": {"vos.a": torch.zeros(90)}}, file, _use_new_zipfile_serialization=not legacy)
    file.write_bytes(file.read_bytes()[:length])
    refused(file, backbone="hrnet")


def test_text_called_pth(tmp_path: Path):
    file = tmp_path / "released.pth"
    file.write_text("<html>not found</html>")
    refused(file, "not a PyTorch file", backbone="hrnet")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the names, shapes and types of the authors' HRNet checkpoint."""
    path = tmp_path_factory.mktemp("released") / "released-hrnet.safetensors"
    save_file(released_state_dict("hrnet"), path)
    return path


def test_released_safetensors(released: Path):
    loaded = checkpoint.load(released, backbone="hrnet")
    assert loaded.backbone_name == "hrnet"
    assert not loaded.training
    assert torch.equal(
        loaded.state_dict()["backbone.net.bn1.bias"], load_file(released)["vos.backbone.bn1.bias"]
    )


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_released_pickled_forms(released: Path, tmp_path: Path, prefix: str, wrapped: bool):
    state = {prefix + name: value for name, value in load_file(released).items()}
    file = tmp_path / "released.pth.tar"
    torch.save({"net": state, "epoch": 3} if wrapped else state, file)
    expected = checkpoint.load(released, backbone="hrnet")
    assert_same_weights(checkpoint.load(file, backbone="hrnet"), expected)


def test_released_file_needs_a_backbone(released: Path):
    refused(released, "backbone=")


def test_released_file_of_another_backbone(released: Path):
    refused(released, "resnet18", backbone="resnet18")


def test_released_file_is_the_full_model(released: Path):
    refused(released, "exp8", "exp4", backbone="hrnet", variant="exp4")


def test_backbone_alone(model: TTVOS, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    checkpoint.save_backbone(model, file, PROVENANCE, half=False)
    torch.manual_seed(1)
    other = build_model(find_variant("exp1"), "hrnet")
    heads = {n: v.clone() for n, v in other.state_dict().items() if not n.startswith("backbone.")}
    checkpoint.initial_backbone(other, file)
    assert_same_weights(model.backbone, other.backbone)
    assert all(torch.equal(other.state_dict()[name], value) for name, value in heads.items())
    assert checkpoint.metadata(file)["provenance"] == PROVENANCE


def test_backbone_is_half_unless_told(model: TTVOS, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    checkpoint.save_backbone(model, file, PROVENANCE)
    assert file.stat().st_size < 3.5e6
    other = build_model(find_variant("exp8"), "hrnet")
    checkpoint.initial_backbone(other, file)
    weight = model.backbone.net.conv1.weight
    assert torch.equal(other.backbone.net.conv1.weight, weight.half().float())


def test_backbone_file_is_no_checkpoint(model: TTVOS, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    checkpoint.save_backbone(model, file, PROVENANCE)
    refused(file, "ttvos-backbone-1")


def test_backbone_of_a_whole_checkpoint(model: TTVOS, path: Path):
    torch.manual_seed(2)
    other = build_model(find_variant("exp2"), "hrnet")
    head = other.query.state_dict()
    before = {name: value.clone() for name, value in head.items()}
    checkpoint.initial_backbone(other, path)
    assert_same_weights(model.backbone, other.backbone)
    assert all(torch.equal(before[name], value) for name, value in head.items())


def test_backbone_of_a_checkpoint_of_another_one(path: Path):
    with pytest.raises(UserError, match=r"checkpoint\.safetensors.*hrnet, but resnet18"):
        checkpoint.initial_backbone(build_model(find_variant("exp1"), "resnet18"), path)


def test_backbone_of_a_damaged_checkpoint(model: TTVOS, path: Path):
    rewrite(path, lambda t, m: t.pop("backbone.net.conv1.weight"))
    with pytest.raises(UserError, match=r"does not fit the backbone hrnet.*net\.conv1\.weight"):
        checkpoint.initial_backbone(model, path)


def test_backbone_of_a_foreign_file(model: TTVOS, path: Path):
    rewrite(path, lambda t, m: m.clear())
    with pytest.raises(UserError, match="ttvos-1"):
        checkpoint.initial_backbone(model, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, m: m.update(backbone="resnet18"), "resnet18, but hrnet"),
        (lambda t, m: t.pop("net.conv1.weight"), "1 missing.*net.conv1.weight"),
        (lambda t, m: t.update(more=torch.zeros(1)), "1 unexpected"),
        (lambda t, m: t.update({"net.bn1.bias": torch.zeros(2)}), "another shape"),
    ],
)
def test_backbone_that_does_not_fit(model: TTVOS, tmp_path: Path, change, words: str):
    file = tmp_path / "backbone.safetensors"
    checkpoint.save_backbone(model, file, PROVENANCE)
    rewrite(file, change)
    with pytest.raises(UserError, match=words):
        checkpoint.initial_backbone(model, file)


def test_a_failed_write_leaves_the_old_file(model: TTVOS, path: Path, monkeypatch):
    before = path.read_bytes()

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoint.save(model, path, PROVENANCE)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_provenance_is_json(model: TTVOS, path: Path):
    with safe_open(path, "pt") as handle:
        assert json.loads(handle.metadata()["provenance"]) == PROVENANCE


def test_a_file_says_in_whose_training_its_backbone_learnt(tmp_path):
    """A whole checkpoint by its variant, a backbone by its origin; others say nothing."""
    model = build_model(Variant("exp3", update_template=False), "hrnet")
    checkpoint.save(model, tmp_path / "whole.safetensors", {})
    command = ["ttvos", "train", "--variant", "exp5", "--backbone", "hrnet"]
    origins = {
        "told": {"trained_within": "exp6"},
        "by its command": {"checkpoint_provenance": {"command": command}},
        "silent": {"checkpoint_provenance": {"command": ["ttvos", "train", "--variant"]}},
        "empty": {},
    }
    for name, origin in origins.items():
        checkpoint.save_backbone(model, tmp_path / f"{name}.safetensors", origin)
    found = {
        path.stem: checkpoint.trained_within(path).get("trained_within")
        for path in tmp_path.iterdir()
    }
    assert found == {
        **{"whole": "exp3", "told": "exp6", "by its command": "exp5"},
        **{"silent": None, "empty": None},
    }
    assert checkpoint.trained_within("ttvos-hrnet-davis") == {"trained_within": "exp8"}
    assert checkpoint.trained_within("mini-hrnet-backbone") == {"trained_within": "exp8"}
