"""The batched pixels: equal to a plain reference clip by clip, on any device, without waiting.

No machine of the tests has CUDA. PyTorch's "meta" device stands in for it: on it, whatever
would need a pixel's value on the CPU is an error.
"""

import cv2
import numpy as np
import pytest
import torch

from tests.unit.data.pixels import disc, levels
from ttvos.data.augment import (
    change_colours,
    draw_colours,
    draw_view,
    look_up,
    make_pixels,
    normalise,
    soften,
    turn_hue,
)
from ttvos.data.layers import Clip, Scene, collate
from ttvos.data.warp import STEP, affine, still_warps, unchanged
from ttvos.tracking import readable as tracking

CPU = torch.device("cpu")
FRAMES, HEIGHT, WIDTH = 3, 64, 96


def picture(rng):
    """A smooth coloured image: interpolation of 8-bit noise would be a test of the noise."""
    coarse = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def mask(rng):
    return disc(HEIGHT, WIDTH, *rng.integers(20, 44, 2), rng.integers(8, 16))


def scene(rng, kind):
    """A still under splines or affine motion, or a video with some void."""
    if kind == "video":
        labels = np.stack([mask(rng) for _ in range(FRAMES)])
        labels[:, :6, :9] = 255
        images = np.stack([picture(rng) for _ in range(FRAMES)])
        return Scene(images, labels, [unchanged] * FRAMES)
    shown = mask(rng)
    warps = still_warps(shown, FRAMES, rng, kind, 12, (0.85, 1.18), 0.2)
    return Scene(picture(rng)[None], shown[None], warps)


def random_clip(seed, kind, pasted=None, follow=False, colours=True):
    rng = np.random.default_rng(seed)
    scenes = [scene(rng, kind)] + ([scene(rng, pasted)] if pasted else [])
    view = draw_view(scenes[0].labels[0], rng, 20, (0.7, 1.3), 0.15)
    layers = tuple(each.seen(view) for each in scenes)
    return Clip(layers, follow, draw_colours(rng) if colours else None)


def mixed_batch():
    """Clips of every kind, so that layers, images and clips are counted differently."""
    return [
        random_clip(0, "video"),
        random_clip(1, "tps", "affine", follow=True),
        random_clip(2, "affine"),
        random_clip(3, "video", "tps", follow=False),
        random_clip(4, "tps", "affine", follow=False),
    ]


def reference(clip):
    """Frames (T, H, W, 3) in [0, 255] and labels (T, H, W) of one clip, by OpenCV and NumPy."""
    frames, labels = reference_layer(clip.layers[0])
    if len(clip.layers) > 1:
        above, above_labels = reference_layer(clip.layers[1])
        covered = above_labels == 1
        for t in range(len(frames)):
            share = cv2.GaussianBlur(covered[t].astype(np.float32), (3, 3), 0)[..., None]
            frames[t] = frames[t] * (1 - share) + above[t] * share
        labels = above_labels if clip.follow_pasted else np.where(covered, 0, labels)
    return frames if clip.colours is None else reference_colours(frames, clip.colours), labels


def reference_layer(layer):
    frames, labels = [], []
    for t, coarse in enumerate(layer.lookups):
        fine = cv2.resize(coarse, None, fx=STEP, fy=STEP, interpolation=cv2.INTER_LINEAR)
        fine = fine[STEP : STEP + HEIGHT, STEP : STEP + WIDTH]
        x, y = np.ascontiguousarray(fine[..., 0]), np.ascontiguousarray(fine[..., 1])
        image = layer.images[t % len(layer.images)].astype(np.float32)
        mirror = cv2.BORDER_REFLECT_101
        frames.append(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=mirror))
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        known = (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
        source = layer.labels[t % len(layer.labels)]
        found = source[row.clip(0, HEIGHT - 1), column.clip(0, WIDTH - 1)]
        labels.append(np.where(known, found, 255))
    return np.stack(frames), np.stack(labels)


def reference_colours(frames, colours):
    brightness, contrast, saturation, turn = colours
    tall = frames.reshape(-1, WIDTH, 3)
    hsv = cv2.cvtColor(tall / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * turn) % 360
    tall = 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    gray = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY)[..., None]
    tall = gray + saturation * (tall - gray)
    tall = gray.mean() + contrast * (tall - gray.mean())
    return (brightness * tall).clip(0, 255).reshape(frames.shape)


