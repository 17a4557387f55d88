"""Sets on their canvases: pixels and truths moved together, held in memory where they fit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import images, memory
from sightline.data import geometry
from sightline.data.boxes import Boxes
from sightline.data.canvas import ONE_SIZE, Canvas, Placed
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset, Joined, Subset
from sightline.data.truths import ArrayPictures, Truths
from sightline.errors import DataError
from sightline.types import Image, Images, Size

Rows = NDArray[np.int64]
Decoded = tuple[Image, Size | None]  # and its whole size, where it was decoded smaller
CHUNK = 32  # full-size images in memory at a time while a set is laid on its canvases


def stacked(pictures: Images, canvas: Canvas) -> NDArray[np.uint8]:
    """Images on their canvases as one array (n, h, w, c); for rules of one canvas an image."""
    out, _ = _placed([(picture, None) for picture in pictures], canvas)
    return out


def _placed(pictures: Sequence[Decoded], canvas: Canvas) -> tuple[NDArray[np.uint8], list[Placed]]:
    if canvas.mode not in ONE_SIZE:
        raise DataError(f"canvas mode {canvas.mode} has no batches of one size; use contain")
    out = np.empty((len(pictures), *canvas.size, canvas.channels), np.uint8)
    placed = []
    for target, (image, size) in zip(out, pictures, strict=True):
        placed.append(canvas.place(image, size)[0])
        target[...] = placed[-1].pixels
    return out, placed


def laid(dataset: Dataset, rows: Rows, canvas: Canvas) -> tuple[NDArray[np.uint8], Truths]:
    """Canvases (n, h, w, c) of these rows, and their truths in canvas pixels.

    Raises DataError for a mask or target of another size than its image.
    """
    pixels, placed = _placed(_decoded(dataset, rows, canvas), canvas)
    truths = dataset.truths.take(rows)
    if truths.boxes is not None:
        _require_masks_fit(truths.boxes, placed, lambda at: dataset.source(int(rows[at])))
    return pixels, _moved(truths, placed, canvas)


def _require_masks_fit(
    boxes: Boxes, placed: Sequence[Placed], source: Callable[[int], str]
) -> None:
    """Raise DataError for a mask of an object that is not as large as its image."""
    if boxes.instances is None:
        return
    sizes = np.array([p.size for p in placed]).reshape(-1, 2)[boxes.images]
    for box in np.flatnonzero((boxes.instances.sizes != sizes).any(1)):
        (height, width), (high, wide) = sizes[box], boxes.instances.sizes[box]
        raise DataError(
            f"{source(int(boxes.images[box]))}: {width}x{height}, "
            f"the mask of an object in it is {wide}x{high}"
        )


def _decoded(dataset: Dataset, rows: Rows, canvas: Canvas) -> list[Decoded]:
    """The images and their whole sizes, which differ for large JPEGs on a small canvas."""
    if isinstance(dataset, Subset):
        return _decoded(dataset.whole, dataset.rows[rows], canvas)
    if isinstance(dataset, Joined):
        found: dict[int, Decoded] = {}
        for whole, inner, places in dataset.divided(rows):
            found |= zip(places.tolist(), _decoded(whole, inner, canvas), strict=True)
        return [found[place] for place in range(len(rows))]
    # What is to be restored is learned from pixels as they are.
    if isinstance(dataset, FileDataset) and dataset.truths.targets is None:
        return [*dataset.reduced(rows, canvas.needed)]
    return [(image, None) for image in dataset.images(rows)]


def _moved(truths: Truths, placed: Sequence[Placed], canvas: Canvas) -> Truths:
    """Truths in original pixels through each image's own matrix; columns without place stay."""
    changes: dict[str, Any] = {}
    spatial = (truths.boxes, truths.masks, truths.landmarks, truths.targets)
    if all(column is None for column in spatial):
        return truths
    matrices = np.stack([p.matrix for p in placed])
    if truths.boxes is not None:
        # every box, also one that the canvas cut away: views decide what is left out
        extents = geometry.extents(truths.boxes, matrices).astype(np.float32)
        instances = truths.boxes.instances
        if instances is not None:
            each = matrices[truths.boxes.images]
            instances = geometry.moved_instances(instances, each, canvas.size)
        changes["boxes"] = replace(truths.boxes, boxes=extents, instances=instances)
    if truths.landmarks is not None:
        changes["landmarks"] = geometry.moved_points(truths.landmarks, matrices)
        before = truths.matrices  # of canvases that are placed on others
        changes["matrices"] = matrices if before is None else geometry.chained(before, matrices)
    if truths.masks is not None:
        masks = [_mask_on(truths, i, p, canvas) for i, p in enumerate(placed)]
        changes["masks"] = ArrayPictures(np.stack(masks))
    if truths.targets is not None:
        targets = [_target_on(truths, i, p, canvas) for i, p in enumerate(placed)]
        if len({target.shape for target in targets}) > 1:
            raise DataError("targets are not all larger than their images by one factor")
        changes["targets"] = ArrayPictures(np.stack(targets))
    return replace(truths, **changes)


