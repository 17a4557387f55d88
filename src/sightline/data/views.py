"""Views: how a batch of canvases becomes the model's input.

Every geometric change multiplies into one matrix an image and costs one warp; every change of color
multiplies into one 3x4 matrix and costs one product. Mirrors and shifts by whole pixels take an
indexing path and stay exact. In training the maps are drawn; at evaluation they are fixed.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sightline.data import augment, mosaic, warp
from sightline.data.augment import PRESETS, Augment, Maps
from sightline.data.boxes import Boxes
from sightline.data.draws import Rows
from sightline.data.geometry import Border
from sightline.errors import DataError
from sightline.types import Size

TestViews = Literal["center", "mirror", "ten-crop"]


@dataclass(frozen=True)
class View:
    """The rule from canvases to inputs (n, c, h, w) in [0, 1].

    size    of the inputs; the canvas may be larger, the middle is seen at evaluation
    top     the pixel value that becomes 1
    test    how an image is seen at evaluation: its center; center and mirror image; or the four
            corners, the center and their mirror images. The raw outputs of views are averaged.
    border  what lies outside the canvas in training: its mirror image, its repeated edge (for
            characters), or grey (for boxes: no doubled objects)
    """

    size: Size
    top: int = 255
    augment: Augment = PRESETS["none"]
    test: TestViews = "center"
    border: Border = "mirror"

    def __post_init__(self) -> None:
        if not (1 <= self.top <= 255 and all(1 <= side <= 4096 for side in self.size)):
            raise DataError(f"view of {self.size}, top {self.top}: sides 1 to 4096, top 1 to 255")
        if self.augment.expand and self.border != "gray":
            raise DataError(
                f"augment.expand shows what lies outside, and view.border is {self.border}, which "
                "doubles objects; set view.border to gray"
            )

    def draw(
        self, canvas: Size, seed: int, epoch: int, indices: Rows, boxes: Boxes | None = None
    ) -> Maps:
        """The maps of a training batch: a function of (seed, epoch, index) and the image's boxes;
        mosaics are of the batch."""
        return augment.draw(self.augment, canvas, self.size, seed, epoch, indices, boxes)

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
            cut = warp.window(canvases, top, left, self.size)
            batches.append(self.floats(cut.flip(2) if mirrored else cut))
        return batches

    def floats(self, pixels: Tensor) -> Tensor:
        """(n, h, w, c) grey levels -> (n, c, h, w) float32 in [0, 1], laid out channels last."""
        # In place: a second tensor of a large batch is new memory each time, at ten times the cost.
        return pixels.permute(0, 3, 1, 2).to(torch.float32, copy=True).mul_(1 / self.top)

    def train_inputs(self, canvases: Tensor, maps: Maps) -> Tensor:
        """Inputs of a training batch, on the canvases' device."""
        gray = (self.top + 1) // 2
        if maps.exact:
            pixels = warp.shifted(canvases, maps.matrices, self.size, self.border, gray)
        else:
            pixels = warp.warped(canvases, maps.matrices, self.size, self.border, gray)
        inputs = self.floats(pixels)
        if maps.colors is not None:
            inputs = warp.colored(inputs, maps.colors)
        if maps.blur is not None:
            inputs = warp.blurred(inputs, maps.blur)
        if maps.noise is not None and maps.keys is not None:
            inputs = warp.noised(inputs, maps.noise, maps.keys)
        if maps.erased is not None:
            for image, (top, left, bottom, right) in zip(inputs, maps.erased, strict=True):
                image[:, top:bottom, left:right] = 0.5
        return inputs if maps.quarters is None else mosaic.laid(inputs, maps.quarters)
