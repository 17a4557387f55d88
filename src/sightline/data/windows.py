"""Windows: the part of a canvas, or of what lies around it, that an input shows.

A window is a corner (x, y) and two sides (w, h) in canvas pixels, a row an image.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sightline.data.boxes import Boxes
from sightline.data.draws import Draw
from sightline.errors import DataError
from sightline.types import Size

Array = NDArray[np.float64]
Windows = tuple[Array, Array]  # corners and sides, (n, 2) each

OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)  # least IoU of a window with an object; 0: any
TRIALS = 50  # windows that are tried
SMALLEST = 0.3  # of a side, before its ratio


def middle(d: Draw, canvas: Size, size: Size, whole: bool) -> Windows:
    """The window of the input's size in the middle; in whole pixels where asked for."""
    corner = np.array([canvas[1] - size[1], canvas[0] - size[0]]) / 2
    corner = np.floor(corner) if whole else corner
    sides = np.array([size[1], size[0]], np.float64)
    return np.tile(corner, (len(d.indices), 1)), np.tile(sides, (len(d.indices), 1))


def cropped(d: Draw, canvas: Size, size: Size, pad: int) -> Windows:
    """Of the input's size, in whole pixels, anywhere in the padded canvas."""
    places = []
    for name, side, want in (("x", canvas[1], size[1]), ("y", canvas[0], size[0])):
        spare = side + 2 * pad - want
        if spare < 0:
            raise DataError(f"augment.crop: a canvas of {canvas} is smaller than the view {size}")
        places.append(np.floor(d.even(f"crop-{name}", 0, spare + 1)) - pad)
    sides = np.array([size[1], size[0]], np.float64)
    return np.stack(places, 1), np.tile(sides, (len(d.indices), 1))


def resized(d: Draw, canvas: Size, least: float) -> Windows:
    """Of at least this share of the canvas, of ratio 3:4 to 4:3 (Szegedy et al. 2014)."""
    area = d.even("resized-area", least, 1) * canvas[0] * canvas[1]
    ratio = np.exp(d.around("resized-ratio", math.log(4 / 3)))
    sides = np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], 1)
    sides = np.minimum(sides, [canvas[1], canvas[0]])
    unit = np.stack([d.even("resized-x", 0, 1), d.even("resized-y", 0, 1)], 1)
    return unit * (np.array([canvas[1], canvas[0]]) - sides), sides


def expanded(d: Draw, windows: Windows, most: float) -> Windows:
    """Half of the windows, up to `most` times as wide and as high; each holds what it held."""
    corners, sides = windows
    factor = np.where(d.happens("expand", 0.5), d.even("expand-by", 1, most), 1.0)[:, None]
    unit = np.stack([d.even("expand-x", 0, 1), d.even("expand-y", 0, 1)], 1)
    return corners - unit * (factor - 1) * sides, sides * factor


def overlapping(d: Draw, windows: Windows, share: float, boxes: Boxes, visible: float) -> Windows:
    """Windows within some of the windows, constrained by an object (Liu et al. 2016, 2.2).

    share    of the images that have one
    boxes    the objects of each image, in canvas pixels
    visible  least share of that object's area that the window holds

    A least overlap is drawn from OVERLAPS, then windows, each .3 to 1 times as wide and as high, of
    ratio 1:2 to 2:1; the first that has this IoU with an object and its center inside is taken. An
    image without objects has the first of all. The window stays as it is where none of TRIALS fits.
    """
    corners, sides = windows
    unit = d.many("iou-crop", 4 * TRIALS).reshape(-1, TRIALS, 4)
    scale = SMALLEST + (1 - SMALLEST) * unit[..., 0]
    low, high = np.maximum(0.5, scale**2), np.minimum(2, scale**-2)
    root = np.sqrt(low * (high / low) ** unit[..., 1])
    tried = np.stack([scale * root, scale / root], -1)  # (n, TRIALS, 2), shares of the window
    tried_sides = tried * sides[:, None]
    tried_corners = corners[:, None] + unit[..., 2:] * (sides[:, None] - tried_sides)
    least = np.array(OVERLAPS)[(d.even("iou-crop-least", 0, 1) * len(OVERLAPS)).astype(int)]
    image = boxes.images
    fits = _fits(boxes, tried_corners[image], tried_sides[image], least[image], visible)
    found = np.zeros((len(corners), TRIALS), np.int64)
    np.add.at(found, image, fits)
    found += (np.diff(boxes.starts) == 0)[:, None]
    chosen = (found > 0).argmax(1)
    takes = d.happens("iou-crop-happens", share) & (found > 0).any(1)
    row = np.arange(len(corners))
    return (
        np.where(takes[:, None], tried_corners[row, chosen], corners),
        np.where(takes[:, None], tried_sides[row, chosen], sides),
    )


def _fits(boxes: Boxes, corners: Array, sides: Array, least: Array, visible: float) -> NDArray:
    """(m, TRIALS) whether a window (m, TRIALS, 2) holds its box as it should; `least` (m,)."""
    low, high = boxes.boxes[:, None, :2].astype(np.float64), boxes.boxes[:, None, 2:]
    shared = np.minimum(high, corners + sides) - np.maximum(low, corners)
    seen = np.maximum(shared, 0).prod(-1)
    area = np.maximum(high - low, 0).prod(-1)
    iou = seen / np.maximum(area + sides.prod(-1) - seen, 1e-9)
    center = (low + high) / 2
    inside = ((center >= corners) & (center < corners + sides)).all(-1)
    return inside & (iou >= least[:, None]) & (seen >= visible * area) & (area > 0)
