"""What may change in training, and how it is drawn: a function of (seed, epoch, index, draw)."""

import math
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.data import mosaic, windows
from sightline.data.boxes import Boxes
from sightline.data.draws import Draw, Rows, rectangles
from sightline.data.geometry import Keep
from sightline.data.mosaic import Quarter
from sightline.data.windows import Windows
from sightline.errors import DataError
from sightline.types import Size

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
# Eigenvectors times eigenvalues of ImageNet's colors, pixels in [0, 1] (Krizhevsky et al. 2012)
LIGHTING = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
) * np.array([0.2175, 0.0188, 0.0045])
LIMITS = {"rotate": 180.0, "hue": 0.5, "zoom": 4.0, "stretch": 4.0, "shear": 2.0, "pad": 256.0}
LIMITS["expand"] = 8.0
OF_BOXES = ("expand", "iou_crop", "mosaic")


@dataclass(frozen=True, kw_only=True)
class Augment:
    """What may change in training; zero or False means never. Drawn anew for every image and epoch.

    flip        mirror left-right, in half of the draws
    flip_vertical  mirror top-bottom, in half of the draws
    crop        a window of the input's size anywhere in the canvas, in whole pixels
    pad         pixels of mirrored border around the canvas that a crop may reach into
    resized_crop  a window of at least this share of the canvas, of ratio 3:4 to 4:3, resized
                (Szegedy et al. 2014); not together with `crop`
    expand      in half of the draws, zoom out up to this many times onto grey (Liu et al. 2016: 4)
    iou_crop    share of images of which a window is seen, resized: it has the center of an object
                inside and overlaps it by an IoU of at least 0, .1, .3, .5, .7 or .9 (the same);
                after `expand`; not together with another crop
    shift       at most this share of the side, both ways
    rotate      at most this many degrees, both ways
    zoom        scale by 1 / (1 + zoom) to 1 + zoom, evenly in the logarithm
    stretch     the ratio of width to height, likewise
    shear       at most this slope, both ways
    brightness  factor 1 - b to 1 + b
    contrast    factor 1 - c to 1 + c, around middle grey
    saturation  factor 1 - s to 1 + s
    hue         turn of the color circle by at most this share of it
    lighting    deviation of the shift along the main colors of photographs (Krizhevsky et al. 2012)
    gray        share of images that lose their color
    blur        share of images blurred, by a Gaussian of 0.3 to 1.5 pixels
    noise       at most this deviation of Gaussian noise, pixels in [0, 1]
    erase       share of images that lose a rectangle (5 to 25 % of the area, filled with grey)
    mixup       share of batches blended with a permutation of themselves (Zhang et al. 2018);
                the blend is even over [0, 1], which is their Beta(1, 1)
    cutmix      share of batches with a rectangle pasted from a permutation (Yun et al. 2019)
    mosaic      share of batches laid together, four images an input (Bochkovskiy et al. 2020)
    keep        a box stays while at least this share of it is seen; "center": while its center is

    `expand`, `iou_crop` and `mosaic` are for sets of boxes.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    flip: bool = False
    flip_vertical: bool = False
    crop: bool = False
    pad: int = 0
    resized_crop: float = 0.0
    expand: float = 0.0
    iou_crop: float = 0.0
    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    lighting: float = 0.0
    gray: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mosaic: float = 0.0
    keep: Keep = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            value, high = getattr(self, field.name), LIMITS.get(field.name, 1.0)
            if value != "center" and not 0 <= value <= high:
                raise DataError(f"augment.{field.name} = {value}: must be 0 to {high:g}")
        if self.mixup + self.cutmix > 1:
            raise DataError("augment.mixup and augment.cutmix are shares and may sum to 1 at most")
        if 0 < self.expand < 1:
            raise DataError(f"augment.expand = {self.expand}: must be 0, or 1 to 8")
        if not self.keep:
            raise DataError('augment.keep = 0: must be a share above 0, or "center"')
        crops = [key for key in ("crop", "resized_crop", "iou_crop") if getattr(self, key)]
        if len(crops) > 1:
            raise DataError(f"augment.{crops[0]} and augment.{crops[1]} exclude one another")

    @property
    def moves(self) -> bool:
        """Whether anything needs a warp; mirrors and crops in whole pixels do not."""
        windows = (self.resized_crop, self.expand, self.iou_crop)
        return any((*windows, self.shift, self.rotate, self.zoom, self.stretch, self.shear))

    @property
    def colors(self) -> bool:
        by = (self.brightness, self.contrast, self.saturation, self.hue, self.lighting, self.gray)
        return any(by)


Preset = Literal["none", "light", "standard", "strong"]
_STANDARD = Augment(
    flip=True,
    shift=0.1,
    rotate=15.0,
    zoom=0.28,
    stretch=0.28,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
)
PRESETS: dict[Preset, Augment] = {
    "none": Augment(),
    "light": Augment(flip=True, shift=0.05, zoom=0.1),
    "standard": _STANDARD,
    "strong": replace(_STANDARD, rotate=25.0, shear=0.15, hue=0.05, erase=0.25, cutmix=0.5),
}


@dataclass(frozen=True, eq=False)
class Maps:
    """What was drawn for a batch.

    matrices  (n, 2, 3) float64: canvas pixels to input pixels
    exact     whether every matrix only mirrors and shifts by whole pixels
    colors    (n, 3, 4) float32: RGB in [0, 1] to RGB, or None
    blur      (n,) deviations of the Gaussian in pixels, 0 for none; or None
    noise     (n,) deviations, and `keys` to draw it from; or None
    erased    (n, 4) int64: top, left, bottom, right of what is greyed out; or None
    quarters  of the mosaics that the batch becomes; or None
    """

    matrices: NDArray[np.float64]
    exact: bool
    colors: NDArray[np.float32] | None = None
    blur: NDArray[np.float64] | None = None
    noise: NDArray[np.float64] | None = None
    keys: NDArray[np.uint64] | None = None
    erased: Rows | None = None
    quarters: tuple[Quarter, ...] | None = None


def draw(
    augment: Augment,
    canvas: Size,
    size: Size,
    seed: int,
    epoch: int,
    indices: Rows,
    boxes: Boxes | None = None,
) -> Maps:
    """The maps of a training batch, from canvases to inputs of `size`.

    boxes  of its images, in canvas pixels. Raises DataError where they are needed and not given
    """
    if canvas == size and augment == PRESETS["none"]:
        return Maps(np.repeat(np.eye(2, 3)[None], len(indices), 0), exact=True)
    a, d = augment, Draw(seed, epoch, indices)
    require_boxes(a, boxes is not None)
    linear = np.zeros((len(indices), 2, 2))
    for axis, on, name in ((0, a.flip, "flip"), (1, a.flip_vertical, "flip_vertical")):
        linear[:, axis, axis] = np.where(d.happens(name, 0.5), -1.0, 1.0) if on else 1.0
    corners, sides = _windows(a, d, canvas, size, boxes)
    linear *= (np.array([size[1], size[0]]) / sides)[:, :, None]
    offset = np.zeros((len(indices), 2))
    if a.moves:
        linear = _moved(a, d) @ linear
        offset = np.stack([d.around("shift-x", a.shift), d.around("shift-y", a.shift)], 1)
        offset *= np.array([size[1], size[0]])
    center = corners + sides / 2  # the canvas point that goes to the middle
    there = np.array([size[1], size[0]]) / 2
    constant = there + offset - (linear @ center[:, :, None])[:, :, 0]
    return Maps(
        np.concatenate([linear, constant[:, :, None]], 2),
        exact=not a.moves,
        colors=_colors(a, d) if a.colors else None,
        blur=d.happens("blur", a.blur) * d.even("blur-by", 0.3, 1.5) if a.blur else None,
        noise=d.even("noise", 0, a.noise) if a.noise else None,
        keys=chance.bits(seed, epoch, indices, "noise-key") if a.noise else None,
        erased=_erased(a, d, size) if a.erase else None,
        quarters=_quarters(a, d, size) if a.mosaic else None,
    )


def require_boxes(augment: Augment, given: bool, name: str = "") -> None:
    """Raise DataError where something is on that boxes are needed for, and none are given."""
    wanted = [key for key in OF_BOXES if getattr(augment, key)]
    if wanted and not given:
        of = f"{name}: " if name else ""
        raise DataError(f"{of}augment.{wanted[0]} is for sets of boxes, which this is not")


def _windows(a: Augment, d: Draw, canvas: Size, size: Size, boxes: Boxes | None) -> Windows:
    """What each input shows of its canvas, before turns, shifts and zooms."""
    if a.crop:
        found = windows.cropped(d, canvas, size, a.pad)
    elif a.resized_crop:
        found = windows.resized(d, canvas, a.resized_crop)
    elif a.iou_crop:
        found = windows.middle(d, canvas, canvas, whole=False)
    else:
        found = windows.middle(d, canvas, size, whole=not a.moves)
    if a.expand:
        found = windows.expanded(d, found, a.expand)
    if a.iou_crop and boxes is not None:
        visible = 0.0 if a.keep == "center" else float(a.keep)
        found = windows.overlapping(d, found, a.iou_crop, boxes, visible)
    return found


def _moved(a: Augment, d: Draw) -> NDArray[np.float64]:
    scale = np.exp(d.around("zoom", math.log1p(a.zoom)))
    ratio = np.exp(d.around("stretch", math.log1p(a.stretch)) / 2)
    linear = rotations(np.radians(d.around("rotate", a.rotate)))
    slope = d.around("shear", a.shear)
    one, zero = np.ones_like(slope), np.zeros_like(slope)
    linear = linear @ np.stack([one, slope, zero, one], 1).reshape(-1, 2, 2)
    return linear * np.stack([scale * ratio, scale / ratio], 1)[:, :, None]


def _colors(a: Augment, d: Draw) -> NDArray[np.float32]:
    def factor(name: str, reach: float) -> NDArray[np.float64]:
        return 1 + d.around(name, reach)[:, None, None]

    saturation = factor("saturation", a.saturation)
    if a.gray:
        saturation = np.where(d.happens("gray", a.gray)[:, None, None], 0.0, saturation)
    linear = np.broadcast_to(LUMA, (3, 3)) * (1 - saturation) + np.eye(3) * saturation
    if a.hue:
        linear = _hues(d.around("hue", a.hue) * 2 * math.pi) @ linear
    bright, contrast = factor("brightness", a.brightness), factor("contrast", a.contrast)
    constant = np.repeat((0.5 - 0.5 * contrast) * bright, 3, axis=1)
    if a.lighting:
        shifts = np.stack([d.normal(f"lighting-{i}") for i in range(3)], 1) * a.lighting
        constant = constant + (shifts @ LIGHTING.T)[:, :, None]
    return np.concatenate([linear * bright * contrast, constant], 2).astype(np.float32)


def rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2, 2), by radians."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos, -sin, sin, cos], 1).reshape(-1, 2, 2)


def _hues(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations of the chroma plane of YIQ, which leave luma and greys alone."""
    to_yiq = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
    middle = np.zeros((len(turns), 3, 3))
    middle[:, 0, 0] = 1
    middle[:, 1:, 1:] = rotations(turns)
    return np.linalg.inv(to_yiq) @ middle @ to_yiq


def _erased(a: Augment, d: Draw, size: Size) -> Rows:
    area = d.even("erase-area", 0.05, 0.25) * d.happens("erase", a.erase)
    return rectangles(d, size, area, "erase")


def _quarters(a: Augment, d: Draw, size: Size) -> tuple[Quarter, ...] | None:
    happens = Draw(d.seed, d.epoch, d.indices[:1]).happens("mosaic", a.mosaic)[0]
    return mosaic.draw(d, size) if happens else None
