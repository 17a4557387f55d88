"""Convolution as one matrix product, with its gradients (starter book, chapter 11; course 5.2).

    columns = every window of the image, laid out as a column     (n, c·kh·kw, oh·ow)
    Y = W columns + b             W: filters, flattened           (filters, c·kh·kw)
    dW = sum over images of dY columns^T,  db = sum of dY,  dX = W^T dY, each number added back
    to the pixel that it came from

What it shows: the same products as the loops of `sightline.scratch.convolution`, but a matrix
product does them in the order that the processor likes; the price is a copy of every pixel for
every window that sees it (nine copies for 3x3). All shapes are (images, channels, height, width).
"""

import numpy as np

Pair = tuple[int, int]


def check_filters(images: np.ndarray, filters: np.ndarray) -> None:
    if images.ndim != 4 or filters.ndim != 4 or images.shape[1] != filters.shape[1]:
        raise ValueError(
            "expected images (n, channels, h, w) and filters (f, channels, kh, kw), got "
            f"{images.shape} and {filters.shape}"
        )


def output_shape(shape: Pair, kernel: Pair, stride: int, padding: Pair) -> Pair:
    """Rows and columns of the result, (h - kh + 2 p) // stride + 1; ValueError if none fits."""
    rows, columns = (
        (side - f + 2 * p) // stride + 1 for side, f, p in zip(shape, kernel, padding, strict=True)
    )
    if rows < 1 or columns < 1:
        raise ValueError(
            f"kernel: expected at most the padded image, {shape} and {padding} at "
            f"each end, got {kernel}"
        )
    return rows, columns


def im2col(images: np.ndarray, kernel: Pair, stride: int = 1, padding: Pair = (0, 0)) -> np.ndarray:
    """Windows of images (n, c, h, w) as columns (n, c·kh·kw, oh·ow); zeros around the image."""
    n, c, h, w = images.shape
    (kh, kw), (ph, pw) = kernel, padding
    oh, ow = output_shape((h, w), kernel, stride, padding)
    if ph or pw:
        images = np.pad(images, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = np.empty((n, c, kh, kw, oh, ow), dtype=images.dtype)
    for i in range(kh):  # one number of the kernel meets one shifted image
        for j in range(kw):
            columns[:, :, i, j] = images[
                :, :, i : i + stride * oh : stride, j : j + stride * ow : stride
            ]
    return columns.reshape(n, c * kh * kw, oh * ow)


def col2im(
    columns: np.ndarray, shape: tuple[int, ...], kernel: Pair, stride: int, padding: Pair
) -> np.ndarray:
    """Columns (n, c·kh·kw, oh·ow) added back to images (n, c, h, w): im2col's transpose."""
    n, c, h, w = shape
    (kh, kw), (ph, pw) = kernel, padding
    oh, ow = output_shape((h, w), kernel, stride, padding)
    columns = columns.reshape(n, c, kh, kw, oh, ow)
    images = np.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=columns.dtype)
    for i in range(kh):
        for j in range(kw):
            images[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride] += columns[
                :, :, i, j
            ]
    return images[:, :, ph : ph + h, pw : pw + w]


def cached(numbers: int) -> int:
    """Images to lower at a time, given the numbers of one's columns: few, to stay in the cache."""
    return max(1, 2**18 // max(1, numbers))


def correlate(
    images: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int = 1,
    padding: Pair = (0, 0),
) -> np.ndarray:
    """Images (n, c, h, w) by filters (f, c, kh, kw), bias (f,): (n, f, oh, ow), not flipped."""
    check_filters(images, filters)
    f, _, kh, kw = filters.shape
    oh, ow = output_shape(images.shape[2:], (kh, kw), stride, padding)
    weights = filters.reshape(f, -1)
    found = np.empty((len(images), f, oh * ow), dtype=np.result_type(images, filters))
    step = cached(weights.shape[1] * oh * ow)
    for start in range(0, len(images), step):
        columns = im2col(images[start : start + step], (kh, kw), stride, padding)
        np.matmul(weights, columns, out=found[start : start + step])
    if bias is not None:
        found += bias[:, None]
    return found.reshape(len(images), f, oh, ow)


def gradients(
    slope: np.ndarray,
    images: np.ndarray,
    filters: np.ndarray,
    *,
    stride: int = 1,
    padding: Pair = (0, 0),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes of a loss by images, filters and bias from its slope by the result (n, f, oh, ow)."""
    check_filters(images, filters)
    f, _, kh, kw = filters.shape
    flat = slope.reshape(len(images), f, -1)  # (n, f, oh·ow)
    weights = filters.reshape(f, -1)
    by_images, by_weights = np.empty_like(images), np.zeros_like(weights)
    step = cached(weights.shape[1] * flat.shape[2])
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        columns = im2col(images[part], (kh, kw), stride, padding)
        by_weights += np.matmul(flat[part], columns.transpose(0, 2, 1)).sum(axis=0)
        by_columns = np.matmul(weights.T, flat[part], out=columns)  # (n, c·kh·kw, oh·ow)
        by_images[part] = col2im(by_columns, images[part].shape, (kh, kw), stride, padding)
    return by_images, by_weights.reshape(filters.shape), flat.sum(axis=(0, 2))