def compare(batch, clips):
    for i, clip in enumerate(clips):
        frames, labels = reference(clip)
        # OpenCV looks positions up to 1/32 of a pixel: a level or two on these pictures.
        difference = np.abs(levels(batch["frames"][i]) - frames)
        assert difference.max() < 3
        assert difference.mean() < 0.2
        # Half way between two pixels, rounding errors decide.
        assert (batch["labels"][i].numpy() != labels).mean() < 0.001


def test_a_batch_equals_the_reference_clip_by_clip():
    clips = mixed_batch()
    batch = make_pixels(collate(clips), CPU)
    assert batch["frames"].shape == (5, FRAMES, 3, HEIGHT, WIDTH)
    assert batch["frames"].dtype == torch.float32
    assert batch["labels"].shape == (5, FRAMES, HEIGHT, WIDTH)
    assert batch["labels"].dtype == torch.int64
    assert set(batch["labels"].unique().tolist()) == {0, 1, 255}
    compare(batch, clips)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["video", "tps", "affine"])
def test_many_draws_equal_the_reference(kind, seed):
    clips = [
        random_clip(100 + seed, kind, "tps", follow=seed % 2 == 0),
        random_clip(200 + seed, kind),
    ]
    compare(make_pixels(collate(clips), CPU), clips)


def test_without_colours_the_pictures_are_only_looked_up():
    clips = [random_clip(seed, "tps", colours=False) for seed in range(3)]
    packed = collate(clips)
    assert "colours" not in packed
    compare(make_pixels(packed, CPU), clips)


def test_a_clip_is_the_same_alone_and_in_a_batch():
    clips = mixed_batch()
    together = make_pixels(collate(clips), CPU)
    for i, clip in enumerate(clips):
        alone = make_pixels(collate([clip]), CPU)
        torch.testing.assert_close(together["frames"][i], alone["frames"][0])
        assert torch.equal(together["labels"][i], alone["labels"][0])


def test_nothing_waits_for_the_device_and_all_of_it_happens_there():
    """The only device besides the CPU that every machine has knows shapes, but no values."""
    result = make_pixels(collate(mixed_batch()), torch.device("meta"))
    assert result["frames"].device.type == result["labels"].device.type == "meta"
    assert result["frames"].shape == (5, FRAMES, 3, HEIGHT, WIDTH)
    with pytest.raises((RuntimeError, NotImplementedError)):
        result["labels"].max().item()


def test_a_batch_is_uint8_until_it_is_on_the_device():
    """What workers hand over: every source image once, and a few small numbers."""
    packed = collate(mixed_batch())
    stills, videos, pasted = 3, 2, 3
    assert packed["images"].shape == (stills + FRAMES * videos + pasted, HEIGHT, WIDTH, 3)
    assert packed["images"].dtype == packed["masks"].dtype == torch.uint8
    assert packed["source"].tolist()[0] == [0, 1, 2]
    assert packed["source"].tolist()[1] == [3, 3, 3]
    assert packed["pasted"].tolist() == [1, 3, 4]
    assert packed["follow"].tolist() == [True, False, False]


