"""A generated set of shapes, with a box around each and a class a pixel.

Where shapes are is computed for all images at once; pixels are drawn when they are asked for.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from sightline import chance, images
from sightline.data.boxes import Boxes
from sightline.data.dataset import Dataset
from sightline.data.generated import Drawn, Generated, parts
from sightline.data.split import Splits
from sightline.data.truths import Rows, Truths
from sightline.drawing.annotations import FREE
from sightline.errors import DataError
from sightline.types import Image, Size

SHAPES = ("circle", "square", "triangle", "star")
MOST = 4  # shapes in an image
TRIES = 12  # places that are tried for them


@final
class GeneratedMasks:
    """Masks drawn when they are asked for; `numbers` are those of the images."""

    def __init__(self, draw: Drawn, numbers: Rows, name: str) -> None:
        self.draw, self.numbers, self.name = draw, numbers, name

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, index: int) -> NDArray[np.uint8]:
        return self.draw(int(self.numbers[index]))

    def take(self, indices: Rows) -> "GeneratedMasks":
        return GeneratedMasks(self.draw, self.numbers[indices], self.name)

    def source(self, index: int) -> str:
        return f"{self.name}:{int(self.numbers[index])}"


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the shapes of n images are, m = MOST places each.

    there   (n, m) bool: how many there are differs
    kind    (n, m) int64, into SHAPES
    middle  (n, m, 2) float64: x, y in pixels
    radius  (n, m) float64: of the circle around it
    angle   (n, m) float64, in radians
    """

    there: NDArray[np.bool_]
    kind: NDArray[np.int64]
    middle: NDArray[np.float64]
    radius: NDArray[np.float64]
    angle: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Shape:
    """One shape of an image: its rows and columns, how deep inside it their pixels are, its kind
    (into SHAPES)."""

    area: tuple[slice, slice]
    depth: NDArray[np.float64]
    kind: int


def shapes(train: int = 1000, test: int = 200, size: Size = (96, 96), seed: int = 0) -> Splits:
    """One to four circles, squares, triangles and stars in any color, apart from one another, on
    textured grounds; boxes, and a class a pixel (0 is background).

    size  of the images, sides 32 to 1024
    """
    if not all(32 <= side <= 1024 for side in size):
        raise DataError(f"shapes of {size[1]}x{size[0]} pixels: each side must be 32 to 1024")

    def part(first: int, count: int) -> Dataset:
        numbers = np.arange(first, first + count)
        layout = _layout(numbers, size, seed)

        def placed(number: int) -> list[_Shape]:
            return _shapes_of(layout, number - first, size)

        def image(number: int) -> Image:
            key = int(chance.bits(seed, 0, number, "paint"))
            return _painted(placed(number), size, np.random.Generator(np.random.Philox(key=key)))

        masks = GeneratedMasks(lambda number: _masked(placed(number), size), numbers, "shapes")
        truths = Truths(boxes=_boxes(layout), masks=masks)
        return Generated(image, first, truths, (FREE, *SHAPES), "shapes")

    return parts(part, train, test)


def _layout(numbers: Rows, size: Size, seed: int) -> _Layout:
    """Places are tried in turn; what would touch an earlier shape, or is one too many, is left."""
    n, (height, width) = len(numbers), size
    wanted = chance.uniform(seed, 0, numbers, "shapes", 1, MOST + 1).astype(int)
    middle, radius = np.zeros((n, MOST, 2)), np.zeros((n, MOST))
    found = np.zeros(n, int)
    for attempt in range(TRIES):
        r = chance.uniform(seed, attempt, numbers, "radius", 0.09, 0.24) * min(size)
        x = chance.uniform(seed, attempt, numbers, "x") * (width - 2 * r) + r
        y = chance.uniform(seed, attempt, numbers, "y") * (height - 2 * r) + r
        away = np.hypot(middle[..., 0] - x[:, None], middle[..., 1] - y[:, None])
        apart = (away > radius + r[:, None] + 2) | (np.arange(MOST) >= found[:, None])
        fits = np.flatnonzero(apart.all(1) & (found < wanted))
        middle[fits, found[fits]] = np.stack([x, y], 1)[fits]
        radius[fits, found[fits]] = r[fits]
        found[fits] += 1
    each = (numbers[:, None] * MOST + np.arange(MOST)).ravel()
    kind = chance.uniform(seed, 0, each, "kind", 0, len(SHAPES)).astype(np.int64)
    angle = chance.uniform(seed, 0, each, "angle", 0, 2 * np.pi)
    there = np.arange(MOST) < found[:, None]
    return _Layout(there, kind.reshape(n, -1), middle, radius, angle.reshape(n, -1))


