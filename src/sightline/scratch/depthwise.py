"""Depthwise and separable convolution (course 5.14; Howard et al. 2017, MobileNets).

    full       every filter sees every channel           f·c·k·k multiplications a place
    depthwise  one filter a channel                       c·k·k
    pointwise  1x1 filters mix the channels               f·c
    separable  depthwise, then pointwise                  c·k·k + f·c

What it shows: looking around and mixing channels need not be one step; apart they cost
1 / f + 1 / k^2 of the full convolution. All images are (n, channels, height, width).
"""

import numpy as np


def depthwise(
    images: np.ndarray, filters: np.ndarray, *, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Images (n, c, h, w), each channel by its own filter of (c, kh, kw): (n, c, oh, ow)."""
    if images.ndim != 4 or filters.ndim != 3 or images.shape[1] != len(filters):
        raise ValueError(
            "expected images (n, channels, h, w) and filters (channels, kh, kw), got "
            f"{images.shape} and {filters.shape}"
        )
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kernel = filters.shape[1:]
    if min(np.subtract(padded.shape[2:], kernel)) < 0:
        raise ValueError(f"filters: expected at most {padded.shape[2:]}, got {kernel}")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (n, c, oh, ow, kh, kw), no copy
    return np.einsum("nchwij,cij->nchw", windows, filters)


def depthwise_gradients(
    slope: np.ndarray,
    images: np.ndarray,
    filters: np.ndarray,
    *,
    stride: int = 1,
    padding: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes by images and by filters from the slope by the result (n, c, oh, ow)."""
    _, kh, kw = filters.shape
    h, w = images.shape[2:]
    oh, ow = slope.shape[2:]
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    by_images, by_filters = np.zeros_like(padded), np.zeros_like(filters)
    for i in range(kh):
        for j in range(kw):
            rows, columns = slice(i, i + stride * oh, stride), slice(j, j + stride * ow, stride)
            by_images[:, :, rows, columns] += slope * filters[:, i, j, None, None]
            by_filters[:, i, j] = np.einsum("nchw,nchw->c", slope, padded[:, :, rows, columns])
    return by_images[:, :, padding : padding + h, padding : padding + w], by_filters


def pointwise(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A 1x1 convolution: channels (n, c, h, w) mixed by weights (f, c) to (n, f, h, w)."""
    if images.ndim != 4 or weights.ndim != 2 or images.shape[1] != weights.shape[1]:
        raise ValueError(
            "expected images (n, channels, h, w) and weights (f, channels), got "
            f"{images.shape} and {weights.shape}"
        )
    return np.einsum("nchw,fc->nfhw", images, weights)


def separable(
    images: np.ndarray,
    filters: np.ndarray,
    weights: np.ndarray,
    *,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Depthwise with filters (c, kh, kw), then pointwise with weights (f, c): (n, f, oh, ow)."""
    return pointwise(depthwise(images, filters, stride=stride, padding=padding), weights)


def full_cost(places: int, kernel: int, channels: int, filters: int) -> int:
    """Multiplications of a convolution with `places` results (rows times columns) a filter."""
    return places * kernel**2 * channels * filters


def separable_cost(places: int, kernel: int, channels: int, filters: int) -> int:
    """Multiplications of depthwise and pointwise together."""
    return places * channels * (kernel**2 + filters)
