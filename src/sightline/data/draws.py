"""The draws of one batch: chance by name, image by image."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.types import Size

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """The draws of one batch: every number a function of (seed, epoch, index, its name)."""

    seed: int
    epoch: int
    indices: Rows

    def even(self, name: str, low: float, high: float) -> NDArray[np.float64]:
        return chance.uniform(self.seed, self.epoch, self.indices, name, low, high)

    def many(self, name: str, count: int) -> NDArray[np.float64]:
        """(n, count) in [0, 1)."""
        keys = chance.bits(self.seed, self.epoch, self.indices, name)
        counters = keys[:, None] + np.arange(count, dtype=np.uint64)
        return chance.uniform(self.seed, self.epoch, counters, name)

    def around(self, name: str, reach: float) -> NDArray[np.float64]:
        """In [-reach, reach); exactly zero, without drawing, where reach is."""
        return self.even(name, -reach, reach) if reach else np.zeros(len(self.indices))

    def happens(self, name: str, share: float) -> NDArray[np.bool_]:
        return self.even(name, 0.0, 1.0) < share

    def normal(self, name: str) -> NDArray[np.float64]:
        """Standard normal, by Box and Muller 1958."""
        radius = np.sqrt(-2 * np.log(1 - self.even(f"{name}-radius", 0, 1)))
        return radius * np.cos(2 * math.pi * self.even(f"{name}-angle", 0, 1))

    def partners(self, name: str) -> Rows:
        """(n,) a permutation of the batch's own rows."""
        key = chance.seed_of(self.seed, self.epoch, f"{name}-{self.indices[0]}")
        return chance.permutation(key, 0, len(self.indices), name)


def rectangles(d: Draw, size: Size, area: NDArray[np.float64], name: str) -> Rows:
    """(n, 4) top, left, bottom, right: rectangles of these shares of the area, anywhere inside."""
    ratio = np.exp(d.even(f"{name}-ratio", -0.7, 0.7))
    height = np.minimum(np.rint(np.sqrt(area * ratio) * size[0]), size[0])
    width = np.minimum(np.rint(np.sqrt(area / ratio) * size[1]), size[1])
    top = np.floor(d.even(f"{name}-y", 0, 1) * (size[0] - height + 1))
    left = np.floor(d.even(f"{name}-x", 0, 1) * (size[1] - width + 1))
    return np.stack([top, left, top + height, left + width], 1).astype(np.int64)
