"""Images turned, scaled and shifted about their middle (starter book, 11.4).

    place in the image = middle + matrix (place in the result - middle) - shift

What it shows: how data are made that a network has not seen, or shall learn from. The result is
walked over, not the image, so that every pixel gets a value: read between four pixels (bilinear),
0 outside. Enlarging is smooth; shrinking below a half skips pixels.
"""

import numpy as np


def turned(degrees: float, scale: float = 1.0) -> np.ndarray:
    """The matrix (2, 2), down and right, for a turn against the clock and an enlargement."""
    if scale <= 0:
        raise ValueError(f"scale: expected above 0, got {scale:g}")
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    return np.array([[cosine, sine], [-sine, cosine]])


def moved(
    images: np.ndarray, matrix: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Images (n, h, w) by one matrix (2, 2) or by one each (n, 2, 2), float64 (n, h, w).

    shift  pixels down and to the right, after the matrix's turn and scale
    """
    if images.ndim != 3 or matrix.shape not in ((2, 2), (len(images), 2, 2)):
        raise ValueError(
            "expected images (n, h, w) and a matrix (2, 2) or (n, 2, 2), got "
            f"{images.shape} and {matrix.shape}"
        )
    n, h, w = images.shape
    middle = np.array([(h - 1) / 2, (w - 1) / 2])
    places = np.indices((h, w)).reshape(2, -1) - (middle + shift)[:, None]  # (2, h·w)
    at = np.broadcast_to(matrix, (n, 2, 2)) @ places + middle[:, None]  # (n, 2, h·w)
    whole = np.floor(at).astype(np.int64)
    y, x = np.moveaxis(at - whole, 1, 0)  # shares of the next row and column
    top, left = np.moveaxis(whole, 1, 0)
    padded = np.pad(images.astype(np.float64), ((0, 0), (1, 2), (1, 2)))  # black all around
    rows = np.arange(n)[:, None]

    def read(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return padded[rows, np.clip(i + 1, 0, h + 1), np.clip(j + 1, 0, w + 1)]

    above = read(top, left) * (1 - x) + read(top, left + 1) * x
    below = read(top + 1, left) * (1 - x) + read(top + 1, left + 1) * x
    return (above * (1 - y) + below * y).reshape(n, h, w)
