"""Suppression that also takes away what lies inside a better box.

A classifier finds parts of an object again in smaller windows; their IoU with the whole is small.
"""

import numpy as np
from numpy.typing import NDArray

from sightline.boxes.geometry import area

Boxes = NDArray[np.float32]


def outermost(boxes: Boxes, scores: Boxes, iou: float, inside: float) -> NDArray[np.int64]:
    """Rows (k,) of the boxes to keep, best score first: greedy suppression, of whatever class.

    A box goes where a better one that stays overlaps it by an IoU over `iou`, or covers more than
    `inside` of it. One around better ones stays: it would take several objects for one mistake.

    boxes   (n, 4)
    scores  (n,); a tie is won by the lower row
    """
    sizes, left = area(boxes), np.ones(len(boxes), np.bool_)
    kept: list[int] = []
    for best in np.argsort(-scores, kind="stable").tolist():
        if not left[best]:
            continue
        kept.append(best)
        low = np.maximum(boxes[:, :2], boxes[best, :2])
        high = np.minimum(boxes[:, 2:], boxes[best, 2:])
        shared = np.maximum(high - low, 0).prod(1)
        left &= shared <= iou * (sizes + sizes[best] - shared)
        left &= shared <= inside * sizes
    return np.array(kept, np.int64)
