"""Prediction: masks and predict.json written whole, in streaming, for any size and object count."""

import json
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ttvos.cli.main import main
from ttvos.config.experiments import Variant
from ttvos.core import parallel as module
from ttvos.core.errors import UserError
from ttvos.core.provenance import cpu_name
from ttvos.core.video import davis_palette, read_mask, write_mask
from ttvos.evaluation.davis import evaluate
from ttvos.model.ttvos import build_model
from ttvos.tracking.baselines import HeldStill
from ttvos.tracking.predict import predict
from ttvos.tracking.protocol import Prediction
from ttvos.tracking.readable import TTVOSTracker
from ttvos.tracking.strips import halve


@pytest.fixture(scope="module")
def ttvos_tracker():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TTVOSTracker(build_model(Variant("exp8"), "hrnet"))


class FailsAt:
    """Works like HeldStill for some frames, then raises."""

    name = "fails"

    def __init__(self, steps, error):
        self.left, self.error, self.inner = steps, error, HeldStill()

    def init(self, frame, mask):
        return self.inner.init(frame, mask)

    def step(self, frame, state):
        self.left -= 1
        if self.left < 0:
            raise self.error
        maps = np.zeros((1, 8, 12), np.float32)
        prediction = Prediction(state, transition=maps, attention=maps)
        return prediction, state


def png_bytes(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def crop_files(root, height, width):
    """Cut every frame and mask of a data set to a size."""
    for path in [*root.rglob("*.jpg"), *root.rglob("*.png")]:
        image = Image.open(path)
        image.load()
        image.crop((0, 0, width, height)).save(path)


def test_every_frame_gets_a_palette_mask_of_its_size_and_name(tiny_davis, tmp_path, ttvos_tracker):
    crop_files(tiny_davis, 53, 75)
    out = tmp_path / "out"
    predict(ttvos_tracker, tiny_davis, 2017, "val", out)
    frames = sorted((tiny_davis / "JPEGImages").rglob("*.jpg"))
    masks = sorted(out.rglob("*.png"))
    assert [(p.parent.name, p.stem) for p in masks] == [(p.parent.name, p.stem) for p in frames]
    for path in masks:
        image = Image.open(path)
        assert image.mode == "P"
        assert image.size == (75, 53)
        assert bytes(image.getpalette()) == davis_palette()
        known = {"one": {0, 1}, "two": {0, 1, 2}}[path.parent.name]
        assert set(np.unique(image)) <= known


def test_the_first_mask_is_all_that_it_reads(tiny_davis, tmp_path):
    predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "all")
    for path in (tiny_davis / "Annotations/480p").rglob("*.png"):
        if path.stem not in ("00000", "00005"):
            path.unlink()
    predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "first")
    assert png_bytes(tmp_path / "first") == png_bytes(tmp_path / "all")


