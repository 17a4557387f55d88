"""Convolution by explicit loops (starter book, chapter 11; course 5.1 to 5.5).

    cross-correlation  S(i, j) = sum_m sum_n I(i + m, j + n) K(m, n)    formula 11.2
    convolution        S(i, j) = sum_m sum_n I(i - m, j - n) K(m, n)    formula 11.1

What it shows: a kernel slides over the image from left to right and top to bottom; at each place
the two are multiplied number by number and added. Convolution is cross-correlation with the kernel
turned by half a circle; networks use the second and call it the first, and learn either as well.
(The book prints K(i + m, j + n) I(m, n) for 11.2, the indices of the two exchanged.)

    size of the output = (W - F + 2 P) / S + 1,   the same for the height

These loops are to be read; `sightline.scratch.im2col` computes the same by one matrix product.
"""

import numpy as np

# our names (the books': zero, replicate, wrap-around) and NumPy's
MODES = {"zero": "constant", "replicate": "edge", "wrap": "wrap", "reflect": "reflect"}


def places(size: int, kernel: int, stride: int = 1, padding: int = 0) -> float:
    """(W - F + 2 P) / S + 1 as it comes out: 54.25 says that a configuration does not fit."""
    return (size - kernel + 2 * padding) / stride + 1


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, *, exact: bool = False
) -> int:
    """Places of a kernel along a side: the floor of `places` (course 5.2).

    `exact` is the book's rule: ValueError where it is no whole number. ValueError also where the
    kernel is larger than the padded side, or stride or kernel is below 1.
    """
    if kernel < 1 or stride < 1 or padding < 0:
        raise ValueError(
            f"expected kernel and stride from 1, padding from 0; got {kernel}, {stride}, {padding}"
        )
    if kernel > size + 2 * padding:
        raise ValueError(
            f"kernel: expected at most {size + 2 * padding}, the padded side, got {kernel}"
        )
    found = places(size, kernel, stride, padding)
    if exact and found != int(found):
        raise ValueError(f"expected a whole number of places, got {found:g}")
    return int(found)


def same_padding(kernel: int) -> int:
    """(F - 1) / 2, which keeps the size at stride 1; ValueError for an even kernel (no center)."""
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"kernel: expected an odd side, got {kernel}")
    return (kernel - 1) // 2


def padding_of(kernel: tuple[int, ...], padding: str | int) -> tuple[int, ...]:
    """Pixels to add at each end of each side: for "valid", "same", or a number for all."""
    if padding == "same":
        return tuple(same_padding(side) for side in kernel)
    if padding == "valid":
        return (0,) * len(kernel)
    if isinstance(padding, str) or padding < 0:
        raise ValueError(f"padding: expected 'valid', 'same' or pixels from 0, got {padding!r}")
    return (padding,) * len(kernel)


def pad(image: np.ndarray, margins: tuple[int, ...], mode: str = "zero") -> np.ndarray:
    """The image with `margins[i]` more pixels at both ends of its i-th side.

    zero: black. replicate: the border again. wrap: the other end. reflect: mirrored, the border
    itself not repeated (OpenCV's reflect-101), which needs fewer pixels than the side has.
    """
    if mode not in MODES:
        raise ValueError(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")
    if image.ndim != len(margins):
        raise ValueError(f"image: expected {len(margins)} dimensions, got shape {image.shape}")
    for side, margin in zip(image.shape, margins, strict=True):
        if mode == "reflect" and margin >= side:
            raise ValueError(f"reflect: expected a margin below {side}, the side, got {margin}")
    widths = [(margin, margin) for margin in margins]
    return np.pad(image, widths, mode=MODES[mode])  # type: ignore[call-overload]


def check_pair(image: np.ndarray, kernel: np.ndarray) -> None:
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(
            f"expected an image (h, w) and a kernel (h, w), got {image.shape} and {kernel.shape}"
        )


def correlate(
    image: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: int = 1,
    padding: str | int = "valid",
    mode: str = "zero",
) -> np.ndarray:
    """Cross-correlation of an image (h, w) with a kernel (kh, kw), float64 (rows, columns)."""
    check_pair(image, kernel)
    high, wide = kernel.shape
    padded = pad(image.astype(np.float64), padding_of(kernel.shape, padding), mode)
    rows = output_size(padded.shape[0], high, stride)
    columns = output_size(padded.shape[1], wide, stride)
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            window = padded[top : top + high, left : left + wide]  # (kh, kw)
            found[i, j] = (window * kernel).sum()
    return found


def convolve(
    image: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: int = 1,
    padding: str | int = "valid",
    mode: str = "zero",
) -> np.ndarray:
    """Convolution: cross-correlation with the kernel turned by half a circle."""
    check_pair(image, kernel)
    return correlate(image, kernel[::-1, ::-1], stride=stride, padding=padding, mode=mode)


def filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The book's `convolve`: a gray image (h, w) of bytes filtered to bytes of the same size.

    Borders are replicated; values below 0 and above 255 are clipped, fractions cut off. (The
    book pads both ways by the kernel's width; here each side has its own.)
    """
    found = correlate(image, kernel, padding="same", mode="replicate")
    return np.clip(found, 0, 255).astype(np.uint8)


def parameters(kernel: int, channels: int, filters: int) -> int:
    """Weights and biases of a layer, (f f c + 1) filters (course 5.5)."""
    return (kernel * kernel * channels + 1) * filters
