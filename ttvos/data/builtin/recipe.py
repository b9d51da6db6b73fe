"""What happens in a built-in clip: kinds of scenes drawn from random numbers.

Sizes of things are their radius in units of the frame's height; one radius r covers about
2.5 r^2 pixels. Objects travel one or two radii in a clip, so a mask held still soon misses them.
"""

from collections.abc import Sequence

import numpy as np

from ttvos.core.errors import UserError
from ttvos.data.builtin.scene import Scene, Thing, Track, paint_background
from ttvos.data.builtin.shape import Part, Shape, random_shape
from ttvos.data.builtin.texture import mean_colour, tile

Rng = np.random.Generator
TILE = 192
VISIBLE = 150  # pixels of every object that frame 0 shows at least
KINDS = ("grow-one", "shrink-one", "distractor", "occlusion", "three-objects", "camera-pan")


class _Stage:
    """The frame being filled: its size, the random numbers, and the things placed so far."""

    def __init__(self, rng: Rng, height: int, width: int, pan: float) -> None:
        self.rng, self.height, self.width = rng, height, width
        self.background = self._background()
        self.behind = mean_colour(self.background)
        self.camera = self._camera(pan)
        self.things: list[Thing] = []

    def _background(self) -> np.ndarray:
        """A texture twice the frame's size with 6 to 14 motionless things on it."""
        height, width = 2 * self.height, 2 * self.width
        ground = tile(self.rng, max(height, width))[:height, :width]
        clutter = []
        for _ in range(self.rng.integers(6, 15)):
            x, y = self.rng.uniform(0, width), self.rng.uniform(0, height)
            pose = [x, y, self.rng.uniform(0.06, 0.35) * self.height, self.rng.uniform(0, 6)]
            track = Track(np.tile(pose, (4, 1)))
            clutter.append(Thing(random_shape(self.rng), tile(self.rng, 96), track))
        return paint_background((height, width), ground, clutter)

    def _camera(self, pan: float) -> Track:
        """Pan by about `pan` frame widths, zoom by up to 20 %, turn by up to 6 degrees."""
        direction = self.rng.choice([-1, 1]) * pan * self.width
        drift = np.linspace(-0.5, 0.5, 4)[:, None]
        middle = np.array([self.width, self.height, 1.0, 0.0])
        span = np.array(
            [
                direction * self.rng.uniform(0.7, 1.0),
                self.rng.uniform(-0.2, 0.2) * self.height,
                self.rng.uniform(-0.25, 0.25),
                self.rng.uniform(-0.1, 0.1),
            ]
        )
        shake = self.rng.normal(0, 1, (4, 4)) * [0.02 * self.width, 0.02 * self.height, 0.02, 0.01]
        return Track(middle + drift * span + shake)

    def track(
        self,
        start: Sequence[float],
        end: Sequence[float],
        sizes: Sequence[float],
        turn: float = 0.6,
    ) -> Track:
        """From start to end (fractions of the frame) over a curved path, radius sizes[0..1]."""
        frame = np.array([self.width, self.height])
        line = np.linspace(start, end, 4) * frame
        line[1:3] += self.rng.normal(0, 0.07, (2, 2)) * self.height
        radius = np.geomspace(sizes[0], sizes[1], 4) * self.height
        angle = self.rng.uniform(-0.4, 0.4) + np.linspace(0, self.rng.uniform(-turn, turn), 4)
        return Track(np.column_stack([line, radius, angle]))

    def travel(self, start: Sequence[float], radius: float, reach: float) -> np.ndarray:
        """A point `reach` radii away from start that is well inside the frame, if possible."""
        margin = min(0.8 * radius, 0.3)
        aspect = self.height / self.width
        low, high = np.array([margin * aspect, margin]), 1 - np.array([margin * aspect, margin])
        best, most = np.array(start), -1.0
        for _ in range(12):
            angle = self.rng.uniform(0, 2 * np.pi)
            step = reach * radius * np.array([aspect * np.cos(angle), np.sin(angle)])
            end = np.clip(np.array(start) + step, low, high)
            gone = float(np.hypot(*((end - start) / [aspect, 1])))
            if gone > most:
                best, most = end, gone
        return best

    def new_object(self, track: Track, label: int = 0, shape: Shape | None = None) -> Thing:
        """Add a thing in front of the others, with a texture unlike the background."""
        texture = tile(self.rng, TILE, avoid=self.behind)
        thing = Thing(shape or random_shape(self.rng), texture, track, label)
        self.things.append(thing)
        return thing

    def occluder(self, x: float) -> None:
        """A pillar or a pole with a crown that stands in the world, in front of what is there."""
        half = self.rng.uniform(0.05, 0.09)
        post = Part((0, 0), (half / 0.75, 1.35), sides=4 if self.rng.random() < 0.3 else 0)
        crown = Part((0, -1.0), (0.3, 0.35), harmonics=((5, 0.12, 0.0),))
        parts = (post, crown) if self.rng.random() < 0.5 else (post,)
        calm = ((0.02, 1.0, 0.5, 0.0), (0.02, 1.0, 0.5, 0.0))
        pose = [x * self.width, 0.5 * self.height, 0.75 * self.height, 0.0]
        texture = tile(self.rng, TILE, avoid=self.behind)
        self.things.append(
            Thing(Shape(parts, calm), texture, Track(np.tile(pose, (4, 1))), fixed=True)
        )

    def look_alike(self, of: Thing, start: Sequence[float], radius: float, reach: float) -> None:
        """An unlabelled thing of the same texture and outline, behind everything else."""
        end = self.travel(start, radius, reach)
        track = self.track(start, end, (radius, radius * self.rng.uniform(0.85, 1.2)))
        self.things.insert(0, Thing(of.shape, of.texture, track))

    def spots(self, count: int) -> np.ndarray:
        """Starting points (count, 2), side by side in random order, as fractions of the frame."""
        across = (np.arange(count) + 0.5) / count + self.rng.uniform(-0.3, 0.3, count) / count
        down = self.rng.uniform(0.35, 0.65, count)
        return self.rng.permuted(np.column_stack([across, down]), axis=0)

    def scene(self) -> Scene:
        light = self.rng.uniform(0, 0.08)
        return Scene(
            self.height, self.width, self.background, self.camera, tuple(self.things), light
        )


