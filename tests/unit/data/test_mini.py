"""The built-in clips: the same bytes for the same seed, and what their names promise."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ttvos.config.run import MiniConfig
from ttvos.core.errors import UserError
from ttvos.core.video import davis_palette, read_mask
from ttvos.data.builtin import recipe as mini_recipe
from ttvos.data.builtin.clips import clip_name, generate
from ttvos.data.davis import load_sequences

TINY = MiniConfig(
    height=96, width=160, frames=4, train_clips=2, val_clips=1, stills=2, ytvos_clips=1
)
DEFAULT = MiniConfig()


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """The default validation clips and sparse videos; few of the rest, to save time."""
    out = tmp_path_factory.mktemp("mini") / "mini"
    settings = {"train_clips": 2, "stills": 6, "ytvos_clips": 8}
    generate(out, MiniConfig(**settings))
    return out


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tiny") / "mini"
    generate(out, TINY)
    return out


def file_hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def clips_of(full: Path) -> dict[str, np.ndarray]:
    """Masks (T, H, W) of the validation clips, by name."""
    sequences = load_sequences(full / "davis", 2017, "val")
    return {s.name: np.stack([read_mask(m, 2017) for m in s.masks]) for s in sequences}


def test_same_seed_gives_the_same_bytes(tiny, tmp_path):
    generate(tmp_path / "again", TINY)
    assert file_hashes(tmp_path / "again") == file_hashes(tiny)


def test_another_seed_gives_other_clips(tiny, tmp_path):
    generate(tmp_path / "other", MiniConfig(**{**vars(TINY), "seed": 2}))
    ours, others = file_hashes(tiny), file_hashes(tmp_path / "other")
    assert ours.keys() == others.keys()
    pictures = [name for name in ours if name.endswith(".jpg")]
    assert pictures
    assert not any(ours[name] == others[name] for name in pictures)


def test_a_clip_does_not_depend_on_how_many_there_are(tiny, tmp_path):
    more = {"train_clips": 3, "val_clips": 2, "stills": 3, "ytvos_clips": 2}
    generate(tmp_path / "more", MiniConfig(**{**vars(TINY), **more}))
    few, many = file_hashes(tiny), file_hashes(tmp_path / "more")
    images = {name for name in few if name.endswith((".jpg", ".png"))}
    assert {name: few[name] for name in images} == {name: many[name] for name in images}
    assert len(many) > len(few)


def test_an_earlier_set_is_replaced_as_a_whole(tiny, tmp_path):
    (tmp_path / "mini").mkdir()
    for name in ("stale.txt", "mini.json"):
        (tmp_path / "mini" / name).write_text("old")
    generate(tmp_path / "mini", TINY)
    assert file_hashes(tmp_path / "mini") == file_hashes(tiny)


def test_default_counts():
    assert (DEFAULT.train_clips, DEFAULT.val_clips, DEFAULT.frames) == (12, 6, 24)
    names = [clip_name("train", i) for i in range(12)] + [clip_name("val", i) for i in range(12)]
    assert len(set(names)) == 24
    assert [clip_name("val", i) for i in range(6)] == list(mini_recipe.KINDS)


@pytest.mark.parametrize("year", [2016, 2017])
def test_davis_layout(full, year):
    for split, count in (("train", 2), ("val", 6)):
        sequences = load_sequences(full / "davis", year, split)
        assert len(sequences) == count
        for sequence in sequences:
            assert len(sequence.frames) == len(sequence.masks) == 24
            assert all(path.parent.parent.name == "128p" for path in sequence.frames)


def test_masks_are_davis_palette_pngs_and_frames_jpegs_of_the_same_size(full):
    for sequence in load_sequences(full / "davis", 2017, "val"):
        mask, frame = Image.open(sequence.masks[3]), Image.open(sequence.frames[3])
        assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (224, 128))
        assert bytes(mask.getpalette()[:12]) == davis_palette()[:12]
        assert (frame.format, frame.mode, frame.size) == ("JPEG", "RGB", (224, 128))


def test_one_to_three_objects_each_seen_well_in_frame_0(full):
    counts = set()
    for masks in clips_of(full).values():
        ids = np.unique(masks[masks > 0])
        assert list(ids) == list(range(1, len(ids) + 1))
        assert all(np.count_nonzero(masks[0] == i) >= 150 for i in ids)
        counts.add(len(ids))
    assert counts == {1, 2, 3}


def test_growing_and_shrinking_objects_do_so(full):
    clips = clips_of(full)
    grown = (clips["grow-one"] == 1).sum(axis=(1, 2))
    shrunk = (clips["shrink-one"] == 1).sum(axis=(1, 2))
    assert grown[-1] > 3 * grown[0]
    assert shrunk[-1] < shrunk[0] / 3
    # Evenly, not in a jump: every half of the clip has its share.
    assert grown[0] * 1.5 < grown[12] < grown[-1] / 1.3
    assert shrunk[0] / 1.5 > shrunk[12] > shrunk[-1] * 1.3


def test_the_first_mask_held_still_soon_misses(full):
    """Reference row "first mask held still": it must leave room above for a tracker."""
    mean = []
    for masks in clips_of(full).values():
        for i in np.unique(masks[masks > 0]):
            held, truth = masks[0] == i, masks[1:-1] == i
            inter = (truth & held).sum(axis=(1, 2))
            union = (truth | held).sum(axis=(1, 2))
            mean.append(np.mean(inter / union))
            assert inter[-1] / union[-1] < 0.25, "last frame"
            assert inter[0] / union[0] > 0.5, "the first step is small enough to track"
    assert 0.2 < np.mean(mean) < 0.4


def test_occluded_pixels_are_not_labelled(full):
    """In the clip of that name an object hides the other for a while and uncovers it again."""
    masks = clips_of(full)["occlusion"]
    area = (masks == 1).sum(axis=(1, 2))
    assert area.min() < 0.5 * min(area[0], area[-1])


def test_a_look_alike_is_painted_but_not_labelled():
    rng = np.random.default_rng(5)
    scene = mini_recipe.compose(rng, "distractor", 128, 224)
    objects = [thing for thing in scene.things if thing.label]
    others = [thing for thing in scene.things if not thing.label]
    assert len(objects) == len(others) > 0
    for thing in objects:
        twins = [other for other in others if other.texture is thing.texture]
        assert len(twins) == 1
        assert twins[0].shape == thing.shape


def test_the_camera_moves_the_background(full):
    """Background pixels of the panning clip change by more than noise does."""
    sequence = next(
        s for s in load_sequences(full / "davis", 2017, "val") if s.name == "camera-pan"
    )
    first, last = (
        np.asarray(Image.open(sequence.frames[i])).astype(float)
        for i in (0, len(sequence.frames) - 1)
    )
    outside = (read_mask(sequence.masks[0], 2017) == 0) & (read_mask(sequence.masks[-1], 2017) == 0)
    assert np.abs(first - last)[outside].mean() > 10


def test_stills_have_ecssd_layout(full):
    images = sorted((full / "stills/images").iterdir())
    masks = sorted((full / "stills/ground_truth_mask").iterdir())
    assert [path.stem for path in images] == [path.stem for path in masks]
    assert [path.name for path in images][:2] == ["0001.jpg", "0002.jpg"]
    for path in masks:
        values = np.asarray(Image.open(path))
        assert set(np.unique(values)) == {0, 255}


def test_sparse_videos_have_masks_on_every_fifth_frame_and_late_objects(full):
    root = full / "ytvos/train"
    videos = json.loads((root / "meta.json").read_text())["videos"]
    late = 0
    assert len(videos) == 8
    for name, video in videos.items():
        frames = sorted(path.stem for path in (root / "JPEGImages" / name).iterdir())
        masks = sorted(path.stem for path in (root / "Annotations" / name).iterdir())
        assert frames == [f"{i:05d}" for i in range(24)]
        assert masks == frames[::5]
        for key, thing in video["objects"].items():
            seen = [
                stem
                for stem in masks
                if (read_mask(root / "Annotations" / name / f"{stem}.png", 2017) == int(key)).any()
            ]
            assert seen == thing["frames"]
            late += seen[0] != "00000"
    assert late >= 2


def test_settings_are_recorded_beside_the_data(tiny):
    record = json.loads((tiny / "mini.json").read_text())
    assert record == {"profile": "mini", **vars(TINY)}


@pytest.mark.parametrize(
    ("change", "text"),
    [({"height": 32}, "at least 64x64"), ({"frames": 1}, "2 frames"), ({"stills": -1}, "negative")],
)
def test_settings_that_make_no_clips_are_refused(tmp_path, change, text):
    with pytest.raises(UserError, match=re.escape(text)):
        generate(tmp_path / "mini", MiniConfig(**{**vars(TINY), **change}))
    assert not list(tmp_path.iterdir())
