"""Unknown names, checkpoints that do not fit or would run code, no CUDA, a full disk."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.unit.cli.conftest import evaluate, predict, train
from tests.unit.cli.damage import truncate
from ttvos.config.experiments import find_variant
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model


@pytest.mark.parametrize("command", ["train", "cost", "speed"])
def test_unknown_variant(profile, results, refused, command):
    config = ["--config", profile] if command == "train" else []
    options = ["--variant", "exp9", "--backbone", "hrnet", "--out", results / "new"]
    refused([command, *config, *options], "unknown variant 'exp9'", "exp1", "exp8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cost", "--backbone", "vgg", "--out", "x"], ("'vgg'", "resnet18", "ttvos cost --help")),
        (["speed", "--backbone", "hrnet", "--frames", "two", "--out", "x"], ("--frames", "'two'")),
        (["speed", "--frames", "6"], ("name what to time", "--checkpoint", "--tracker")),
        (["evaluate", "--masks", "x"], ("required", "--dataset", "ttvos evaluate --help")),
        (["predict", "--checkpoint", "x.pth", "--reference", "still"], ("not allowed with",)),
        (["segment"], ("'segment'", "predict", "ttvos --help")),
        ([], ("command", "ttvos --help")),
    ],
)
def test_wrong_usage(refused, arguments, words):
    refused(arguments, *words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("profile: tiny", "colour: red", ("unknown key 'colour'", "caution", "datasets")),
        ("batch: 2", "batsh: 2", ("train.stages[0]", "unknown key 'batsh'", "batch")),
        ("batch: 2", "batch: two", ("train.stages[0].batch: expected int, got 'two'",)),
        ("batch: 2", "batch: 0", ("stage clips: batch must be 1 or more, not 0",)),
        ("height: 64", "height: 0", ("stage clips: height must be 1 or more",)),
        ("steps: 1", "steps: -1", ("stage clips: steps must be 1 or more",)),
        ("steps: 1", "steps: 1, gaps: 0", ("stage clips: gaps must be 1 or more",)),
        ("steps: 1", "steps: 1, scale: [0, 1]", ("stage clips: scale must be",)),
        (
            "steps: 1",
            "steps: 1, years: [2015]",
            ("stages[0].years[0]: 2015 is not one of 2016, 2017",),
        ),
        ("0.001", "-0.001", ("stage clips: learning_rate must be positive",)),
        ("stages:", "checkpoint_every: 0, stages:", ("checkpoint_every must be 1 or more",)),
        ("stages:", "workers: -1, stages:", ("workers must be 0 or more",)),
        ("stages:", "initial: {vgg: x.pth}, stages:", ("unknown backbone 'vgg'", "mobilenetv3")),
        ("stages:", "freeze: {vgg: true}, stages:", ("unknown backbone 'vgg'",)),
        ("stages:", "effort: {hrnet: 0}, stages:", ("effort of hrnet must be positive",)),
        ("stages:", "initial: {hrnet: none.safetensors}, stages:", ("none.safetensors: no such",)),
        ("rows: []", "rows: [exp9-hrnet]", ("unknown row 'exp9-hrnet'", "exp8-hrnet")),
        ("}]", "", ("not a readable YAML file",)),
    ],
)
def test_bad_profile(profile, tmp_path, refused, old, new, words):
    text = profile.read_text()
    assert text.count(old) == 1
    profile.write_text(text.replace(old, new))
    where = [] if "none.safetensors" in new else ["tiny.yaml"]
    refused(train(profile, tmp_path / "run"), *where, *words)
    assert not (tmp_path / "run").exists()


def test_other_bad_settings_of_a_training(profile, tmp_path, refused, monkeypatch):
    refused(train(tmp_path / "none.yaml", tmp_path / "run"), "none.yaml: no such file")
    refused(train(profile, tmp_path / "run", "--seed", -1), "seed must be 0 or more, not -1")
    monkeypatch.setenv("TTVOS_THREADS", "many")
    refused(train(profile, tmp_path / "run"), "TTVOS_THREADS=many")
    profile.write_text(profile.read_text().split("mini:")[0].rstrip().rstrip(",") + "}")
    refused(train(profile, tmp_path / "run"), "tiny.yaml has no train section")
    assert not (tmp_path / "run").exists()


class Harmful:
    """Unpickling it would make a folder."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


@pytest.mark.parametrize("name", ["released.pth.tar", "renamed.safetensors"])
def test_pickled_code_is_not_run(tiny_davis, results, refused, tmp_path, name):
    file, canary = tmp_path / name, tmp_path / "canary"
    torch.save({"net": {"vos.a": torch.zeros(1)}, "extra": Harmful(canary)}, file)
    options = ("--checkpoint", file, "--backbone", "hrnet")
    refused(predict(tiny_davis, results / "masks", *options), name)
    assert not canary.exists()
    torch.load(file, weights_only=False)  # it would have been harmful
    assert canary.exists()


