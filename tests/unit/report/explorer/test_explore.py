"""What the explorer loads is what was measured, tracked and drawn; and it is small."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.data.builtin.recipe import compose
from ttvos.data.davis import FRAMES, Sequence
from ttvos.plan.manifest import load_manifest
from ttvos.report.explorer.copy import copy_explorer
from ttvos.report.explorer.explore import explore
from ttvos.report.explorer.pictures import masks_data, picture_size, shrink, write_frames
from ttvos.report.explorer.run_lengths import decode
from ttvos.report.inputs import load_inputs

MOST = 60e6  # bytes of DAVIS-2016 val
METHODS = 15


def read_script(path: Path) -> tuple[str, object]:
    """The key and the data that a script hands to the page."""
    text = path.read_text()
    assert text.startswith("ttvosExplorer(")
    assert text.endswith(");\n")
    key, data = json.loads(f"[{text[len('ttvosExplorer(') : -3]}]")
    return key, data


@pytest.fixture(scope="module")
def explored(explored_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("explorer") / "tiny"
    words = ["explore", "--manifest", explored_run, "--dataset", "tiny", "--out", out]
    assert main([str(word) for word in [*words, "--size", 48]]) == 0
    return out


def test_the_index_holds_the_scores_of_every_method(explored, explored_run):
    key, index = read_script(explored / "index.js")
    assert key == "tiny/index"
    assert [one["name"] for one in index["sequences"]] == ["one", "two"]
    assert index["sequences"][0]["frames"] == [f"{t:05}" for t in range(8)]
    assert (index["sequences"][0]["width"], index["sequences"][0]["height"]) == (48, 32)
    methods = {one["who"]: one for one in index["methods"]}
    assert list(methods) == ["exp8-hrnet", "still", "masks-gone"]
    scores = json.loads((explored_run.parent / "evaluate/still/tiny.json").read_text())
    two = methods["still"]["sequences"]["two"]
    assert two["objects"] == [1, 2]
    own = [scores["objects"][f"two_{number}"] for number in (1, 2)]
    means = [(one["J-Mean"] + one["F-Mean"]) / 2 for one in own]
    assert two["jf"] == pytest.approx(np.mean(means), abs=0.001)
    for letter, key in (("j", "J"), ("f", "F")):
        for o, line in enumerate(two[letter]):
            assert line[0] is None
            assert line[-1] is None
            given = scores["frames"][f"two_{o + 1}"][key]
            np.testing.assert_allclose(line[1:-1], given, atol=0.0006)


def test_weights_and_shares_are_of_each_object(explored):
    methods = {one["who"]: one for one in read_script(explored / "index.js")[1]["methods"]}
    two = methods["exp8-hrnet"]["sequences"]["two"]
    assert two["weights"] == [[0.25] * 7] * 2
    assert [len(line) for line in two["ratios"]] == [8, 8]
    assert "weights" not in methods["still"]["sequences"]["two"]


def test_masks_are_those_that_were_scored(explored, explored_run):
    for who, folder in (("still", "predict/still/tiny"), ("", "davis17/Annotations/480p")):
        script = f"masks/{who}/two.js" if who else "truth/two.js"
        _, frames = read_script(explored / script)
        assert len(frames) == 8
        for t, objects in enumerate(frames):
            ids = read_mask(explored_run.parent / folder / f"two/{t:05}.png", 2017)
            found = np.zeros((32, 48), np.uint8)
            for number, text in objects.items():
                found[decode(text, 32, 48)] = int(number)
            np.testing.assert_array_equal(found, shrink(ids, (48, 32)))


def test_a_method_without_masks_has_its_scores_alone(explored):
    methods = {one["who"]: one for one in read_script(explored / "index.js")[1]["methods"]}
    assert methods["still"]["masks"]
    assert not methods["masks-gone"]["masks"]
    assert methods["masks-gone"]["sequences"]["one"]["jf"] == 1
    assert not (explored / "masks/masks-gone").exists()


def test_pictures_are_small_and_one_a_frame(explored):
    files = sorted((explored / "frames/one").iterdir())
    assert [path.name for path in files] == [f"{t}.webp" for t in range(8)]
    assert all(Image.open(path).size == (48, 32) for path in files)


def test_a_data_set_without_frames_has_its_masks_alone(explored, explored_run, tmp_path):
    bare = tmp_path / "davis17"
    for part in ("Annotations", "ImageSets"):
        shutil.copytree(explored_run.parent / "davis17" / part, bare / part)
    values = json.loads(explored_run.read_text())
    values["datasets"]["tiny"]["root"] = str(bare)
    manifest = explored_run.parent / "bare.json"
    manifest.write_text(json.dumps(values))
    explore(manifest, "tiny", tmp_path / "out", size=48)
    assert not (tmp_path / "out/frames").exists()
    _, index = read_script(tmp_path / "out/index.js")
    _, whole = read_script(explored / "index.js")
    assert index == whole | {"pictures": False}
    same = "masks/still/two.js"
    assert (tmp_path / "out" / same).read_bytes() == (explored / same).read_bytes()


def test_maps_are_those_that_the_tracker_gave(explored):
    methods = {one["who"]: one for one in read_script(explored / "index.js")[1]["methods"]}
    assert methods["exp8-hrnet"]["maps"] == ["one", "two"]
    assert methods["still"]["maps"] == []
    _, maps = read_script(explored / "maps/exp8-hrnet/one.js")
    assert (maps["height"], maps["width"]) == (4, 6)
    assert maps["transition"]["range"] == pytest.approx([-0.8632, 0.8632], abs=1e-4)
    frames = [np.frombuffer(base64.b64decode(t), np.uint8) for t in maps["attention"]["frames"]]
    assert len(frames) == 7
    assert (frames[0][0], frames[0][-1]) == (0, 255)
    low, high = maps["attention"]["range"]
    ramp = np.linspace(-1, 1, 96).reshape(8, 12) + 3
    halved = ramp.reshape(4, 2, 6, 2).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(low + frames[3] / 255 * (high - low), halved, atol=0.004)


def test_methods_are_called_as_in_the_tables(explored, explored_run):
    _, index = read_script(explored / "index.js")
    report = load_inputs(explored_run)
    tables = {one.label for one in (*report.rows, *report.references, *report.masks)}
    assert {one["label"] for one in index["methods"]} <= tables
    assert "TTVOS exp8-hrnet" in tables


def test_attributes_are_read_from_the_data_set_or_where_they_are_said_to_be(
    explored, explored_run, tmp_path
):
    _, index = read_script(explored / "index.js")
    assert [one["attributes"] for one in index["sequences"]] == [["AC", "OCC"], ["OCC"]]
    listed = "sequences:\n- {name: one, attributes: [LR]}\n"
    (tmp_path / "db_info.yml").write_text(listed)
    explore(explored_run, "tiny", tmp_path / "out", size=16, record=tmp_path)
    _, index = read_script(tmp_path / "out/index.js")
    assert [one["attributes"] for one in index["sequences"]] == [["LR"], []]
    with pytest.raises(UserError, match=r"nowhere: no such folder; .*db_info\.yml"):
        explore(explored_run, "tiny", tmp_path / "again", size=16, record="nowhere")


def test_the_page_gets_the_same_files(explored, explored_run, tmp_path):
    values = json.loads(explored_run.read_text()) | {"explorer": {"tiny": str(explored)}}
    manifest = explored_run.parent / "copied.json"
    manifest.write_text(json.dumps(values))
    for _ in range(2):  # a second time into the same folder
        copy_explorer(load_manifest(manifest), tmp_path)
    copied = tmp_path / "explorer/tiny"
    kept = {p.relative_to(explored) for p in explored.rglob("*") if p.name != ".files.json"}
    assert {p.relative_to(copied) for p in copied.rglob("*")} == kept
    assert (copied / "index.js").read_bytes() == (explored / "index.js").read_bytes()
    values["explorer"] = {"tiny": "nowhere"}
    manifest.write_text(json.dumps(values))
    with pytest.raises(UserError, match="no such result of ttvos explore"):
        copy_explorer(load_manifest(manifest), tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--dataset", "big"], "no data set 'big'"), (["--quality", "0"], "quality 1 to 100")],
)
def test_what_cannot_be_shown_is_told_in_a_line(explored_run, tmp_path, capsys, words, told):
    given = ["explore", "--manifest", str(explored_run), "--out", str(tmp_path / "out")]
    assert main([*given, "--dataset", "tiny", *words]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_davis_val_with_fifteen_methods_stays_within_its_size(tmp_path):
    """Estimated from a drawn scene of DAVIS's size, masks with ragged outlines."""
    rng = np.random.default_rng(0)
    image, ids = compose(rng, "camera-pan", 480, 854).render(0.3)
    noisy = np.clip(image + 3 * rng.standard_normal(image.shape), 0, 255).astype(np.uint8)
    frame, mask = tmp_path / "00000.png", tmp_path / "mask.png"
    Image.fromarray(noisy).save(frame)
    near = np.roll(ids, rng.integers(-3, 4), axis=1)
    write_mask(mask, np.where(rng.random(ids.shape) < 0.5, ids, near))
    size = picture_size(frame, 432)
    assert size == (432, 243)
    write_frames(Sequence("a", (frame,), (None,)), size, 45, tmp_path / "frames")
    picture = (tmp_path / "frames/0.webp").stat().st_size
    assert picture > 3000  # a picture of nothing would prove nothing
    masks = len(json.dumps(masks_data([mask], 2016, size)))
    maps = 2 * 4 / 3 * 30 * 54  # two of 1/16 of the frame, in base 64
    curves = METHODS * 14  # J and F
    assert FRAMES[2016] * (picture + (1 + METHODS) * masks + maps + curves) < MOST