def _resize_one(stage: _Stage, small: float, large: float, grows: bool) -> None:
    """One object that comes nearer or goes away."""
    sizes = (small, large) if grows else (large, small)
    near = stage.rng.uniform(0.42, 0.58, 2)
    far = stage.travel(near, small, stage.rng.uniform(1.2, 2.2))
    path = (far, near) if grows else (near, far)
    stage.new_object(stage.track(*path, sizes), 1)


def _grow(stage: _Stage) -> None:
    _resize_one(stage, stage.rng.uniform(0.13, 0.17), stage.rng.uniform(0.34, 0.44), True)


def _shrink(stage: _Stage) -> None:
    _resize_one(stage, stage.rng.uniform(0.13, 0.17), stage.rng.uniform(0.34, 0.44), False)


def _distractor(stage: _Stage) -> None:
    """One or two objects, each with a look-alike."""
    count = int(stage.rng.integers(1, 3))
    spots = stage.spots(2 * count)
    for i in range(count):
        radius = stage.rng.uniform(0.15, 0.26 if count == 1 else 0.2)
        end = stage.travel(spots[i], radius, stage.rng.uniform(1.2, 2.2))
        thing = stage.new_object(
            stage.track(spots[i], end, radius * stage.rng.uniform(0.85, 1.2, 2)), i + 1
        )
        stage.look_alike(thing, spots[count + i], radius, stage.rng.uniform(0.5, 2.0))


def _occlusion(stage: _Stage) -> None:
    """Two objects cross, one behind and one before a post."""
    for i, (x0, x1) in enumerate([(0.29, 0.66), (0.7, 0.36)]):
        radius = stage.rng.uniform(0.2, 0.28)
        start, end = (x0, stage.rng.uniform(0.3, 0.5)), (x1, stage.rng.uniform(0.5, 0.7))
        stage.new_object(stage.track(start, end, radius * stage.rng.uniform(0.9, 1.15, 2)), i + 1)
        if i == 0:
            stage.occluder(stage.rng.uniform(0.4, 0.6))


