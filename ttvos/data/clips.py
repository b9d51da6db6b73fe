"""Training clips: a few frames of a video (or made of a still) with one object's labels.

Here frames are picked, read and resized, and all that is random is drawn, on the CPU;
`ttvos.data.augment` makes the pixels on the training device.
"""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import Dataset

from ttvos.config.run import Motion, Stage
from ttvos.core.errors import UserError
from ttvos.core.video import IGNORED, VOID, read_frame, read_mask
from ttvos.data.augment import covered_labels, draw_colours, draw_followed, draw_view
from ttvos.data.davis import Video
from ttvos.data.layers import VISIBLE, Clip, Scene
from ttvos.data.layouts.stills import Still, load_stills, read_still
from ttvos.data.warp import still_warps, unchanged


def make_clips(stage: Stage, seed: int, heldout: tuple[str, ...] = ()) -> "Clips":
    """The training clips of a stage, from all its roots; raises UserError for missing data.

    heldout: names of DAVIS sequences that are left out.
    """
    # Small images gain nothing from threads, and OpenCV's do not survive a loader's fork.
    cv2.setNumThreads(0)
    layout = import_module(f"ttvos.data.layouts.{stage.source}")
    items = [item for root in stage.roots for item in layout.training_items(root, stage, heldout)]
    if not items:
        raise UserError(f"stage {stage.name}: no data; give it at least one folder under roots")
    stills = [still for root in stage.stills_roots for still in load_stills(root)]
    return Clips(stage, items, seed, stills)


