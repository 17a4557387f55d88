"""Max and average pooling with their gradients (starter book, chapter 11; course 5.7).

    max      the largest number of each window; the slope goes to the first place that held it
    average  the mean of each window; the slope is shared equally

What it shows: a layer without parameters that makes the image smaller and the answer less
sensitive to where things are. size = (W - F) / S + 1; 2x2 at stride 2 drops three quarters.
All shapes are (images, channels, height, width).
"""

import numpy as np


def windows(images: np.ndarray, side: int, stride: int) -> np.ndarray:
    """Windows of images (n, c, h, w): (side·side, n, c, oh, ow), one place of the window a row."""
    if images.ndim != 4:
        raise ValueError(f"images: expected shape (n, channels, h, w), got {images.shape}")
    h, w = images.shape[2:]
    if stride < 1 or not 1 <= side <= min(h, w):
        raise ValueError(
            f"expected a window of 1 to {min(h, w)} and a stride from 1, got {side} and {stride}"
        )
    oh, ow = (h - side) // stride + 1, (w - side) // stride + 1
    return np.stack(
        [
            images[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride]
            for i in range(side)
            for j in range(side)
        ]
    )


def max_pool(images: np.ndarray, side: int = 2, stride: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The maxima (n, c, oh, ow) and, for the gradient, the place of each in its window."""
    seen = windows(images, side, stride)
    return seen.max(axis=0), seen.argmax(axis=0)


def max_pool_gradient(
    slope: np.ndarray,
    chosen: np.ndarray,
    shape: tuple[int, ...],
    side: int = 2,
    stride: int = 2,
) -> np.ndarray:
    """Slope by the images (n, c, h, w) of `shape`; `chosen` is what `max_pool` gave with maxima."""
    found = np.zeros(shape, dtype=slope.dtype)
    oh, ow = slope.shape[2:]
    for place in range(side * side):
        i, j = divmod(place, side)
        found[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride] += np.where(
            chosen == place, slope, 0
        )
    return found


def average_pool(images: np.ndarray, side: int = 2, stride: int = 2) -> np.ndarray:
    """Means of windows, (n, c, oh, ow)."""
    return windows(images, side, stride).mean(axis=0)


def average_pool_gradient(
    slope: np.ndarray, shape: tuple[int, ...], side: int = 2, stride: int = 2
) -> np.ndarray:
    """Slope by the images (n, c, h, w) of `shape`."""
    found = np.zeros(shape, dtype=slope.dtype)
    oh, ow = slope.shape[2:]
    for i in range(side):
        for j in range(side):
            found[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride] += (
                slope / side**2
            )
    return found
