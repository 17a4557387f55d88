"""Area, overlap and the two ways to write a box, for NumPy arrays of the caller's float type."""

import numpy as np
from numpy.typing import NDArray

from sightline.types import Size

Floats = NDArray[np.floating]


def area(boxes: Floats) -> Floats:
    """(n,) areas of (n, 4) boxes; 0 where a box ends before it begins."""
    found: Floats = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(
        boxes[:, 3] - boxes[:, 1], 0
    )
    return found


def iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union (n, m) in [0, 1] of boxes (n, 4) and (m, 4); 0 without an area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)  # (n, m, 2)
    shared = sides[..., 0] * sides[..., 1]
    union = area(first)[:, None] + area(second)[None, :] - shared
    found: Floats = np.zeros_like(shared)
    np.divide(shared, union, out=found, where=shared > 0)
    return found


def clip(boxes: Floats, size: Size) -> Floats:
    """Boxes (n, 4) cut off at the edges of an image; one wholly outside is left without area."""
    height, width = size
    limits = np.array([width, height, width, height], boxes.dtype)
    found: Floats = np.clip(boxes, 0, limits)
    return found


def centers(boxes: Floats) -> Floats:
    """Corners (n, 4) to center x, center y, width, height (n, 4)."""
    sides = boxes[:, 2:] - boxes[:, :2]
    found: Floats = np.concatenate([boxes[:, :2] + sides / 2, sides], 1)
    return found


def corners(boxes: Floats) -> Floats:
    """Center x, center y, width, height (n, 4) to corners (n, 4)."""
    half = boxes[:, 2:] / 2
    found: Floats = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1)
    return found
