"""Instance masks by run lengths, as COCO writes them: one object, a few hundred bytes.

Runs go down the columns, off and on in turn, and begin with off (which may be zero long).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.errors import DataError


@dataclass(frozen=True, eq=False)
class InstanceMask:
    """The pixels of one object.

    size    (height, width) of its image
    counts  (k,) uint32: lengths of the runs; their sum is height * width
    """

    size: tuple[int, int]
    counts: NDArray[np.uint32]

    def mask(self) -> NDArray[np.bool_]:
        """(height, width)."""
        on = np.arange(len(self.counts)) % 2 == 1
        height, width = self.size
        return np.repeat(on, self.counts).reshape(width, height).T

    @property
    def area(self) -> int:
        return int(self.counts[1::2].sum())

    def extent(self) -> tuple[float, float, float, float]:
        """The smallest box around it: x0, y0, x1, y1; zeros where it is empty."""
        return extent(self.mask())

    def to_dict(self) -> dict[str, object]:
        """COCO's RLE: {"size": [height, width], "counts": text}."""
        return {"size": list(self.size), "counts": to_text(self.counts)}


def extent(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """The smallest box around what is on in (h, w): x0, y0, x1, y1; zeros where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def of_mask(mask: ArrayLike) -> InstanceMask:
    """From (h, w), on where it is not zero."""
    pixels = np.asarray(mask) != 0
    flat = pixels.T.reshape(-1)
    changes = np.flatnonzero(np.diff(flat)) + 1
    first = [0] if len(flat) and flat[0] else []  # runs begin with off
    edges = np.concatenate([first, [0], changes, [len(flat)]]).astype(np.int64)
    return InstanceMask((pixels.shape[0], pixels.shape[1]), np.diff(edges).astype(np.uint32))


def of_runs(
    counts: Sequence[int] | str, size: tuple[int, int], place: str = "runs"
) -> InstanceMask:
    """From COCO's counts, numbers or text. Raises DataError where they do not fill the image."""
    numbers = from_text(counts, place) if isinstance(counts, str) else counts
    pixels = size[0] * size[1]
    if any(not 0 <= number <= pixels for number in numbers):
        raise DataError(f"{place}: a run length that is not from 0 to {pixels}, the image's pixels")
    if sum(numbers) != pixels:
        raise DataError(
            f"{place}: run lengths sum to {sum(numbers)}; the image has {pixels} pixels"
        )
    return InstanceMask(size, np.asarray(numbers, np.uint32))


def of_polygons(polygons: Sequence[ArrayLike], size: tuple[int, int]) -> InstanceMask:
    """What any of the polygons holds; each (k, 2) of x, y. A pixel is on where its center is
    inside, by the even-odd rule."""
    pixels = np.zeros(size, bool)
    for polygon in polygons:
        _fill(pixels, np.asarray(polygon, np.float64))
    return of_mask(pixels)


def _fill(pixels: NDArray[np.bool_], points: NDArray[np.float64]) -> None:
    """Crossings of each row of centers with each edge flip all pixels to their right."""
    left, top = np.clip(np.floor(points.min(0)), 0, pixels.shape[::-1]).astype(int)
    right, bottom = np.clip(np.ceil(points.max(0)), 0, pixels.shape[::-1]).astype(int)
    inside = pixels[top:bottom, left:right]  # the window around the polygon
    points = points - [left, top]
    height, width = inside.shape
    flips = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
        low, high = sorted((y0, y1))
        first = max(0, int(np.ceil(low - 0.5)))
        rows = np.arange(first, max(first, min(height, int(np.ceil(high - 0.5)))))
        crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / ((y1 - y0) or 1.0)
        columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(np.int64)
        np.add.at(flips, (rows, columns), 1)
    inside |= flips.cumsum(1)[:, :width] % 2 == 1


def to_text(counts: NDArray[np.uint32]) -> str:
    """COCO's compressed counts: differences to the run two before, five bits a letter."""
    letters: list[str] = []
    numbers = counts.tolist()
    for i, count in enumerate(numbers):
        value = count - numbers[i - 2] if i > 2 else count
        while True:
            bits, value = value & 0x1F, value >> 5
            done = value == (-1 if bits & 0x10 else 0)
            letters.append(chr(48 + (bits | (0 if done else 0x20))))
            if done:
                break
    return "".join(letters)


def from_text(text: str, place: str = "runs") -> list[int]:
    """The counts of `to_text`. Raises DataError for what it cannot have written."""
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 35:
            raise DataError(f"{place}: {text!r:.40} is no run-length text")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise DataError(f"{place}: {text!r:.40} is cut short")
    return counts
