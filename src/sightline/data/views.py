"""Views: how a batch of canvases becomes the model's input.

Every geometric change multiplies into one matrix an image and costs one warp; every change of color
multiplies into one 3x4 matrix and costs one product. Mirrors alone take an indexing path and
stay exact. In training the maps are drawn by `chance`; at evaluation they are fixed.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline import chance
from sightline.errors import DataError
from sightline.types import Image, Size

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
TestViews = Literal["center", "mirror", "ten-crop"]


@dataclass(frozen=True, kw_only=True)
class Augment:
    """What may change in training; zero or False means never. Drawn anew for every image and epoch.

    flip        mirror left-right, in half of the draws
    flip_vertical  mirror top-bottom, in half of the draws
    shift       at most this share of the side, both ways
    rotate      at most this many degrees, both ways
    zoom        scale by 1 / (1 + zoom) to 1 + zoom, evenly in the logarithm
    stretch     the ratio of width to height, likewise
    shear       at most this slope, both ways
    brightness  factor 1 - b to 1 + b
    contrast    factor 1 - c to 1 + c, around middle grey
    saturation  factor 1 - s to 1 + s
    hue         turn of the color circle by at most this share of it
    erase       share of images that lose a rectangle (5 to 25 % of the area, filled with grey)
    mixup       share of batches blended with a permutation of themselves (Zhang et al. 2018)
    cutmix      share of batches with a rectangle pasted from a permutation (Yun et al. 2019)
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    flip: bool = False
    flip_vertical: bool = False
    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        limits = {"rotate": 180.0, "hue": 0.5, "zoom": 4.0, "stretch": 4.0, "shear": 2.0}
        for name, value in vars(self).items():
            high = limits.get(name, 1.0)
            if not 0 <= value <= high:
                raise DataError(f"augment.{name} = {value}: must be 0 to {high:g}")
        if self.mixup + self.cutmix > 1:
            raise DataError("augment.mixup and augment.cutmix are shares and may sum to 1 at most")

    @property
    def moves(self) -> bool:
        """Whether anything needs a warp (mirrors do not)."""
        return any((self.shift, self.rotate, self.zoom, self.stretch, self.shear))

    @property
    def colors(self) -> bool:
        return any((self.brightness, self.contrast, self.saturation, self.hue))


