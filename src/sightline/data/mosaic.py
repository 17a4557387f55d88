"""Mosaics: four images of a batch laid together as one (Bochkovskiy et al. 2020).

Lines across and down the input cut it into four. Each quarter shows an image of the batch, smaller
by one factor for both sides and cut where it is too long; the whole batch has the same lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.data.boxes import Boxes
from sightline.data.draws import Draw, Rows
from sightline.data.geometry import Keep, Rectangle, moved_boxes
from sightline.data.transfer import put
from sightline.types import Size

NEAREST = 0.3  # share of a side between the cut and an edge


@dataclass(frozen=True, eq=False)
class Quarter:
    """What a quarter of the inputs shows.

    rows    (n,) which image of the batch each input has there
    window  of those images' own inputs
    place   where it is laid
    """

    rows: Rows
    window: Rectangle
    place: Rectangle

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3): pixels of an image's own input to pixels of the mosaic."""
        (x0, y0, x1, y1), (left, top, right, bottom) = self.window, self.place
        across, down = (right - left) / (x1 - x0), (bottom - top) / (y1 - y0)
        rows = [[across, 0, left - across * x0], [0, down, top - down * y0], [0, 0, 1]]
        return np.array(rows, np.float64)


def draw(d: Draw, size: Size) -> tuple[Quarter, ...]:
    """The quarters of a batch; the first, at the top left, shows each image's own input."""
    of_batch = Draw(d.seed, d.epoch, d.indices[:1])
    lines = []
    for name, side in (("y", size[0]), ("x", size[1])):
        at = float(of_batch.even(f"mosaic-{name}", NEAREST, 1 - NEAREST)[0])
        lines.append((0, min(max(1, round(at * side)), side - 1), side))
    quarters = []
    for number, (row, column) in enumerate(product((0, 1), (0, 1))):
        place = (lines[1][column], lines[0][row], lines[1][column + 1], lines[0][row + 1])
        unit = of_batch.many(f"mosaic-window-{number}", 2)[0]
        rows = d.partners(f"mosaic-{number}") if number else np.arange(len(d.indices))
        quarters.append(Quarter(rows, _window(place, size, unit), place))
    return tuple(quarters)


def _window(place: Rectangle, size: Size, unit: NDArray[np.float64]) -> Rectangle:
    """The largest part of an input, in whole pixels, that has the shape of its place."""
    width, height = place[2] - place[0], place[3] - place[1]
    scale = max(width / size[1], height / size[0])
    sides = [min(size[1], round(width / scale)), min(size[0], round(height / scale))]
    x, y = (int(u * (of - side + 1)) for u, of, side in zip(unit, size[::-1], sides, strict=True))
    return x, y, x + sides[0], y + sides[1]


def laid(inputs: Tensor, quarters: Sequence[Quarter]) -> Tensor:
    """The mosaics of a batch's inputs (n, c, h, w)."""
    out = torch.empty_like(inputs)
    for quarter in quarters:
        (x0, y0, x1, y1), (left, top, right, bottom) = quarter.window, quarter.place
        small = F.interpolate(
            inputs[:, :, y0:y1, x0:x1],
            (bottom - top, right - left),
            mode="bilinear",
            antialias=True,
        )
        out[:, :, top:bottom, left:right] = small[put(quarter.rows, inputs.device)]
    return out


def boxes(
    truths: Boxes,
    matrices: NDArray[np.float64],
    quarters: Sequence[Quarter],
    size: Size,
    keep: Keep,
) -> Boxes:
    """The objects of each mosaic; how much of one is visible is told from all of it.

    truths    in canvas pixels
    matrices  (n, 2, 3): canvas pixels to pixels of each image's own input
    """
    parts = []
    for quarter in quarters:
        through = quarter.matrix[:2, :2] @ matrices[quarter.rows]
        through[:, :, 2] += quarter.matrix[:2, 2]
        found = truths.take(quarter.rows)
        parts.append(moved_boxes(found, through, size, keep, quarter.place))
    return Boxes.together(parts)