class Clips(Dataset):
    """Clip number i, for every i >= 0: it depends on the stage, the seed and i alone.

    Numbers go on through the epochs: epoch e has the numbers e*len .. e*len + len-1, in which
    every video or still comes once, in an order of that epoch. An interrupted training
    that goes on at number i therefore sees what it would have seen.
    """

    def __init__(
        self,
        stage: Stage,
        items: list[Video] | list[Still],
        seed: int,
        stills: list[Still] | None = None,
    ) -> None:
        """stills: further ones, for `stage.stills_share` and `stage.paste`."""
        self.stage, self.items, self.seed = stage, items, seed
        self._stills = items if stage.source == "stills" else stills or []
        self._images = Images(stage.height, stage.width)
        self._order: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        """Clips an epoch: one of every video or still."""
        return len(self.items)

    def __getitem__(self, number: int) -> Clip:
        """Raises UserError for damaged files, and if no item shows any object."""
        rng = np.random.default_rng([self.seed, 1, number])
        if self.stage.stills_share and rng.random() < self.stage.stills_share:
            scene = self._random_still(rng)
            if scene is not None:
                return self._varied(scene, rng)
        first = self._item_of(number)
        # An item without a visible object is passed over for the one after it.
        for offset in range(len(self.items)):
            item = self.items[(first + offset) % len(self.items)]
            scene = (
                self._still_scene(item, rng)
                if isinstance(item, Still)
                else self._video_scene(item, rng)
            )
            if scene is not None:
                return self._varied(scene, rng)
        raise UserError(
            f"stage {self.stage.name}: no mask under {', '.join(self.stage.roots)} shows "
            f"an object of more than {VISIBLE} pixels at {self.stage.height}x{self.stage.width}"
        )

    def _item_of(self, number: int) -> int:
        """Which video or still a clip is of, in the order of its epoch."""
        epoch, place = divmod(number, len(self.items))
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, 0, epoch])
            self._order = epoch, rng.permutation(len(self.items))
        return int(self._order[1][place])

    def _varied(self, scene: Scene, rng: np.random.Generator) -> Clip:
        """Draw what is pasted over the scene, how its colours change, and how it is seen."""
        stage, scenes, follow_pasted = self.stage, [scene], False
        label = scene.labels[0]
        pastes = stage.paste and rng.random() < stage.paste
        other = self._random_still(rng) if pastes else None
        if other is not None:
            scenes.append(other)
            follow_pasted = draw_followed(label, other.labels[0], rng)
            label = covered_labels(label, other.labels[0], follow_pasted)
        colours, view = None, unchanged
        if stage.augment:
            colours = draw_colours(rng)
            view = draw_view(label, rng, stage.rotation, stage.scale, stage.shift)
        return Clip(tuple(each.seen(view) for each in scenes), follow_pasted, colours)

    def _random_still(self, rng: np.random.Generator) -> Scene | None:
        """A scene of any still; None where its object is not visible."""
        return self._still_scene(self._stills[int(rng.integers(len(self._stills)))], rng)

    def _still_scene(self, still: Still, rng: np.random.Generator) -> Scene | None:
        """Frames made of a still by drawn warps; None where its object is not visible."""
        image, mask = self._images.still(still)
        if np.count_nonzero(mask == 1) <= VISIBLE:
            return None
        stage = self.stage
        motion = stage.motion or Motion(stage.rotation, stage.scale, shift=0)
        warps = still_warps(
            mask, stage.frames, rng, stage.warp, motion.rotation, motion.scale, motion.shift
        )
        return Scene(image[None], mask[None], warps)

    def _video_scene(self, video: Video, rng: np.random.Generator) -> Scene | None:
        """Drawn frames of a video with one object's labels; None where none is visible."""
        sequence = video.sequence
        pairs = [
            (frame, mask, video.year)
            for frame, mask in zip(sequence.frames, sequence.masks, strict=True)
            if mask is not None
        ]
        chosen = self._draw_start(pairs, rng)
        if chosen is None:
            return None
        start, step, label = chosen
        frames, labels = [], []
        places = _to_and_fro(start, step, self.stage.frames, len(pairs))
        if self.stage.reverse and rng.random() < 0.5 and self._shows(pairs[places[-1]], label):
            places.reverse()
        for i in places:
            frame, ids = self._images.pair(*pairs[i])
            frames.append(frame)
            labels.append(one_object(ids, label))
        return Scene(np.stack(frames), np.stack(labels), [unchanged] * len(frames))

    def _shows(self, pair: tuple[Path, Path, int], label: int) -> bool:
        return np.count_nonzero(self._images.pair(*pair)[1] == label) > VISIBLE

    def _draw_start(
        self, pairs: list[tuple[Path, Path, int]], rng: np.random.Generator
    ) -> tuple[int, int, int] | None:
        """Draw the first frame, the step between frames, and an object visible in the first."""
        length = self.stage.frames
        widest = max(1, min(self.stage.gaps, (len(pairs) - 1) // (length - 1)))
        step = int(rng.integers(1, widest + 1))
        whole = max(0, len(pairs) - step * (length - 1))
        # Starts that leave room for a whole clip come first; the rest is played to and fro.
        later = whole + rng.permutation(len(pairs) - whole)
        for start in [*rng.permutation(whole), *later]:
            counts = np.bincount(self._images.pair(*pairs[start])[1].ravel())
            ids = [i for i in np.flatnonzero(counts > VISIBLE) if i not in (0, VOID)]
            if ids:
                return int(start), step, int(rng.choice(ids))
        return None


def one_object(ids: np.ndarray, label: int) -> np.ndarray:
    """Labels of one object: 1 where ids equal `label`, 255 where void, else 0; uint8."""
    labels = (ids == label).astype(np.uint8)
    labels[ids == VOID] = IGNORED
    return labels


def _to_and_fro(start: int, step: int, length: int, available: int) -> list[int]:
    """`length` places from `start` on; a video that is too short is played to and fro."""
    there_and_back = [*range(available), *range(available - 2, 0, -1)]
    return [there_and_back[(start + step * i) % len(there_and_back)] for i in range(length)]


CACHE_BYTES = 512 * 2**20  # decoded images kept in memory, in each process


@dataclass
class Images:
    """Reads images and masks at (height, width), and keeps them as long as memory allows.

    UserError names a damaged file.
    """

    height: int
    width: int
    used: int = 0
    kept: dict[object, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def pair(self, frame: Path, mask: Path, year: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame (H, W, 3) uint8 and ids (H, W) uint8 (255 void); UserError if sizes differ."""
        key = frame, year
        if key not in self.kept:
            image, ids = read_frame(frame), read_mask(mask, year)
            if image.shape[:2] != ids.shape:
                sizes = [f"{array.shape[0]}x{array.shape[1]}" for array in (ids, image)]
                raise UserError(f"{mask}: {sizes[0]}, but its frame has {sizes[1]}")
            return self._keep(key, image, ids)
        return self.kept[key]

    def still(self, still: Still) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, 3) uint8 and mask (H, W) uint8 in {0, 1}."""
        return self.kept.get(still) or self._keep(still, *read_still(still))

    def _keep(
        self, key: object, image: np.ndarray, ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        pair = resize_pair(image, ids, self.height, self.width)
        size = pair[0].nbytes + pair[1].nbytes
        if self.used + size <= CACHE_BYTES:
            self.used += size
            self.kept[key] = pair
        return pair


def resize_pair(
    image: np.ndarray, ids: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resize a frame (averaging when it shrinks) and its ids (nearest) to (height, width)."""
    if image.shape[:2] == (height, width):
        return image, ids
    shrinks = image.shape[0] > height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return (
        cv2.resize(image, (width, height), interpolation=way),
        cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST),
    )