def factor(image: Size, target: Size) -> int:
    """How many times larger a target is than its image; 0 where that is no whole number."""
    times = target[0] // image[0]
    return times if target == (image[0] * times, image[1] * times) else 0


def _target_on(truths: Truths, index: int, placed: Placed, canvas: Canvas) -> Image:
    """A target where its image lies, on a canvas as many times larger as the target is."""
    assert truths.targets is not None
    target = images.to_channels(truths.targets.at(index), canvas.channels)
    times = factor(placed.size, target.shape[:2])
    if not times:
        raise DataError(
            f"{truths.targets.source(index)}: {target.shape[1]}x{target.shape[0]}, its image is "
            f"{placed.size[1]}x{placed.size[0]}; expected the same or a whole multiple"
        )
    # On a canvas of one size an image is scaled to whole pixels, then shifted by whole pixels.
    scale, shift = np.diag(placed.matrix[:, :2])[::-1], placed.matrix[::-1, 2]
    height, width = (np.rint(scale * placed.size).astype(int) * times).tolist()
    top, left = (np.rint(shift).astype(int) * times).tolist()
    inner = images.resize(target, (height, width))
    size = canvas.size[0] * times, canvas.size[1] * times
    if inner.shape[:2] == size:
        return inner
    out = np.full((*size, canvas.channels), canvas.fill, np.uint8)
    inside = inner[max(0, -top) : size[0] - top, max(0, -left) : size[1] - left]
    top, left = max(0, top), max(0, left)
    out[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return out


def _mask_on(truths: Truths, index: int, placed: Placed, canvas: Canvas) -> NDArray[np.uint8]:
    assert truths.masks is not None
    mask = truths.masks.at(index)
    if mask.shape != placed.size:
        raise DataError(
            f"{truths.masks.source(index)}: {mask.shape[1]}x{mask.shape[0]}, its image is "
            f"{placed.size[1]}x{placed.size[0]}"
        )
    matrix = placed.matrix[None]
    return geometry.moved_masks(mask[None], matrix, canvas.size, "gray")[0]


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


def fits(parts: Sequence[Dataset], canvas: Canvas) -> bool:
    """Whether the canvases of all parts are small enough to be held in memory."""
    images = sum(map(len, parts))
    needed = images * canvas.size[0] * canvas.size[1] * canvas.channels
    return needed <= memory.SHARE * memory.free()


def on_canvas(
    dataset: Dataset,
    canvas: Canvas,
    tick: Callable[[int], None] = lambda _: None,
    held: bool | None = None,
) -> Dataset:
    """The set on its canvases: as it is where it lies ready on them, in a pack; one array where
    that fits in memory; else decoded as it goes. `held` asks for one of the last two.

    `tick` is called with the number of images done since the last call.
    """
    if dataset.ready == (*canvas.size, canvas.channels) and canvas.mode in ONE_SIZE:
        tick(len(dataset))
        return dataset
    if not (fits([dataset], canvas) if held is None else held):
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
