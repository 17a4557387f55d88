"""The canvas: how any image becomes uint8 of known size and channels, and how answers get back.

Coordinates are continuous (a pixel is a unit square), so placing is one affine map an image:
canvas = matrix @ (x, y, 1). `restore` applies its inverse. Deterministic: no chance in here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.errors import DataError
from sightline.instances import of_mask
from sightline.types import Annotation, Image, Size

Mode = Literal["stretch", "contain", "cover", "center", "native", "tile"]
ONE_SIZE = ("stretch", "contain", "cover", "center")  # rules of one canvas of `size` an image


@dataclass(frozen=True, eq=False)
class Placed:
    """One canvas of an image.

    pixels  (h, w, c) uint8
    matrix  (2, 3) float64: original pixels to canvas pixels
    size    of the original
    """

    pixels: Image
    matrix: NDArray[np.float64]
    size: Size


def size_of(text: str) -> Size:
    """(height, width) from WIDTHxHEIGHT as a user writes it: 640x480."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if not found:
        raise DataError(f"canvas {text}: expected WIDTHxHEIGHT, as in 224x224")
    return int(found[2]), int(found[1])


@dataclass(frozen=True)
class Canvas:
    """The rule by which images are laid on a canvas.

    stretch  resized to `size`, whatever that does to the ratio
    contain  resized to fit inside, centred, the rest filled
    cover    resized to fill, centred, what hangs over is cut
    center   kept as it is: what hangs over `size` is cut evenly, what is missing filled evenly
    native   kept as it is, padded right and below to a multiple of `multiple` (size is not used)
    tile     kept as it is, cut into tiles of `size` that overlap by at least `overlap` pixels
    """

    size: Size = (224, 224)
    mode: Mode = "stretch"
    channels: Literal[1, 3] = 3
    fill: int = 0
    multiple: int = 32
    overlap: int = 0

    def __post_init__(self) -> None:
        height, width = self.size
        if not (1 <= height <= 4096 and 1 <= width <= 4096):
            raise DataError(f"canvas size {self.size}: each side must be 1 to 4096")
        if self.channels not in (1, 3):
            raise DataError(f"canvas channels {self.channels}: must be 1 or 3")
        if not 0 <= self.fill <= 255:
            raise DataError(f"canvas fill {self.fill}: must be 0 to 255")
        if self.multiple < 1:
            raise DataError(f"canvas multiple {self.multiple}: must be at least 1")
        if not 0 <= self.overlap < min(self.size):
            raise DataError(f"canvas overlap {self.overlap}: must be 0 to {min(self.size) - 1}")

    def place(self, image: Image, size: Size | None = None) -> list[Placed]:
        """Lay one image (h, w, 1 or 3) on one canvas, or on several where the rule is `tile`.

        size  of the original, where `image` is it decoded at a half, a quarter or an eighth
        """
        image = images.to_channels(image, self.channels)
        size = (image.shape[0], image.shape[1]) if size is None else size
        if self.mode in ONE_SIZE:
            return [Placed(self._fitted(image, size), self.matrix(size), size)]
        if self.mode == "native":
            padded = _up(size[0], self.multiple), _up(size[1], self.multiple)
            return [Placed(self._laid(image, padded, (0, 0)), np.eye(2, 3), size)]
        return self._tiles(image, size)

    def matrix(self, size: Size) -> NDArray[np.float64]:
        """(2, 3): where a rule of one canvas an image puts the pixels of one of this size."""
        assert self.mode in ONE_SIZE, f"{self.mode} has no one matrix"
        scaled, (top, left) = self._scaled(size)
        return np.array(
            [[scaled[1] / size[1], 0.0, left], [0.0, scaled[0] / size[0], top]], np.float64
        )

    def _scaled(self, size: Size) -> tuple[Size, tuple[int, int]]:
        """The size an image is resized to, and where its corner then lies: top, left."""
        if self.mode == "stretch":
            return self.size, (0, 0)
        height, width = size
        if self.mode in ("contain", "cover"):
            ratios = self.size[0] / size[0], self.size[1] / size[1]
            factor, limit = (min(ratios), min) if self.mode == "contain" else (max(ratios), max)
            height, width = (
                limit(max(1, round(side * factor)), whole)
                for side, whole in zip(size, self.size, strict=True)
            )
        spare = self.size[0] - height, self.size[1] - width
        top, left = (s // 2 if s >= 0 else -(-s // 2) for s in spare)
        return (height, width), (top, left)

    def _fitted(self, image: Image, size: Size) -> Image:
        scaled, (top, left) = self._scaled(size)
        pixels = images.resize(image, scaled)
        over, beside = max(0, -top), max(0, -left)
        cut = pixels[over : over + self.size[0], beside : beside + self.size[1]]
        return self._laid(np.ascontiguousarray(cut), self.size, (max(0, top), max(0, left)))

    def _tiles(self, image: Image, size: Size) -> list[Placed]:
        placed = []
        for top in _starts(size[0], self.size[0], self.overlap):
            for left in _starts(size[1], self.size[1], self.overlap):
                cut = image[top : top + self.size[0], left : left + self.size[1]]
                matrix = np.array([[1.0, 0, -left], [0, 1, -top]])
                placed.append(Placed(self._laid(cut, self.size, (0, 0)), matrix, size))
        return placed

    def _laid(self, image: Image, size: Size, corner: tuple[int, int]) -> Image:
        (height, width), (top, left) = image.shape[:2], corner
        if (height, width) == size:
            return image
        canvas = np.full((*size, self.channels), self.fill, np.uint8)
        canvas[top : top + height, left : left + width] = image
        return canvas

    def needed(self, size: Size) -> Size:
        """How large an image of this size must be decoded for the canvas to lose nothing."""
        return self._scaled(size)[0] if self.mode in ONE_SIZE else size

    def located(self, annotations: Sequence[Annotation], sizes: Sequence[Size]) -> list[Annotation]:
        """The annotations of images of these sizes, of one canvas each, in their own pixels."""
        blank = np.empty((0, 0, self.channels), np.uint8)
        placed = [Placed(blank, self.matrix(size), size) for size in sizes]
        return self.restore(annotations, placed)

    def restore(
        self, annotations: Sequence[Annotation], placed: Sequence[Placed], scale: float = 1.0
    ) -> list[Annotation]:
        """The annotations in the original's pixels; `scale` is answer pixels a canvas pixel.

        One annotation a canvas. Boxes are clipped to the original; what has no place in it (labels,
        values, scores, embeddings) passes.
        """
        return [_restored(a, p, scale) for a, p in zip(annotations, placed, strict=True)]


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Tile starts that cover `length` evenly, the last one flush with the end."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def move_points(points: NDArray, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 2) through a (2, 3) matrix, in float64."""
    return points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) matrix that undoes a (2, 3) matrix."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def _restored(annotation: Annotation, placed: Placed, scale: float) -> Annotation:
    back = inverse(placed.matrix)
    back = np.concatenate([back[:, :2] / scale, back[:, 2:]], axis=1)
    height, width = placed.size
    restored: dict[str, Any] = {}
    if annotation.boxes is not None:
        corners = move_points(annotation.boxes.reshape(-1, 2), back)
        limits = np.array([width, height], np.float64)
        restored["boxes"] = np.clip(corners, 0, limits).reshape(-1, 4).astype(np.float32)
    if annotation.landmarks is not None:
        restored["landmarks"] = move_points(annotation.landmarks, back).astype(np.float32)
    if annotation.instances is not None:
        masks = [instance.mask().astype(np.uint8) for instance in annotation.instances]
        moved = [_warped_back(m, back, placed.size, cv2.INTER_NEAREST, outside=0) for m in masks]
        restored["instances"] = tuple(of_mask(mask) for mask in moved)
    for name, how in (("mask", cv2.INTER_NEAREST), ("image", cv2.INTER_LINEAR)):
        pixels = getattr(annotation, name)
        if pixels is not None:
            restored[name] = _warped_back(pixels, back, placed.size, how)
    return replace(annotation, **restored) if restored else annotation


def _warped_back(
    pixels: NDArray, back: NDArray[np.float64], size: Size, how: int, outside: int | None = None
) -> NDArray:
    """Resample through `back`; centers of pixels lie at .5, OpenCV counts them from 0.

    Beyond the canvas the edge is repeated, or it is `outside`.
    """
    shift = back[:, :2] @ np.array([0.5, 0.5]) + back[:, 2] - 0.5
    matrix = np.concatenate([back[:, :2], shift[:, None]], axis=1)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    out = cv2.warpAffine(
        pixels, matrix, size[::-1], flags=how, borderMode=border, borderValue=outside or 0
    )
    return out[:, :, None] if pixels.ndim == 3 and out.ndim == 2 else out
