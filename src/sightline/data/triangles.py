"""A generated set of triangles with named landmarks, some of them hidden below a disc.

Where landmarks are is computed for all images at once; pixels are drawn when they are asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.data.dataset import Dataset
from sightline.data.generated import Generated, parts
from sightline.data.shapes import textured, vivid
from sightline.data.split import Splits
from sightline.data.truths import Rows, Truths
from sightline.errors import DataError
from sightline.types import Image, Size

LANDMARKS = ("tip", "left", "right", "center")
COVERED = 0.3  # share of images with a disc on a landmark
TURN = np.radians(60)  # at most, away from upright
DOT = 0.022  # radius of the spot in the center, as a share of the shorter side


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the triangles of n images are, in pixels.

    points  (n, 4, 2) float64: tip, left, right and center, also the hidden ones
    disc    (n, 3) float64: x, y and radius of what covers; radius 0 for nothing
    """

    points: NDArray[np.float64]
    disc: NDArray[np.float64]

    @property
    def landmarks(self) -> NDArray[np.float32]:
        """(n, 4, 2), nan where the disc is."""
        away = np.hypot(*np.moveaxis(self.points - self.disc[:, None, :2], 2, 0))
        covered = away < self.disc[:, None, 2]
        return np.where(covered[..., None], np.nan, self.points).astype(np.float32)


def triangles(train: int = 1000, test: int = 200, size: Size = (96, 96), seed: int = 0) -> Splits:
    """A slender triangle of any color on a textured ground, its tip up to 60 degrees away from
    upright, with a light spot in its center. Landmarks are the tip, the corners to the left and
    right of who looks from the center to the tip, and the center; in 3 of 10 images a disc of
    another color hides one of them, or two.

    size  of the images, sides 32 to 1024
    """
    if not all(32 <= side <= 1024 for side in size):
        raise DataError(f"triangles of {size[1]}x{size[0]} pixels: each side must be 32 to 1024")

    def part(first: int, count: int) -> Dataset:
        layout = _layout(np.arange(first, first + count), size, seed)

        def draw(number: int) -> Image:
            key = int(chance.bits(seed, 0, number, "triangle-paint"))
            rng = np.random.Generator(np.random.Philox(key=key))
            row = number - first
            return _painted(layout.points[row], layout.disc[row], size, rng)

        truths = Truths(landmarks=layout.landmarks)
        return Generated(draw, first, truths, LANDMARKS, "triangles")

    return parts(part, train, test)


def _layout(numbers: Rows, size: Size, seed: int) -> _Layout:
    def even(draw: str, low: float, high: float) -> NDArray[np.float64]:
        return np.asarray(chance.uniform(seed, 0, numbers, f"triangle-{draw}", low, high))

    (height, width), shorter = size, min(size)
    reach = even("reach", 0.2, 0.34) * shorter  # from the center to the tip
    half = even("half", 0.35, 0.6) * reach  # of the base
    back = even("back", 0.5, 0.8) * reach  # from the center to the base
    turn = even("turn", -TURN, TURN)
    room = np.maximum(reach, np.hypot(half, back)) + 2
    center = np.stack([even("x", 0, 1) * (width - 2 * room) + room,
                       even("y", 0, 1) * (height - 2 * room) + room], 1)  # fmt: skip
    ahead = np.stack([np.sin(turn), -np.cos(turn)], 1)
    beside = np.stack([np.cos(turn), np.sin(turn)], 1)  # to the right of who looks ahead
    base = center - back[:, None] * ahead
    points = np.stack(
        [
            center + reach[:, None] * ahead,
            base - half[:, None] * beside,
            base + half[:, None] * beside,
            center,
        ],
        1,
    )
    which = even("which", 0, len(LANDMARKS)).astype(int)
    disc = points[np.arange(len(numbers)), which]
    radius = np.where(even("covered", 0, 1) < COVERED, even("disc", 0.07, 0.11) * shorter, 0.0)
    return _Layout(points, np.concatenate([disc, radius[:, None]], 1))


def _painted(
    points: NDArray[np.float64], disc: NDArray[np.float64], size: Size, rng: np.random.Generator
) -> Image:
    """(h, w, 3), edges smooth. points (4, 2), disc (3,)."""
    x, y = np.arange(size[1]) + 0.5, np.arange(size[0])[:, None] + 0.5
    ground, field = textured(size, rng)
    hue = rng.random()
    body = vivid(hue, rng.random()) * (0.85 + 0.15 * field)
    light = np.full(3, 235, np.float32)
    spot = DOT * min(size) - np.hypot(x - points[3, 0], y - points[3, 1])
    layers = [(_inside(points[:3], x, y), body), (spot, light)]
    if disc[2]:
        other = vivid((hue + rng.uniform(0.3, 0.7)) % 1, rng.random())
        layers.append((disc[2] - np.hypot(x - disc[0], y - disc[1]), other))
    for depth, paint in layers:
        cover = np.clip(depth + 0.5, 0, 1)[..., None].astype(np.float32)
        ground += cover * (paint - ground)
    return np.clip(np.rint(ground), 0, 255).astype(np.uint8)


def _inside(corners: NDArray[np.float64], x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """How far inside a triangle a point is, in pixels from the nearest side's line; corners (3, 2)
    are tip, left, right."""
    tip, left, right = corners
    sides = []
    for start, end in ((tip, right), (right, left), (left, tip)):  # clockwise, y down
        along = (end - start) / np.hypot(*(end - start))
        sides.append(along[0] * (y - start[1]) - along[1] * (x - start[0]))
    return np.minimum.reduce(sides)