def _several(stage: _Stage, count: int) -> None:
    for i, start in enumerate(stage.spots(count)):
        radius = stage.rng.uniform(0.13, 0.26)
        end = stage.travel(start, radius, stage.rng.uniform(1.0, 2.0))
        sizes = radius * np.exp(stage.rng.uniform(-0.3, 0.3, 2))
        stage.new_object(stage.track(start, end, sizes), i + 1)


def _three(stage: _Stage) -> None:
    _several(stage, 3)


def _pan(stage: _Stage) -> None:
    """One or two objects under a fast camera, a post standing by."""
    count = int(stage.rng.integers(1, 3))
    stage.occluder(stage.rng.uniform(0.1, 0.9))
    _several(stage, count)


RECIPES = {
    "grow-one": (_grow, 0.3),
    "shrink-one": (_shrink, 0.3),
    "distractor": (_distractor, 0.3),
    "occlusion": (_occlusion, 0.25),
    "three-objects": (_three, 0.3),
    "camera-pan": (_pan, 0.9),
}


def compose(rng: Rng, kind: str, height: int, width: int) -> Scene:
    """Draw a scene of that kind in which every object is seen well at the start.

    Each object shows at least 150 pixels in frame 0 and stays in sight for most of the clip.
    """
    recipe, pan = RECIPES[kind]
    for _ in range(40):
        stage = _Stage(rng, height, width, pan)
        recipe(stage)
        scene = stage.scene()
        if _visible(scene):
            return scene
    raise UserError(f"mini: {height}x{width} pixels are too few for clips; use at least 96x160")


def _visible(scene: Scene) -> bool:
    ids = [thing.label for thing in scene.things if thing.label]
    first = scene.labels(0.0)
    if any(np.count_nonzero(first == i) < VISIBLE for i in ids):
        return False
    later = [scene.labels(time) for time in (0.3, 0.6, 0.8, 1.0)]
    return all(sum(np.count_nonzero(x == i) > VISIBLE / 2 for x in later) >= 3 for i in ids)


def compose_late(rng: Rng, height: int, width: int) -> Scene:
    """A scene whose first object is there at once; the others (one or two) come in later."""
    for _ in range(40):
        stage = _Stage(rng, height, width, 0.3)
        _several(stage, 1)
        for i in range(int(rng.integers(0, 3))):
            radius = rng.uniform(0.14, 0.24)
            side = rng.choice([-1, 1])
            outside = 0.5 + side * (0.5 + 1.7 * radius * height / width)
            start = (outside, rng.uniform(0.3, 0.7))
            end = (rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.65))
            stage.new_object(stage.track(start, end, (radius, radius)), i + 2)
        scene = stage.scene()
        ids = [thing.label for thing in scene.things if thing.label]
        first, last = scene.labels(0.0), scene.labels(1.0)
        if np.count_nonzero(first == 1) > VISIBLE and all((last == i).any() for i in ids):
            return scene
    raise UserError(f"mini: {height}x{width} pixels are too few for clips; use at least 96x160")


def compose_still(rng: Rng, height: int, width: int) -> Scene:
    """A scene for one picture: one object, sometimes two, anywhere in the frame."""
    for _ in range(40):
        stage = _Stage(rng, height, width, 0.3)
        if rng.random() < 0.25:
            stage.occluder(rng.uniform(0.1, 0.9))
        for i in range(1 + int(rng.random() < 0.25)):
            radius, spot = rng.uniform(0.15, 0.4), rng.uniform(0.25, 0.75, 2)
            stage.new_object(stage.track(spot, spot, (radius, radius)), i + 1)
        scene = stage.scene()
        if np.count_nonzero(scene.labels(0.0)) > 2 * VISIBLE:
            return scene
    raise UserError(f"mini: {height}x{width} pixels are too few for stills; use at least 96x160")