def test_checkpoint_that_does_not_fit(tiny_davis, results, refused, weights, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())

    def run(*options: object) -> list[object]:
        return predict(tiny_davis, results / "masks", "--checkpoint", *options)

    refused(run(copy, "--backbone", "resnet18"), "copy.safetensors", "hrnet, but resnet18")
    refused(run(copy, "--variant", "exp4"), "copy.safetensors", "exp8, but exp4")
    refused(run(tmp_path / "none.safetensors"), "none.safetensors: no such file")
    checkpoint.save_backbone(
        build_model(find_variant("exp8"), "hrnet"), tmp_path / "b.safetensors", {}
    )
    refused(run(tmp_path / "b.safetensors"), "not a TTVOS checkpoint")
    torch.save({"net": {"vos.a": torch.zeros(1)}}, tmp_path / "theirs.pth")
    refused(run(tmp_path / "theirs.pth"), "theirs.pth", "--backbone", "hrnet")
    refused(
        run(tmp_path / "theirs.pth", "--backbone", "hrnet"), "theirs.pth", "not a released hrnet"
    )
    truncate(copy.name)(tmp_path)
    refused(run(copy), "copy.safetensors: truncated", "again")
    options = ["--backbone", "hrnet", "--out", results / "speed.json", "--checkpoint", copy]
    refused(["speed", *options], "copy.safetensors: truncated")
    refused(["backbone", *options[2:]], "copy.safetensors: truncated")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_no_cuda(tiny_davis, profile, results, refused, weights, tmp_path):
    device = ("--device", "cuda")
    words = ("no CUDA device here", "--device cpu")
    refused(predict(tiny_davis, results / "masks", "--checkpoint", weights, *device), *words)
    refused(train(profile, tmp_path / "run", *device), *words)
    assert not (tmp_path / "run").exists()
    refused(["speed", "--backbone", "hrnet", "--out", results / "speed.json", *device], *words)


def test_reference_trackers_know_no_gpu(tiny_davis, results, refused):
    options = ("--reference", "flow", "--device", "cuda")
    refused(predict(tiny_davis, results / "masks", *options), "CPU only", "--device")


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """Let the system itself refuse every write beyond `size` bytes of a file (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100, 800])
def test_no_room_for_predictions(tiny_davis, results, refused, weights, size):
    """For the first mask, or for predict.json after all masks."""
    with no_room(size):
        refused(predict(tiny_davis, results / "masks"), "cannot write", "File too large")
        options = ("--checkpoint", weights, "--maps", results / "maps.npz")
        refused(predict(tiny_davis, results / "masks", *options), "cannot write")


def test_no_room_for_maps(tiny_davis, results, refused, weights):
    (results / "masks/predict.json").unlink()
    (results / "masks").rmdir()
    options = ("--checkpoint", weights, "--maps", results / "maps.npz")
    with no_room(20_000):
        refused(predict(tiny_davis, results / "masks", *options), "cannot write", "maps.npz")


def test_no_room_for_other_results(tiny_davis, profile, results, refused, weights):
    masks = tiny_davis / "Annotations/480p"
    with no_room(500):
        refused(evaluate(masks, tiny_davis, results / "scores.json"), "cannot write", "scores.json")
        options = ["--checkpoint", weights, "--out", results / "backbone.safetensors"]
        refused(["backbone", *options], "cannot write", "backbone.safetensors")
        refused(["data", "mini", "--config", profile, "--out", results / "mini"], "cannot write")
        size = ["--backbone", "hrnet", "--height", 32, "--width", 32, "--out", results / "new.json"]
        refused(["cost", *size], "cannot write", "new.json")
        refused(["speed", *size, "--frames", 2], "cannot write", "new.json")


@pytest.mark.parametrize("size", [10, 80, 200, 100_000])
def test_no_room_for_a_training(profile, tmp_path, refused, size):
    """For loss.csv, its second line, TensorBoard's events or the state."""
    profile.write_text(profile.read_text().replace("steps: 1", "steps: 4"))
    with no_room(size):
        refused(train(profile, tmp_path / "run"), "cannot write", "File too large")
    assert not (tmp_path / "run/checkpoint.safetensors").exists()
    assert list((tmp_path / "run").glob(".*")) == []


def test_full_disk(tiny_davis, results, refused, monkeypatch):
    """ENOSPC in the midst of a mask."""

    def full(image: Image.Image, path: Path, **_: object) -> None:
        path.write_bytes(b"half a mask")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    refused(predict(tiny_davis, results / "masks"), "cannot write", "No space left on device")


def test_place_that_cannot_be_written(tiny_davis, results, refused):
    masks = tiny_davis / "Annotations/480p"
    refused(evaluate(masks, tiny_davis, results), "results", "is a folder; name a file")
    refused(evaluate(masks, tiny_davis, results / "scores.json/x"), "cannot write")
    refused(predict(tiny_davis, results / "scores.json"), "scores.json", "not replaced")


def test_system_errors_elsewhere_are_one_line_too(tiny_davis, results, refused, monkeypatch):
    def forbidden(path: Path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    refused(predict(tiny_davis, results / "new"), "JPEGImages", "Permission denied")