def _depth(
    shape: tuple[NDArray, NDArray, NDArray, NDArray], x: NDArray, y: NDArray
) -> NDArray[np.float64]:
    """How far inside its shape a point is, in pixels along the ray from the middle; below 0 it is
    outside. Every shape is a radius as a function of the direction.

    shape  its kind, middle (…, 2), radius and angle, which broadcast with x and y
    """
    kind, middle, radius, angle = shape
    across, down = x - middle[..., 0], y - middle[..., 1]
    direction = np.arctan2(down, across) - angle
    reach = np.ones(np.broadcast_shapes(kind.shape, direction.shape))
    for number, corners in ((1, 4), (2, 3)):  # a regular polygon's side, seen from its middle
        turned = np.mod(direction, 2 * np.pi / corners) - np.pi / corners
        side = np.cos(np.pi / corners) / np.cos(turned)
        reach = np.where(kind == number, side, reach)
    fold = np.abs(np.mod(direction, 2 * np.pi / 5) - np.pi / 5)  # 0 in a notch, π/5 at a tip
    inner, tip = 0.45, np.pi / 5
    edge = inner * np.sin(tip) / (inner * np.sin(fold) + np.sin(tip - fold))
    reach = np.where(kind == 3, edge, reach)
    return reach * radius - np.hypot(across, down)


def _boxes(layout: _Layout) -> Boxes:
    """The extent of the pixels whose middles lie inside each shape."""
    kept = layout.there
    kind, middle = layout.kind[kept], layout.middle[kept]
    radius, angle = layout.radius[kept], layout.angle[kept]
    corner = np.floor(middle - radius[:, None]).astype(int)  # (k, 2): left, top
    window = np.arange(int(np.ceil(2 * radius.max())) + 2)
    boxes = np.empty((len(kind), 4), np.float32)
    for start in range(0, len(kind), 512):  # windows of 512 shapes in memory at a time
        own = slice(start, start + 512)
        x = corner[own, :1] + window + 0.5  # (k, w)
        y = corner[own, 1:] + window + 0.5
        at = own, None, None
        shape = kind[at], middle[at], radius[at], angle[at]
        inside = _depth(shape, x[:, None, :], y[:, :, None]) >= 0  # (k, w, w)
        for side, across in ((0, 1), (1, 2)):
            seen = np.logical_or.reduce(inside, across)  # (k, w): columns for x, rows for y
            boxes[own, side] = corner[own, side] + seen.argmax(1)
            boxes[own, side + 2] = corner[own, side] + len(window) - seen[:, ::-1].argmax(1)
    starts = np.concatenate([[0], np.cumsum(kept.sum(1))]).astype(np.int64)
    return Boxes(boxes, kind + 1, starts)


def _shapes_of(layout: _Layout, row: int, size: Size) -> list[_Shape]:
    found = []
    for place in np.flatnonzero(layout.there[row]).tolist():
        at = row, place
        (x, y), r = layout.middle[at].tolist(), float(layout.radius[at])
        top, bottom = max(0, int(y - r) - 1), min(size[0], int(y + r) + 2)
        left, right = max(0, int(x - r) - 1), min(size[1], int(x + r) + 2)
        columns, rows = np.arange(left, right) + 0.5, np.arange(top, bottom)[:, None] + 0.5
        shape = layout.kind[at], layout.middle[at], layout.radius[at], layout.angle[at]
        area = slice(top, bottom), slice(left, right)
        found.append(_Shape(area, _depth(shape, columns, rows), int(layout.kind[at])))
    return found


def _masked(placed: list[_Shape], size: Size) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    for shape in placed:
        mask[shape.area][shape.depth >= 0] = shape.kind + 1
    return mask


def _painted(placed: list[_Shape], size: Size, rng: np.random.Generator) -> Image:
    """(h, w, 3): shapes with smooth edges on a textured ground."""
    ground, field = textured(size, rng)
    for shape in placed:
        paint = vivid(rng.random(), rng.random())
        cover = np.clip(shape.depth + 0.5, 0, 1)[..., None].astype(np.float32)
        lit = paint * (0.85 + 0.15 * field[shape.area])
        ground[shape.area] += cover * (lit - ground[shape.area])
    return np.clip(np.rint(ground), 0, 255).astype(np.uint8)


def textured(
    size: Size, rng: np.random.Generator
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """A muted ground of two colors with grain (h, w, 3), to 255; and where it is light (h, w, 1),
    0 to 1."""
    light, dark = rng.uniform(120, 210, 3), rng.uniform(40, 110, 3)
    coarse = rng.random((int(rng.integers(3, 9)), int(rng.integers(3, 9)), 1)) * 255
    field = images.resize(coarse.astype(np.uint8), size).astype(np.float32) / 255
    ground = dark.astype(np.float32) + field * (light - dark).astype(np.float32)
    ground += rng.standard_normal((*size, 1), np.float32) * np.float32(rng.uniform(2, 12))
    return ground, field


def vivid(hue: float, value: float) -> NDArray[np.float32]:
    """A color of full saturation, (3,) to 255."""
    wheel = np.clip(np.abs(np.mod(hue * 6 + np.array([0, 4, 2]), 6) - 3) - 1, 0, 1)
    return (255 * (0.45 + 0.55 * value) * wheel).astype(np.float32)
