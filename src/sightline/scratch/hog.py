"""Histograms of oriented gradients (Dalal and Triggs 2005; starter book, chapter 2).

    gradient     gy, gx = next pixel - one before, 0 at the border; of the longest of the channels
    cell         votes by length into `orientations` bins of 0 to 180 degrees, a mean a pixel
    block        cells side by side, v / sqrt(|v|^2 + e^2), cut at 0.2, and once more to length 1

What it shows: shape as the directions of edges in each place, whatever their brightness: for ten
years the best thing to put before a linear classifier. Cells forgive small shifts as pooling does;
blocks forgive light. A vote goes to one bin and one cell, as in scikit-image; Dalal and Triggs
share it out among neighbors.
"""

import numpy as np

EPSILON = 1e-5
CUT = 0.2  # of one number in a block of length 1


def gradients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length and direction, 0 to 180 degrees, of the gradient of (h, w) or (h, w, c): both (h, w).

    Down is positive in y, so that a direction of 90 is an edge between above and below.
    """
    if image.ndim not in (2, 3) or min(image.shape[:2]) < 3:
        raise ValueError(f"image: expected (h, w) or (h, w, channels) from 3x3, got {image.shape}")
    planes = np.atleast_3d(image).astype(np.float64)
    down, right = np.zeros_like(planes), np.zeros_like(planes)
    down[1:-1] = planes[2:] - planes[:-2]
    right[:, 1:-1] = planes[:, 2:] - planes[:, :-2]
    lengths = np.hypot(down, right)
    strongest = lengths.argmax(axis=2)[..., None]  # (h, w, 1): the channel
    length, dy, dx = (
        np.take_along_axis(values, strongest, 2)[..., 0] for values in (lengths, down, right)
    )
    return length, np.rad2deg(np.arctan2(dy, dx)) % 180


def cells(image: np.ndarray, orientations: int = 9, cell: int = 8) -> np.ndarray:
    """Histograms of an image's cells of `cell` x `cell` pixels: (rows, columns, orientations).

    What is left over below and on the right is not seen. ValueError where no cell fits.
    """
    length, direction = gradients(image)
    if orientations < 1 or not 1 <= cell <= min(length.shape):
        raise ValueError(
            f"expected orientations from 1 and a cell of 1 to {min(length.shape)}, got "
            f"{orientations} and {cell}"
        )
    rows, columns = (side // cell for side in length.shape)
    kept = np.s_[: rows * cell, : columns * cell]
    bins = np.minimum((direction[kept] * orientations / 180).astype(np.int64), orientations - 1)
    i, j = (place // cell for place in np.indices(bins.shape))
    votes = np.bincount(
        ((i * columns + j) * orientations + bins).ravel(),
        weights=length[kept].ravel(),
        minlength=rows * columns * orientations,
    )
    return votes.reshape(rows, columns, orientations) / cell**2


def hog(image: np.ndarray, orientations: int = 9, cell: int = 8, block: int = 2) -> np.ndarray:
    """The descriptor of an image (h, w) or (h, w, c): its blocks of `block` x `block` cells, one
    after another, ((rows - block + 1) (columns - block + 1) block^2 orientations,) float64.
    """
    seen = cells(image, orientations, cell)
    if not 1 <= block <= min(seen.shape[:2]):
        raise ValueError(f"block: expected 1 to {min(seen.shape[:2])} cells, got {block}")
    windows = np.lib.stride_tricks.sliding_window_view(seen, (block, block), axis=(0, 1))
    blocks = np.moveaxis(windows, 2, -1).reshape(-1, block**2 * orientations)  # cell by cell
    return shortened(np.minimum(shortened(blocks), CUT)).ravel()


def shortened(blocks: np.ndarray) -> np.ndarray:
    """Rows over their lengths, sqrt(|v|^2 + e^2)."""
    return blocks / np.sqrt((blocks**2).sum(axis=1, keepdims=True) + EPSILON**2)