@dataclass(frozen=True, eq=False)
class Maps:
    """What was drawn for a batch.

    matrices  (n, 2, 3) float64: canvas pixels to input pixels
    colors    (n, 3, 4) float32: RGB in [0, 1] to RGB, or None
    exact     whether every matrix is a mirror or the identity
    erased    (n, 4) int64: top, left, bottom, right of what is greyed out; or None
    """

    matrices: NDArray[np.float64]
    colors: NDArray[np.float32] | None
    exact: bool
    erased: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class View:
    """The rule from canvases to inputs (n, c, h, w) in [0, 1].

    size  of the inputs; the canvas may be larger, the middle is seen at evaluation
    top   the pixel value that becomes 1
    test  how an image is seen at evaluation: its center; center and mirror image; or the four
          corners, the center and their mirror images. The raw outputs of views are averaged.
    """

    size: Size
    top: int = 255
    augment: Augment = Augment()
    test: TestViews = "center"

    def draw(self, canvas: Size, seed: int, epoch: int, indices: NDArray[np.int64]) -> Maps:
        """The maps of a training batch: a function of (seed, epoch, index) alone."""
        a = self.augment
        mirrors = _signs(a.flip, seed, epoch, indices, "flip")
        upside = _signs(a.flip_vertical, seed, epoch, indices, "flip_vertical")
        exact = not a.moves and self.size == canvas
        linear = np.zeros((len(indices), 2, 2))
        linear[:, 0, 0], linear[:, 1, 1] = mirrors, upside
        offset = np.zeros((len(indices), 2))
        if a.moves:

            def even(name: str, reach: float) -> NDArray[np.float64]:
                return chance.uniform(seed, epoch, indices, name, -reach, reach)

            scale = np.exp(even("zoom", math.log1p(a.zoom)))
            ratio = np.exp(even("stretch", math.log1p(a.stretch)) / 2)
            linear = (
                _rotations(np.radians(even("rotate", a.rotate)))
                @ _shears(even("shear", a.shear))
                @ linear
            )
            linear *= np.stack([scale * ratio, scale / ratio], 1)[:, :, None]
            offset[:, 0] = even("shift-x", a.shift) * self.size[1]
            offset[:, 1] = even("shift-y", a.shift) * self.size[0]
        colors = self._draw_colors(seed, epoch, indices) if a.colors else None
        erased = self._draw_rectangles(seed, epoch, indices) if a.erase else None
        return Maps(self._around_center(linear, offset, canvas), colors, exact, erased)

    def _draw_rectangles(
        self, seed: int, epoch: int, indices: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        happens = chance.uniform(seed, epoch, indices, "erase") < self.augment.erase
        area = chance.uniform(seed, epoch, indices, "erase-area", 0.05, 0.25) * happens
        return rectangles(self.size, area, seed, epoch, indices, "erase")

    def _draw_colors(
        self, seed: int, epoch: int, indices: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        a = self.augment

        def factor(name: str, reach: float) -> NDArray[np.float64]:
            return chance.uniform(seed, epoch, indices, name, 1 - reach, 1 + reach)[:, None, None]

        saturation = factor("saturation", a.saturation)
        gray = np.broadcast_to(LUMA, (3, 3))
        linear = gray * (1 - saturation) + np.eye(3) * saturation
        if a.hue:
            turn = chance.uniform(seed, epoch, indices, "hue", -a.hue, a.hue) * 2 * math.pi
            linear = _hues(turn) @ linear
        bright, contrast = factor("brightness", a.brightness), factor("contrast", a.contrast)
        constant = np.broadcast_to((0.5 - 0.5 * contrast) * bright, (len(indices), 3, 1))
        return np.concatenate([linear * bright * contrast, constant], 2).astype(np.float32)

    def _around_center(
        self, linear: NDArray[np.float64], offset: NDArray[np.float64], canvas: Size
    ) -> NDArray[np.float64]:
        """Matrices that take the middle of the canvas to the middle of the input, plus offset."""
        here = np.array([canvas[1], canvas[0]]) / 2
        there = np.array([self.size[1], self.size[0]]) / 2
        return np.concatenate([linear, (there + offset - linear @ here)[:, :, None]], 2)

    def windows(self, canvas: Size) -> list[tuple[int, int, bool]]:
        """The views at evaluation: top, left, and whether mirrored."""
        spare_y, spare_x = canvas[0] - self.size[0], canvas[1] - self.size[1]
        corners = [(spare_y // 2, spare_x // 2)]
        if self.test == "ten-crop":
            corners += [(0, 0), (0, spare_x), (spare_y, 0), (spare_y, spare_x)]
        sides = (False,) if self.test == "center" else (False, True)
        return [(top, left, mirrored) for top, left in corners for mirrored in sides]

    def test_inputs(self, canvases: Tensor) -> list[Tensor]:
        """One batch of inputs a view, from uint8 canvases (n, h, w, c)."""
        batches = []
        for top, left, mirrored in self.windows((canvases.shape[1], canvases.shape[2])):
            cut = _window(canvases, top, left, self.size)
            batches.append(self.floats(cut.flip(2) if mirrored else cut))
        return batches

    def floats(self, pixels: Tensor) -> Tensor:
        """(n, h, w, c) uint8 -> (n, c, h, w) float32 in [0, 1], laid out channels last."""
        return pixels.permute(0, 3, 1, 2).to(torch.float32).mul_(1 / self.top)

    def train_inputs(self, canvases: Tensor, maps: Maps) -> Tensor:
        """Inputs of a training batch, on the canvases' device."""
        if maps.exact:
            inputs = self.floats(_mirrored(canvases, maps.matrices))
        elif canvases.device.type == "cpu":
            inputs = self.floats(torch.from_numpy(_warp_cpu(canvases, maps.matrices, self.size)))
        else:
            inputs = _warp_device(canvases, maps.matrices, self.size) * (1 / self.top)
        if maps.colors is not None:
            inputs = _colored(inputs, maps.colors)
        if maps.erased is not None:
            for image, (top, left, bottom, right) in zip(inputs, maps.erased, strict=True):
                image[:, top:bottom, left:right] = 0.5
        return inputs


def rectangles(
    size: Size,
    area: NDArray[np.float64],
    seed: int,
    epoch: int,
    indices: NDArray[np.int64],
    draw: str,
) -> NDArray[np.int64]:
    """(n, 4) top, left, bottom, right: rectangles of these shares of the area, anywhere inside."""
    ratio = np.exp(chance.uniform(seed, epoch, indices, f"{draw}-ratio", -0.7, 0.7))
    height = np.minimum(np.rint(np.sqrt(area * ratio) * size[0]), size[0])
    width = np.minimum(np.rint(np.sqrt(area / ratio) * size[1]), size[1])
    top = np.floor(chance.uniform(seed, epoch, indices, f"{draw}-y") * (size[0] - height + 1))
    left = np.floor(chance.uniform(seed, epoch, indices, f"{draw}-x") * (size[1] - width + 1))
    return np.stack([top, left, top + height, left + width], 1).astype(np.int64)


def _signs(
    on: bool, seed: int, epoch: int, indices: NDArray[np.int64], draw: str
) -> NDArray[np.float64]:
    if not on:
        return np.ones(len(indices))
    return np.where(chance.uniform(seed, epoch, indices, draw) < 0.5, -1.0, 1.0)


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos, -sin, sin, cos], 1).reshape(-1, 2, 2)


def _shears(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    one, zero = np.ones_like(slopes), np.zeros_like(slopes)
    return np.stack([one, slopes, zero, one], 1).reshape(-1, 2, 2)


def _hues(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations of the chroma plane of YIQ, which leave luma and greys alone."""
    to_yiq = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
    middle = np.zeros((len(turns), 3, 3))
    middle[:, 0, 0] = 1
    middle[:, 1:, 1:] = _rotations(turns)
    return np.linalg.inv(to_yiq) @ middle @ to_yiq


def _window(canvases: Tensor, top: int, left: int, size: Size) -> Tensor:
    """A window of the canvases; where it hangs over the edge, the edge pixel is repeated."""
    height, width = canvases.shape[1:3]
    if top >= 0 and left >= 0 and top + size[0] <= height and left + size[1] <= width:
        return canvases[:, top : top + size[0], left : left + size[1]]
    rows = torch.arange(top, top + size[0]).clamp(0, height - 1)
    columns = torch.arange(left, left + size[1]).clamp(0, width - 1)
    return canvases[:, rows][:, :, columns]


def _mirrored(canvases: Tensor, matrices: NDArray[np.float64]) -> Tensor:
    pixels = canvases
    for axis, dim in ((0, 2), (1, 1)):
        flipped = matrices[:, axis, axis] < 0
        if flipped.any():
            chosen = torch.from_numpy(flipped).to(canvases.device)[:, None, None, None]
            pixels = torch.where(chosen, pixels.flip(dim), pixels)
    return pixels


def _warp_cpu(canvases: Tensor, matrices: NDArray[np.float64], size: Size) -> Image:
    """(n, h, w, c) uint8 by OpenCV; what lies outside is mirrored in."""
    source = canvases.numpy()
    out = np.empty((len(source), *size, source.shape[3]), np.uint8)
    moved = matrices.copy()
    # OpenCV counts pixel centers from 0, we from .5.
    moved[:, :, 2] += matrices[:, :, :2].sum(2) * 0.5 - 0.5
    for pixels, matrix, target in zip(source, moved, out, strict=True):
        warped = cv2.warpAffine(
            pixels,
            matrix,
            (size[1], size[0]),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        target[...] = warped.reshape(target.shape)
    return out


def _warp_device(canvases: Tensor, matrices: NDArray[np.float64], size: Size) -> Tensor:
    """(n, c, h, w) float32 in grey levels by grid sampling; the same geometry as `_warp_cpu`."""
    height, width = canvases.shape[1:3]
    linear = np.linalg.inv(matrices[:, :, :2])
    offset = -(linear @ matrices[:, :, 2:])[:, :, 0]
    # input pixel -> canvas pixel, both rescaled to grid_sample's [-1, 1]
    half_in, half_out = np.array([width, height]) / 2, np.array([size[1], size[0]]) / 2
    theta = np.empty((len(matrices), 2, 3))
    theta[:, :, :2] = linear * half_out / half_in[:, None]
    theta[:, :, 2] = (linear @ half_out + offset) / half_in - 1
    grid = F.affine_grid(
        torch.from_numpy(theta).to(canvases.device, torch.float32),
        [len(canvases), canvases.shape[3], *size],
        align_corners=False,
    )
    pixels = canvases.permute(0, 3, 1, 2).to(torch.float32)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def _colored(inputs: Tensor, colors: NDArray[np.float32]) -> Tensor:
    """One product an image, then clipped to [0, 1]; grey images take the map of equal channels."""
    n, channels, height, width = inputs.shape
    maps = torch.from_numpy(colors).to(inputs.device)
    if channels == 1:
        gain = maps[:, :, :3].sum(2).mean(1).view(n, 1, 1, 1)
        lift = maps[:, :, 3].mean(1).view(n, 1, 1, 1)
        return torch.addcmul(lift, inputs, gain).clamp_(0, 1)
    flat = inputs.permute(0, 2, 3, 1).reshape(n, height * width, 3)
    moved = torch.baddbmm(maps[:, None, :, 3], flat, maps[:, :, :3].transpose(1, 2))
    return moved.clamp_(0, 1).view(n, height, width, 3).permute(0, 3, 1, 2)
