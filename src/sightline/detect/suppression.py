"""Non-maximum suppression."""

import numpy as np
from numpy.typing import NDArray


def kept(boxes: NDArray, confidence: NDArray, overlap: float) -> NDArray[np.int64]:
    """Rows of boxes (n, 4) that stay, the most confident first, the earlier one of equals: none
    has an IoU over `overlap` with one before it."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, found = np.argsort(-confidence, kind="stable"), []
    while len(order):
        first, order = order[0], order[1:]
        found.append(first)
        low = np.maximum(boxes[first, :2], boxes[order, :2])
        high = np.minimum(boxes[first, 2:], boxes[order, 2:])
        shared = np.clip(high - low, 0, None).prod(1)
        order = order[shared <= overlap * (areas[first] + areas[order] - shared)]
    return np.array(found, np.int64)
