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


def tried(d: Draw, windows: Windows) -> Windows:
    """TRIALS windows (n, TRIALS, 2) within each: .3 to 1 times its scale, of ratio 1:2 to 2:1."""
    corners, sides = windows
    unit = d.many("iou-crop", 4 * TRIALS).reshape(-1, TRIALS, 4)
    scale = SMALLEST + (1 - SMALLEST) * unit[..., 0]
    low, high = np.maximum(0.5, scale**2), np.minimum(2, scale**-2)
    root = np.sqrt(low * (high / low) ** unit[..., 1])
    within = np.stack([scale * root, scale / root], -1) * sides[:, None]
    return corners[:, None] + unit[..., 2:] * (sides[:, None] - within), within


def overlapping(d: Draw, windows: Windows, share: float, boxes: Boxes, visible: float) -> Windows:
    """Windows within some of the windows, constrained by an object (Liu et al. 2016, 2.2).

    share    of the images that have one
    boxes    the objects of each image, in canvas pixels
    visible  least share of that object's area that the window holds

    Of those that are tried, for each of OVERLAPS the first that has this IoU with an object and the
    object's center inside; one of these at random, as in the paper's own code. The window stays as
    it is where there is none. An image without objects has any.
    """
    corners, sides = tried(d, windows)
    image = boxes.images
    best = np.full(corners.shape[:2], -1.0)
    np.maximum.at(best, image, _overlaps(boxes, corners[image], sides[image], visible))
    best[np.diff(boxes.starts) == 0] = 1.0
    fits = best[:, None] >= np.array(OVERLAPS)[:, None]  # (n, overlaps, TRIALS)
    chances = np.where(fits.any(2), d.many("iou-crop-least", len(OVERLAPS)), -1.0)
    row = np.arange(len(best))
    chosen = fits.argmax(2)[row, chances.argmax(1)]
    takes = d.happens("iou-crop-happens", share) & (chances.max(1) >= 0)
    return (
        np.where(takes[:, None], corners[row, chosen], windows[0]),
        np.where(takes[:, None], sides[row, chosen], windows[1]),
    )


def _overlaps(boxes: Boxes, corners: Array, sides: Array, visible: float) -> Array:
    """(m, TRIALS) IoU of each box with windows (m, TRIALS, 2); -1 where its center is not inside,
    or too little of it is."""
    low, high = boxes.boxes[:, None, :2].astype(np.float64), boxes.boxes[:, None, 2:]
    shared = np.minimum(high, corners + sides) - np.maximum(low, corners)
    seen = np.maximum(shared, 0).prod(-1)
    area = np.maximum(high - low, 0).prod(-1)
    iou = seen / np.maximum(area + sides.prod(-1) - seen, 1e-9)
    center = (low + high) / 2
    inside = ((center >= corners) & (center < corners + sides)).all(-1)
    return np.where(inside & (seen >= visible * area) & (area > 0), iou, -1.0)
