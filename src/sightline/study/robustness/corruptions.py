"""Pictures spoiled at five strengths: noise, blur, brightness, contrast, JPEG.

After Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions";
their strengths are for 224x224, these go with any size: blur is a share of the shorter side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from sightline import chance, images
from sightline.types import Image

STRENGTHS = 5
Chance = np.random.Generator
Spoil = Callable[[Image, float, Chance], Image]


@dataclass(frozen=True)
class Corruption:
    """levels  of strengths 1 to 5, in the `unit` that is said of them
    spoil   an image (h, w, 1 or 3) of 0 to 255 at a level
    """

    levels: tuple[float, float, float, float, float]
    unit: str
    spoil: Spoil


def _noise(image: Image, level: float, chance_: Chance) -> Image:
    return _bytes(image + level * chance_.standard_normal(image.shape, np.float32))


def _blur(image: Image, level: float, chance_: Chance) -> Image:  # noqa: ARG001
    deviation = level / 100 * min(image.shape[:2])
    out = cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_REFLECT_101)
    return images.with_channels(out)


def _brightness(image: Image, level: float, chance_: Chance) -> Image:  # noqa: ARG001
    return _bytes(image.astype(np.float32) + level)


def _contrast(image: Image, level: float, chance_: Chance) -> Image:  # noqa: ARG001
    mean = image.mean((0, 1), keepdims=True, dtype=np.float32)
    return _bytes((image - mean) * level + mean)


def _jpeg(image: Image, level: float, chance_: Chance) -> Image:  # noqa: ARG001
    decoded = images.decode(images.encode(image, ".jpg", round(level)), "jpeg")
    return images.to_channels(decoded, image.shape[2])


def _bytes(values: np.ndarray) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS = {
    "noise": Corruption((8, 16, 32, 48, 64), "grey levels of deviation", _noise),
    "blur": Corruption((1, 2, 3, 4.5, 6), "% of the shorter side, deviation of a Gaussian", _blur),
    "brightness": Corruption((25, 50, 75, 100, 125), "grey levels lighter", _brightness),
    "contrast": Corruption((0.75, 0.5, 0.35, 0.2, 0.1), "of the contrast is left", _contrast),
    "jpeg": Corruption((50, 25, 15, 10, 5), "quality", _jpeg),
}


def corrupted(
    image: Image, name: str, strength: int, seed: int, index: int, top: int = 255
) -> Image:
    """The image at a strength of 1 to 5; its chance is a function of (seed, index), so that
    strengths differ by their level alone.

    image  (h, w, 1 or 3) uint8; `top` is the value that is white, and counts as grey level 255
    """
    kind = CORRUPTIONS[name]
    whole = image if top == 255 else _bytes(image * np.float32(255 / top))
    key = int(chance.bits(seed, 0, index, name))
    spoiled = kind.spoil(whole, kind.levels[strength - 1], _generator(key))
    if top == 255:
        return spoiled
    return np.rint(spoiled * np.float32(top / 255)).astype(np.uint8)


def _generator(key: int) -> Chance:
    return np.random.Generator(np.random.Philox(key=key))