def test_lookups_mean_what_opencv_means():
    """An affine map: pixel middles at integers, mirrored about the border pixels' middles."""
    rng = np.random.default_rng(0)
    image, label = picture(rng), mask(rng)
    matrix = np.array([[1.2, 0.3, -21.3], [-0.25, 1.1, 6.7]])
    clip = Clip((Scene(image[None], label[None], [unchanged]).seen(affine(matrix)),))
    packed = collate([clip])
    frames, labels = look_up(*(packed[name] for name in ("images", "masks", "source", "lookups")))
    size, flags = (WIDTH, HEIGHT), cv2.WARP_INVERSE_MAP
    mirrored = cv2.warpAffine(
        image.astype(np.float32),
        matrix,
        size,
        flags=flags | cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    assert np.abs(frames[0, 0].permute(1, 2, 0).numpy() - mirrored).max() < 3
    known = cv2.warpAffine(label, matrix, size, flags=flags | cv2.INTER_NEAREST, borderValue=255)
    assert (known == 255).mean() > 0.1
    assert (labels[0, 0].numpy() != known).mean() < 0.005


def test_an_unvaried_video_keeps_every_level():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    labels = rng.choice(np.array([0, 1, 255], np.uint8), (FRAMES, HEIGHT, WIDTH))
    clip = Clip((Scene(images, labels, [unchanged] * FRAMES).seen(unchanged),))
    batch = make_pixels(collate([clip]), CPU)
    assert np.abs(levels(batch["frames"][0]) - images).max() < 0.05
    assert (batch["labels"][0].numpy() == labels).all()


def test_batches_are_normalised_as_in_tracking():
    frames = torch.randint(0, 256, (2, 3, 32, 48), generator=torch.manual_seed(0))
    tracked = tracking.normalise(frames.to(torch.uint8))
    torch.testing.assert_close(normalise(frames[None].float())[0], tracked, rtol=0, atol=1e-6)
    green = torch.zeros(1, 1, 3, 2, 2)
    green[:, :, 1] = 255
    expected = [(0 - 0.485) / 0.229, (1 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    np.testing.assert_allclose(normalise(green)[0, 0, :, 0, 0], expected, rtol=1e-5)


def test_the_soft_edge_is_opencv_s_gaussian():
    covered = np.random.default_rng(0).integers(0, 2, (2, 20, 30)).astype(np.float32)
    blurred = soften(torch.from_numpy(covered)[None])[0].numpy()
    expected = np.stack([cv2.GaussianBlur(each, (3, 3), 0) for each in covered])
    np.testing.assert_allclose(blurred, expected, atol=1e-6)


def test_every_clip_keeps_to_its_own_colours():
    """All clips at once, as on a GPU, or one by one, as on a CPU."""
    frames = 255 * torch.rand(3, 2, 3, 8, 12, generator=torch.manual_seed(0))
    frames *= torch.tensor([0.3, 0.6, 1.0]).view(3, 1, 1, 1, 1)  # each has its own mean grey
    colours = torch.from_numpy(
        np.stack([draw_colours(np.random.default_rng(seed)) for seed in range(3)])
    )
    together, alone = frames.clone(), frames.clone()
    change_colours(together, colours)
    for i in range(3):
        change_colours(alone[i : i + 1], colours[i : i + 1])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(together, frames, atol=1)


def test_hue_turns_along_the_colour_circle():
    """A third of the circle takes red to green, green to blue, blue to red; grey stays."""
    primaries = torch.tensor([[200.0, 10, 10], [10, 200, 10], [10, 10, 200], [90, 90, 90]])
    channels = primaries.T.reshape(3, 1, 1, 2, 2).unbind(0)
    turned = torch.stack(turn_hue(channels, torch.full((1, 1, 1, 1), 1 / 3)))
    expected = primaries[[1, 2, 0, 3]].T.reshape(3, 1, 1, 2, 2)
    torch.testing.assert_close(turned, expected, atol=1e-3, rtol=0)
    back = torch.stack(turn_hue(turned.unbind(0), torch.full((1, 1, 1, 1), -1 / 3)))
    torch.testing.assert_close(back, torch.stack(channels), atol=1e-3, rtol=0)


def test_colours_have_the_same_bits_with_any_number_of_threads():
    """A reader of clips has one thread, the training itself has all."""
    frames = 255 * torch.rand(1, 3, 240, 432).unsqueeze(2).expand(-1, -1, 3, -1, -1)
    colours = torch.tensor([[0.9, 1.2, 1.1, 0.05]])
    changed = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        changed.append(frames.clone())
        change_colours(changed[-1], colours)
    assert torch.equal(changed[0], changed[1])
    assert torch.equal(changed[0], changed[2])
