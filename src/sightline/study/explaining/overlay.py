"""Maps drawn over the picture they explain: vermilion speaks for the class, blue against it."""

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.drawing.annotations import fitted_size, resized
from sightline.study.explaining.subject import Map
from sightline.types import Image

FOR, AGAINST = np.array([214.0, 69, 0]), np.array([0.0, 96, 190])  # told apart by the color-blind
SMALLEST = 224  # pixels, that a small picture's longer side is enlarged to
UNSEEN = 0.35  # of the light of what the model does not see is left


def heat(image: Image, values: Map, seen: NDArray[np.bool_], top: int = 255) -> Image:
    """The picture in pale grey below the map, in the picture's own pixels; a small picture is
    enlarged by a whole factor.

    image   (h, w, 1 or 3) uint8, of which `top` is white
    values  (h, w) in [-1, 1]: how much each pixel speaks for (above 0) or against the class
    seen    (h, w): what the model sees; the rest is dark
    """
    grey = images.to_channels(as_bytes(image, top), 1)[:, :, 0].astype(np.float32)
    pale = (grey * 0.7 + 76)[:, :, None] * np.where(seen, 1, UNSEEN)[:, :, None]
    return _mixed(pale, values, 0.85)


def sparks(image: Image, values: Map, seen: NDArray[np.bool_], top: int = 255) -> Image:
    """Single strong pixels on the darkened picture; as `heat`, values 0 or more."""
    grey = images.to_channels(as_bytes(image, top), 1)[:, :, 0].astype(np.float32)
    dark = (grey * 0.3)[:, :, None] * np.where(seen, 1, UNSEEN)[:, :, None]
    strength = np.clip(values, 0, 1)[:, :, None] ** 1.5
    lit = np.concatenate([np.minimum(2 * strength, 1), strength, strength**2], 2) * 255
    return _enlarged(np.clip(dark + lit, 0, 255).astype(np.uint8))


def _mixed(ground: NDArray[np.float32], values: Map, most: float) -> Image:
    share = np.clip(np.abs(values), 0, 1)[:, :, None] * most
    color = np.where(values[:, :, None] > 0, FOR, AGAINST)
    return _enlarged(np.rint(ground * (1 - share) + color * share).astype(np.uint8))


def _enlarged(image: Image) -> Image:
    if max(image.shape[:2]) * 2 > SMALLEST:
        return image
    return resized(image, fitted_size(image.shape[:2], (SMALLEST, SMALLEST)))


def as_bytes(image: Image, top: int) -> Image:
    """The image with white at 255."""
    if top == 255:
        return image
    return np.clip(np.rint(image * (255 / top)), 0, 255).astype(np.uint8)


def shown(image: Image, top: int) -> Image:
    """The picture itself as the overlays are: white at 255, enlarged where small, in color."""
    return _enlarged(images.to_channels(as_bytes(image, top), 3))


def scaled(values: Map, share: float = 1.0) -> Map:
    """The map divided by the value that this share of its pixels stays below, cut at -1 and 1."""
    size = np.abs(values[values != 0])
    high = float(np.quantile(size, share)) if size.size else 0.0
    return np.clip(values / high, -1, 1).astype(np.float32) if high > 0 else np.zeros_like(values)
