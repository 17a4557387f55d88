"""Sets on their canvases: pixels and truths moved together, held in memory where they fit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import memory
from sightline.data import warp
from sightline.data.canvas import Canvas, Placed
from sightline.data.dataset import ArrayDataset, Dataset
from sightline.data.truths import ArrayPictures, Truths
from sightline.errors import DataError
from sightline.types import Images

Rows = NDArray[np.int64]
CHUNK = 32  # full-size images in memory at a time while a set is laid on its canvases


def stacked(images: Images, canvas: Canvas) -> NDArray[np.uint8]:
    """Images on their canvases as one array (n, h, w, c); for rules of one canvas an image."""
    out, _ = _placed(images, canvas)
    return out


def _placed(images: Images, canvas: Canvas) -> tuple[NDArray[np.uint8], list[Placed]]:
    if canvas.mode in ("native", "tile"):
        raise DataError(f"canvas mode {canvas.mode} has no batches of one size; use contain")
    out = np.empty((len(images), *canvas.size, canvas.channels), np.uint8)
    placed = []
    for target, image in zip(out, images, strict=True):
        placed.append(canvas.place(image)[0])
        target[...] = placed[-1].pixels
    return out, placed


def laid(dataset: Dataset, rows: Rows, canvas: Canvas) -> tuple[NDArray[np.uint8], Truths]:
    """Canvases (n, h, w, c) of these rows, and their truths in canvas pixels."""
    pixels, placed = _placed(dataset.images(rows), canvas)
    return pixels, _moved(dataset.truths.take(rows), placed, canvas)


def _moved(truths: Truths, placed: Sequence[Placed], canvas: Canvas) -> Truths:
    """Truths in original pixels through each image's own matrix; columns without place stay."""
    changes: dict[str, Any] = {}
    spatial = (truths.boxes, truths.masks, truths.landmarks, truths.targets)
    if all(column is None for column in spatial):
        return truths
    matrices = np.stack([p.matrix for p in placed])
    if truths.boxes is not None:
        # every box, also one that the canvas cut away: views decide what is left out
        extents = warp.extents(truths.boxes, matrices).astype(np.float32)
        changes["boxes"] = replace(truths.boxes, boxes=extents)
    if truths.landmarks is not None:
        changes["landmarks"] = warp.moved_points(truths.landmarks, matrices)
    if truths.masks is not None:
        masks = [_mask_on(truths, i, p, canvas) for i, p in enumerate(placed)]
        changes["masks"] = ArrayPictures(np.stack(masks))
    if truths.targets is not None:
        targets = [truths.targets.at(i) for i in range(len(placed))]
        changes["targets"] = ArrayPictures(stacked(targets, canvas))
    return replace(truths, **changes)


def _mask_on(truths: Truths, index: int, placed: Placed, canvas: Canvas) -> NDArray[np.uint8]:
    assert truths.masks is not None
    mask = truths.masks.at(index)
    if mask.shape != placed.size:
        raise DataError(
            f"{truths.masks.source(index)}: {mask.shape[1]}x{mask.shape[0]}, its image is "
            f"{placed.size[1]}x{placed.size[0]}"
        )
    matrix = placed.matrix[None]
    return warp.moved_masks(mask[None], matrix, canvas.size, mirror=False)[0]


class OnCanvas(Dataset):
    """Another set, its images laid on a canvas: decoded when asked for, nothing kept.

    `truths` are those of the original images; `batch` gives them on the canvas.
    """

    def __init__(self, whole: Dataset, canvas: Canvas) -> None:
        self.whole, self.canvas = whole, canvas
        self.name, self.classes = whole.name, whole.classes
        self.truths, self.top = whole.truths, whole.top

    def images(self, indices: Sequence[int] | Rows) -> Images:
        return stacked(self.whole.images(indices), self.canvas)

    def source(self, index: int) -> str:
        return self.whole.source(index)


def batch_of(dataset: Dataset, rows: Rows) -> tuple[Images, Truths]:
    """Canvases and their truths, of a set that lies on canvases."""
    if isinstance(dataset, OnCanvas):
        return laid(dataset.whole, rows, dataset.canvas)
    return dataset.images(rows), dataset.truths.take(rows)


def on_canvas(
    dataset: Dataset, canvas: Canvas, tick: Callable[[int], None] = lambda _: None
) -> Dataset:
    """The set on its canvases: one array where that fits in memory, else decoded as it goes.

    `tick` is called with the number of images done since the last call.
    """
    needed = len(dataset) * canvas.size[0] * canvas.size[1] * canvas.channels
    if needed > memory.SHARE * memory.free():
        return OnCanvas(dataset, canvas)
    out = np.empty((len(dataset), *canvas.size, canvas.channels), np.uint8)
    truths = []
    for start in range(0, len(dataset), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset)))
        out[rows], on_it = laid(dataset, rows, canvas)
        truths.append(on_it)
        tick(len(rows))
    together = Truths.joined(truths) if truths else dataset.truths
    return ArrayDataset(
        out, together, dataset.classes, dataset.name, dataset.top, source=dataset.source
    )
