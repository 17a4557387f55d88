"""Transpose convolution (course 6.11 to 6.13; Dumoulin and Visin 2016, chapter 4).

    size of the output = (size - 1) · stride + kernel - 2 · padding

What it shows: how a decoder makes images larger. Every number of the input places the whole filter
on the output, times itself, `stride` pixels on from its neighbor; where filters overlap they add
up; the padding is then cut off the border. As a matrix it is the transpose of convolution with the
same filter: it is what convolution does to slopes on their way back. Where the kernel's side is
not divisible by the stride, pixels are covered unequally often: a checkerboard.
"""

import numpy as np


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Pixels of a side of the output; ValueError where the padding leaves none."""
    found = (size - 1) * stride + kernel - 2 * padding
    if min(size, kernel, stride, found) < 1 or padding < 0:
        raise ValueError(
            "expected size, kernel and stride from 1, padding from 0, and output left; got "
            f"{size}, {kernel}, {stride}, {padding}, which leave {found}"
        )
    return found


def transpose_convolution(
    images: np.ndarray, filters: np.ndarray, *, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Images (n, c, h, w) by filters (c, f, kh, kw): (n, f, rows, columns), as torch orders them.

    ValueError where the channels differ.
    """
    if images.ndim != 4 or filters.ndim != 4 or images.shape[1] != filters.shape[0]:
        raise ValueError(
            "expected images (n, channels, h, w) and filters (channels, f, kh, kw), got "
            f"{images.shape} and {filters.shape}"
        )
    n, _, h, w = images.shape
    _, f, kh, kw = filters.shape
    rows, columns = output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    whole = np.zeros((n, f, rows + 2 * padding, columns + 2 * padding))
    for i in range(h):
        for j in range(w):
            placed = np.tensordot(images[:, :, i, j], filters, 1)  # (n, f, kh, kw)
            top, left = i * stride, j * stride
            whole[:, :, top : top + kh, left : left + kw] += placed
    return whole[:, :, padding : padding + rows, padding : padding + columns]


def coverage(size: int, kernel: int, stride: int) -> np.ndarray:
    """How many inputs reach each pixel along a side: uneven counts are the checkerboard."""
    found = np.zeros(output_size(size, kernel, stride), dtype=np.int64)
    for i in range(size):
        found[i * stride : i * stride + kernel] += 1
    return found
