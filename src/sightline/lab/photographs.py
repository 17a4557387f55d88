"""The photographs that topics are shown on: a file of the reader's, or one of scikit-learn's."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.types import Image

Sample = Literal["china", "flower"]


def photograph(file: Path | None, sample: Sample, longest: int = 640) -> Image:
    """(h, w, 3) uint8 RGB, shrunk where its longer side is over `longest` pixels.

    sample  where there is no file: scikit-learn's "china" (a temple) or "flower", both 427x640
    Raises DataError where the file is no picture.
    """
    if file is None:
        from sklearn.datasets import load_sample_image

        image = load_sample_image(f"{sample}.jpg")
    else:
        image = images.to_channels(images.read(file), 3)
    factor = longest / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return images.resize(image, (height, width))


def gray(image: Image) -> Image:
    """(h, w, 3) to (h, w): 0.299 red + 0.587 green + 0.114 blue."""
    return images.to_channels(image, 1)[..., 0]


def ratio(image: NDArray[np.generic]) -> float:
    """Height over width, kept to 0.3 to 1.4: panels of a very tall image would fill many pages."""
    return min(max(image.shape[0] / image.shape[1], 0.3), 1.4)
