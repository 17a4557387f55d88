"""The image pyramid: one image at falling sizes, so that a window of one size fits every object."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.errors import DataError
from sightline.types import Image, Size

LARGEST = 8192  # pixels of a level's side


@dataclass(frozen=True, eq=False)
class Level:
    """One image of a pyramid.

    pixels  (h, w, c)
    scale   (down, across): pixels of this level to one of the original
    """

    pixels: Image
    scale: tuple[float, float]

    def original(self, boxes: NDArray) -> NDArray[np.float32]:
        """Boxes (n, 4) of this level as x0, y0, x1, y1 in the original's pixels."""
        down, across = self.scale
        return (boxes / np.array([across, down, across, down])).astype(np.float32)


def pyramid(
    image: Image,
    window: Size,
    step: float = 1.25,
    smallest: float | None = None,
    largest: float | None = None,
) -> Iterator[Level]:
    """The image (h, w, c) at every size at which a window may hold an object, the largest first.

    step      how much smaller each level is than the one before, above 1
    smallest  shorter side, in the original's pixels, of the smallest window; by default the
              window's own: the image is not enlarged
    largest   that of the largest; by default as long as a window fits

    An image that the window does not fit into is enlarged until it does. Raises DataError.
    """
    side = min(window)
    smallest = side if smallest is None else smallest
    if not 1 < step <= 4:
        raise DataError(f"pyramid step {step:g}: expected above 1, to 4")
    if not 1 <= smallest <= LARGEST or (largest is not None and largest < smallest):
        raise DataError(
            f"objects of {smallest:g} to {largest or LARGEST:g} pixels: expected from 1, the "
            "smallest first"
        )
    size = image.shape[0], image.shape[1]
    fits = max(window[0] / size[0], window[1] / size[1])  # the least scale that holds a window
    scale = max(side / smallest, fits)
    if scale * max(size) > LARGEST:
        raise DataError(
            f"an image of {size[1]}x{size[0]} would be enlarged {scale:.3g} times, to over "
            f"{LARGEST} pixels; ask for larger objects: --smallest"
        )
    while scale >= fits * (1 - 1e-9):
        height, width = (max(w, round(s * scale)) for s, w in zip(size, window, strict=True))
        pixels = images.resize(image, (height, width))
        yield Level(pixels, (height / size[0], width / size[1]))
        scale /= step
        if largest is not None and side / scale > largest * (1 + 1e-9):
            return