def test_a_sequence_may_be_named_with_the_shells_slash(tiny_davis, tmp_path):
    words = ["predict", "--reference", "still", "--dataset", tiny_davis, "--year", 2017]
    words += ["--only", "two/", "--out", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.png")} == {"two"}


def test_names_of_frames_and_sequences_are_kept(tiny_davis, tmp_path):
    """Numbers without zeros, and a sequence in a folder."""
    for kind in ("JPEGImages", "Annotations"):
        folder = tiny_davis / kind / "480p"
        for path in (folder / "one").iterdir():
            path.rename(path.with_stem(f"frame_{int(path.stem) + 5}"))
        (folder / "park").mkdir()
        (folder / "one").rename(folder / "park/one")
    (tiny_davis / "ImageSets/2017/val.txt").write_text("park/one\n")
    out = tmp_path / "out"
    predict(HeldStill(), tiny_davis, 2017, "val", out)
    assert {str(p.relative_to(out)) for p in out.rglob("*.png")} == {
        f"park/one/frame_{t}.png" for t in range(5, 13)
    }
    assert list(evaluate(out, tiny_davis, 2017, "val")["objects"]) == ["park/one_1"]


def test_only_the_named_sequences_are_tracked_and_scored(tiny_davis, tmp_path):
    out = tmp_path / "out"
    report = predict(HeldStill(), tiny_davis, 2017, "val", out, only=("two",))
    assert list(report["sequences"]) == ["two"]
    scores = evaluate(out, tiny_davis, 2017, "val", only=("two",))
    assert {name.split("_")[0] for name in scores["objects"]} == {"two"}
    assert scores["provenance"]["data"]["only"] == ["two"]


def test_frame_0_is_the_given_mask_with_void_as_background(tiny_davis, tmp_path):
    path = tiny_davis / "Annotations/480p/two/00000.png"
    given = read_mask(path, 2017)
    voided = given.copy()
    voided[-4:] = 255
    write_mask(path, voided)
    predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out")
    written = read_mask(tmp_path / "out/two/00000.png", 2017)
    np.testing.assert_array_equal(written, np.where(voided == 255, 0, given))


def test_year_2016_merges_all_objects(tiny_davis, tmp_path):
    report = predict(HeldStill(), tiny_davis.parent / "davis16", 2016, "val", tmp_path / "out")
    assert report["sequences"]["two"]["objects"] == [1]
    assert set(np.unique(read_mask(tmp_path / "out/two/00003.png", 2017))) == {0, 1}


def test_report_has_weights_ratios_and_provenance(tiny_davis, tmp_path, ttvos_tracker):
    out = tmp_path / "out"
    report = predict(ttvos_tracker, tiny_davis, 2017, "val", out, profile="tiny")
    assert json.loads((out / "predict.json").read_text()) == report
    assert report["tracker"] == "ttvos-exp8-hrnet"
    data = report["provenance"]["data"]
    assert (data["profile"], data["year"], data["split"]) == ("tiny", 2017, "val")
    entry = report["sequences"]["two"]
    assert (entry["objects"], entry["frames"], entry["notes"]) == ([1, 2], 8, [])
    weights = np.array(entry["update_weights"])
    assert weights.shape == (7, 2)
    assert ((weights > 0) & (weights < 1)).all()
    for t, ratios in enumerate(entry["foreground_ratio"]):
        mask = read_mask(out / f"two/{t:05}.png", 2017)
        assert ratios == [(mask == 1).mean(), (mask == 2).mean()]


def test_a_reference_is_never_said_to_have_run_on_a_gpu(tiny_davis, tmp_path):
    report = predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out", device="cuda")
    assert report["provenance"]["device"] == cpu_name()


def test_the_precision_is_the_trackers_and_none_without_pytorch(
    tiny_davis, tmp_path, ttvos_tracker
):
    assert recorded_precision(HeldStill(), tiny_davis, tmp_path / "numpy") is None
    assert recorded_precision(ttvos_tracker, tiny_davis, tmp_path / "torch") == "float32"


def recorded_precision(tracker, root, out):
    return predict(tracker, root, 2017, "val", out, only=("one",))["provenance"]["precision"]


def test_an_object_that_is_not_in_the_first_mask_is_noted(tiny_davis, tmp_path):
    path = tiny_davis / "Annotations/480p/two/00000.png"
    ids = read_mask(path, 2017)
    write_mask(path, np.where(ids == 1, 0, ids))
    entry = predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out")["sequences"]["two"]
    assert entry["objects"] == [2]
    assert entry["notes"] == ["object 1 is not in the first mask and is not tracked"]


def test_two_runs_write_the_same_bytes(tiny_davis, tmp_path, ttvos_tracker):
    for name in ("a", "b"):
        predict(ttvos_tracker, tiny_davis, 2017, "val", tmp_path / name)
    assert png_bytes(tmp_path / "a") == png_bytes(tmp_path / "b")
    assert len(png_bytes(tmp_path / "a")) == 16


@pytest.mark.parametrize("error", [UserError("bad"), RuntimeError("worse"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_result_and_nothing_else(tiny_davis, tmp_path, error):
    results = tmp_path / "results"
    out, maps = results / "out", results / "maps.npz"
    predict(HeldStill(), tiny_davis, 2017, "val", out)
    maps.write_bytes(b"old")
    before = png_bytes(out)
    with pytest.raises(type(error)):
        predict(FailsAt(9, error), tiny_davis, 2017, "val", out, maps=maps)
    assert png_bytes(out) == before
    assert maps.read_bytes() == b"old"
    assert sorted(path.name for path in results.iterdir()) == ["maps.npz", "out"]


def test_a_new_result_replaces_the_whole_folder(tiny_davis, tmp_path):
    stale = tmp_path / "out/gone/00000.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"stale")
    (tmp_path / "out/predict.json").write_text("{}")
    predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out")
    assert not stale.exists()


def test_a_frame_of_another_size_is_named(tiny_davis, tmp_path, monkeypatch):
    # load_sequences checks the headers; this is the file that changes after that.
    real = module.read_frame
    monkeypatch.setattr(
        module, "read_frame", lambda path: real(path)[: 60 if path.stem == "00004" else 64]
    )
    with pytest.raises(UserError, match=r"00004\.jpg: 60x96 pixels"):
        predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out")


class NotANumber(HeldStill):
    """A tracker whose weights have diverged."""

    def step(self, frame, state):
        weights = np.full(len(np.unique(state)) - 1, np.nan, np.float32)
        return Prediction(state, update_weight=weights), state


def test_a_diverged_update_weight_is_an_error(tiny_davis, tmp_path):
    with pytest.raises(UserError, match="not a number"):
        predict(NotANumber(), tiny_davis, 2017, "val", tmp_path / "out")


class Unsteady(HeldStill):
    """A tracker whose stream yields another number of predictions than it is given frames."""

    def __init__(self, more: int) -> None:
        self.more = more

    def stream(self, frames, state):
        predictions = [Prediction(state) for _ in frames]
        yield from (predictions * 2)[: len(predictions) + self.more]


@pytest.mark.parametrize("more", [-1, 1])
def test_a_stream_of_another_length_is_an_error(tiny_davis, tmp_path, more):
    predict(Unsteady(0), tiny_davis, 2017, "val", tmp_path / "even")
    with pytest.raises(UserError, match=r"still: its stream\(\).*one for each frame"):
        predict(Unsteady(more), tiny_davis, 2017, "val", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Foggy(HeldStill):
    """A tracker whose probabilities have diverged, not its masks."""

    def step(self, frame, state):
        foreground = np.full((len(np.unique(state)) - 1, *state.shape), np.nan, np.float32)
        return Prediction(state, foreground=foreground), state


def test_a_diverged_foreground_is_an_error_that_names_the_frame(tiny_davis, tmp_path):
    with pytest.raises(UserError, match=r"one/00001.jpg: the tracker's foreground is not a number"):
        predict(Foggy(), tiny_davis, 2017, "val", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_a_few_frames_are_alive_at_a_time(tiny_davis, tmp_path, monkeypatch):
    alive, most = weakref.WeakSet(), 0

    class Frame(np.ndarray):  # plain arrays cannot stand in a WeakSet: they have no hash
        __hash__ = object.__hash__
        __eq__ = object.__eq__

    def counted(path, real=module.read_frame):
        nonlocal most
        frame = real(path).view(Frame)
        alive.add(frame)
        most = max(most, len(alive))
        return frame

    monkeypatch.setattr(module, "read_frame", counted)
    predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out")
    assert 2 <= most <= 4


def test_maps_hold_what_figure_7_shows(tiny_davis, tmp_path, ttvos_tracker):
    maps = tmp_path / "maps.npz"
    predict(ttvos_tracker, tiny_davis, 2017, "val", tmp_path / "out", maps, maps_sequence="two")
    with np.load(maps) as data:
        strip = dict(data)
    assert strip["numbers"].tolist() == [1, 3, 5, 7]
    assert strip["names"].tolist() == ["two"] * 4
    assert strip["frame"].shape == (4, 64, 96, 3)
    assert strip["transition"].shape == strip["attention"].shape == (4, 8, 12)
    assert json.loads(str(strip["provenance"]))["data"]["split"] == "val"
    for number, truth, predicted in zip(
        strip["numbers"], strip["truth"], strip["prediction"], strict=True
    ):
        name = f"two/{number:05}.png"
        np.testing.assert_array_equal(
            truth, read_mask(tiny_davis / "Annotations/480p" / name, 2017)
        )
        np.testing.assert_array_equal(predicted, read_mask(tmp_path / "out" / name, 2017))


def test_maps_show_the_first_sequence_by_default(tiny_davis, tmp_path, ttvos_tracker):
    predict(ttvos_tracker, tiny_davis, 2017, "val", tmp_path / "out", tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as data:
        assert set(data["names"]) == {"one"}


def test_maps_of_a_model_without_transition_head_say_so_by_nan(tiny_davis, tmp_path):
    tracker = TTVOSTracker(build_model(Variant("plain", transition_loss=False), "hrnet"))
    predict(tracker, tiny_davis, 2017, "val", tmp_path / "out", tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as data:
        assert np.isnan(data["transition"]).all()
        assert np.isfinite(data["attention"]).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"maps": "m.npz", "maps_sequence": "three"}, "no sequence 'three'"),
        ({"maps": "m.npz"}, "no attention maps"),
        ({"maps": "out/m.npz"}, "output folder"),
    ],
)
def test_maps_that_cannot_be_made_say_why(tiny_davis, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        predict(HeldStill(), tiny_davis, 2017, "val", "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_compiled_code_is_recorded_also_for_the_sequence_with_maps(tiny_davis, tmp_path):
    class Detailed(HeldStill):
        compiled = True

        def step(self, frame, state):
            prediction, state = super().step(frame, state)
            return replace(prediction, attention=np.zeros((1, 8, 12), np.float32)), state

    class Plain(HeldStill):
        def detailed(self):
            return Detailed()

    out, maps = tmp_path / "out", tmp_path / "maps.npz"
    found = predict(Plain(), tiny_davis, 2017, "val", out, maps=maps, only=("one",))
    assert found["provenance"]["compiled"] is True
    assert predict(Plain(), tiny_davis, 2017, "val", out)["provenance"]["compiled"] is False


@pytest.mark.parametrize(("named", "expected"), [(None, False), ("float32", False), ("tf32", True)])
def test_any_tracker_computes_in_the_precision_that_is_recorded(
    tiny_davis, tmp_path, named, expected
):
    """On CUDA PyTorch's default would let convolutions run in TF32 under the name of float32."""
    seen = []

    class Watching(HeldStill):
        def step(self, frame, state):
            seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
            return super().step(frame, state)

    tracker = Watching()
    if named:
        tracker.precision = named
    before = torch.backends.cudnn.allow_tf32
    report = predict(tracker, tiny_davis, 2017, "val", tmp_path / "out", only=("one",))
    assert set(seen) == {(expected, expected)}
    assert torch.backends.cudnn.allow_tf32 == before
    assert report["provenance"]["precision"] == named  # NumPy alone: no precision to record


def test_all_maps_hold_every_frame_of_every_sequence_small(tiny_davis, tmp_path, ttvos_tracker):
    predict(ttvos_tracker, tiny_davis, 2017, "val", tmp_path / "plain")
    out, strip = tmp_path / "out", tmp_path / "m.npz"
    predict(ttvos_tracker, tiny_davis, 2017, "val", out, strip, maps_sequence="two", all_maps=True)
    assert png_bytes(out) == png_bytes(tmp_path / "plain")
    for name in ("one", "two"):
        with np.load(out / name / "maps.npz") as data:
            maps = dict(data)
        assert maps["transition"].shape == maps["attention"].shape == (7, 4, 6)
        assert maps["transition"].dtype == np.uint8
        low, high = maps["transition_range"]
        assert low == -high < 0
        assert (maps["attention"].min(), maps["attention"].max()) == (0, 255)
    with np.load(strip) as data:  # of frames 1, 3, 5 and 7, at their full size
        full = data["transition"].reshape(4, 4, 2, 6, 2).mean(axis=(2, 4))
    levels = low + maps["transition"][::2] / 255 * (high - low)
    np.testing.assert_allclose(levels, full, atol=(high - low) / 255)
    assert evaluate(out, tiny_davis, 2017, "val")["objects"]


def test_all_maps_of_a_tracker_without_maps_say_why(tiny_davis, tmp_path):
    with pytest.raises(UserError, match="no attention maps"):
        predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "out", all_maps=True)


def test_a_small_map_of_an_odd_size_keeps_its_last_pixels():
    found = halve(np.array([[0.0, 2.0, 5.0], [2.0, 4.0, 7.0], [1.0, 1.0, 9.0]]))
    np.testing.assert_array_equal(found, [[2.0, 6.0], [1.0, 9.0]])
