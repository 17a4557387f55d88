"""Hand-made kernels (starter book, chapter 11; course 5.1): what filters were before learning.

What they show: nine numbers decide whether a sliding window blurs, sharpens or finds edges. The
kernels are for cross-correlation, so they are not flipped; every one is odd in both directions.
Blurs add up to 1 and keep a flat region as it is; edge filters add up to 0 and make it black.

Dark to bright from left to right is positive under the book's Sobel; the course writes its filters
with the bright side on the left, so the two differ in sign.
"""

import numpy as np


def kernel(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float64)


def box_blur(side: int) -> np.ndarray:
    """The mean of a window (side, side); ValueError unless side is odd and positive."""
    if side < 1 or side % 2 == 0:
        raise ValueError(f"side: expected an odd number from 1, got {side}")
    return np.full((side, side), 1 / side**2)


# The seven of the book's convolutions.py, in its order.
BOOK: dict[str, np.ndarray] = {
    "small_blur": box_blur(7),
    "large_blur": box_blur(21),
    "sharpen": kernel([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
    "laplacian": kernel([0, 1, 0], [1, -4, 1], [0, 1, 0]),
    "sobel_x": kernel([-1, 0, 1], [-2, 0, 2], [-1, 0, 1]),  # finds vertical edges
    "sobel_y": kernel([-1, -2, -1], [0, 0, 0], [1, 2, 1]),  # finds horizontal edges
    "emboss": kernel([-2, -1, 0], [-1, 1, 1], [0, 1, 2]),
}

# Vertical edges as the course writes them, bright on the left; turned, they find horizontal ones.
PREWITT = kernel([1, 0, -1], [1, 0, -1], [1, 0, -1])  # the course's plain vertical filter
SOBEL = kernel([1, 0, -1], [2, 0, -2], [1, 0, -1])
SCHARR = kernel([3, 0, -3], [10, 0, -10], [3, 0, -3])

EDGES: dict[str, np.ndarray] = {
    "prewitt": PREWITT,
    "sobel": SOBEL,
    "scharr": SCHARR,
    "prewitt_horizontal": PREWITT.T.copy(),
    "sobel_horizontal": SOBEL.T.copy(),
    "scharr_horizontal": SCHARR.T.copy(),
    "laplacian": BOOK["laplacian"],
}
