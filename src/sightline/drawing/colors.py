"""Colors that tell classes apart, the same for a class in every picture, plot and page."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]
COLORS = 64  # that are told apart; then they come round again


@cache
def _colors() -> NDArray[np.uint8]:
    """(64, 3): each the color farthest, in OKLab (Ottosson 2020), from all before it.

    From those that are neither too dark nor too pale nor too grey to be seen as a line.
    """
    levels = np.linspace(0, 255, 16)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lab = _oklab(rgb)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    useful = (lab[:, 0] > 0.58) & (lab[:, 0] < 0.9) & (chroma > 0.11) & (chroma < 0.25)
    rgb, lab = rgb[useful], lab[useful] * [0.7, 1, 1]  # hue counts for more than lightness
    chosen = [int(((rgb - (255, 119, 17)) ** 2).sum(1).argmin())]  # orange, rare in photographs
    near = np.full(len(rgb), np.inf)
    while len(chosen) < COLORS:
        near = np.minimum(near, ((lab - lab[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(near.argmax()))
    return rgb[chosen].astype(np.uint8)


def _linear(rgb: NDArray) -> NDArray[np.float64]:
    """sRGB in [0, 255] to light in [0, 1]."""
    unit = rgb / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB (n, 3) in [0, 255] to lightness and two axes of color."""
    linear = _linear(rgb)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(linear @ np.array(to_lms).T) @ np.array(to_lab).T


def color(index: int) -> RGB:
    """The color of a class (or of a landmark, or of one instance among many)."""
    red, green, blue = _colors()[index % COLORS].tolist()
    return red, green, blue


def ink_on(ground: RGB) -> RGB:
    """Black or white, whichever contrasts more (WCAG 2.2, relative luminance): 4.5 to 1 or more."""
    light = float(_linear(np.array(ground)) @ (0.2126, 0.7152, 0.0722))
    return (0, 0, 0) if light > 0.179 else (255, 255, 255)
