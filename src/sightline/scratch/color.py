"""Color as a descriptor: statistics and histograms (starter book, chapters 2 and 4, table 4.1).

    statistics   mean and standard deviation of each channel: six numbers of an RGB image
    histogram    share of the pixels in each of bins^3 boxes of the color cube

What it shows: a few numbers that stay the same wherever things are in the image. They tell a
forest from a beach and hardly a cat from a dog: that is the semantic gap.

A channel of bytes 0 to 255 with mean m deviates by at most sqrt(m (255 - m)), where every pixel is
black or full: `most_deviation`. (Of the 18 deviations in the book's table 4.1, 8 are larger.)
"""

import numpy as np


def check_color(image: np.ndarray) -> None:
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"image: expected shape (h, w, channels), got {image.shape}")


def statistics(image: np.ndarray) -> np.ndarray:
    """Means, then deviations of the channels of an image (h, w, c): (2 c,), float64."""
    check_color(image)
    pixels = image.reshape(-1, image.shape[2]).astype(np.float64)
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)])


def most_deviation(mean: float, top: float = 255.0) -> float:
    """The largest standard deviation that values of 0 to `top` with this mean can have."""
    if not 0 <= mean <= top:
        raise ValueError(f"mean: expected 0 to {top:g}, got {mean:g}")
    return float(np.sqrt(mean * (top - mean)))


def histogram(image: np.ndarray, bins: int = 8, top: int = 255) -> np.ndarray:
    """Shares of the pixels of an image (h, w, c) a box of colors: (bins^c,), adding up to 1.

    Values of 0 to `top` (whole numbers) fall in bins of equal width; the last channel varies
    quickest. ValueError for values outside.
    """
    check_color(image)
    if bins < 1:
        raise ValueError(f"bins: expected 1 or more, got {bins}")
    if image.min() < 0 or image.max() > top:
        raise ValueError(
            f"image: expected values of 0 to {top}, got {image.min()} to {image.max()}"
        )
    channels = image.shape[2]
    places = image.reshape(-1, channels).astype(np.int64) * bins // (top + 1)  # (n, c)
    boxes = places @ bins ** np.arange(channels - 1, -1, -1)
    return np.bincount(boxes, minlength=bins**channels) / len(boxes)
