"""Convolution in one and in three dimensions (course, section 8).

    a signal of 14 by a filter of 5 -> 10;   14x14x14 by 5x5x5 -> 10x10x10

What it shows: nothing in a convolution is about images. A filter slides along every axis that the
data have: over time for a heart's signal, over depth as well for a scan of slices or a film. One
function does for any number of axes, since a window is a window.
"""

import numpy as np


def correlate(
    data: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Data (n, c, *sides) by filters (f, c, *kernel) and bias (f,): (n, f, *places), not flipped.

    Stride and zero padding hold for every axis. ValueError for channels or axes that differ.
    """
    axes = data.ndim - 2
    if axes < 1 or filters.ndim != data.ndim or data.shape[1] != filters.shape[1]:
        raise ValueError(
            "expected data (n, channels, *sides) and filters (f, channels, *kernel), got "
            f"{data.shape} and {filters.shape}"
        )
    padded = np.pad(data, [(0, 0), (0, 0)] + [(padding, padding)] * axes)
    kernel, sides = filters.shape[2:], padded.shape[2:]
    if any(side < f for side, f in zip(sides, kernel, strict=True)):
        raise ValueError(f"filters: expected at most {sides}, the padded sides, got {kernel}")
    along = tuple(range(2, 2 + axes))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=along)
    windows = windows[(slice(None), slice(None)) + (slice(None, None, stride),) * axes]
    seen = tuple(range(2 + axes, 2 + 2 * axes))  # windows: (n, c, *places, *kernel)
    found = np.tensordot(windows, filters, ((1, *seen), (1, *along)))  # (n, *places, f)
    if bias is not None:
        found = found + bias
    return np.moveaxis(found, -1, 1)
