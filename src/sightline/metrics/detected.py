"""Predicted and true boxes of a whole set as columns, and which of them overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.types import Annotation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AT_ONCE = 500_000  # pairs of boxes


@dataclass(frozen=True, eq=False)
class Column:
    """Boxes of several images: those of a class together, in it image after image.

    boxes   (m, 4) float64
    images  (m,) the place of its image among the set's, from 0
    classes (m,)
    values  (m,) the confidence of a prediction, the area of a truth (px²)
    ranks   (m,) its place among the boxes of its class and image, from 0, best confidence first
    """

    boxes: Floats
    images: Ints
    classes: Ints
    values: Floats
    ranks: Ints

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def areas(self) -> Floats:
        return _areas(self.boxes)

    def kept(self, rows: Ints | NDArray[np.bool_]) -> "Column":
        return Column(
            self.boxes[rows],
            self.images[rows],
            self.classes[rows],
            self.values[rows],
            self.ranks[rows],
        )


@dataclass(frozen=True, eq=False)
class Portion:
    """What one update brought: images by their indices in the set, and boxes with their counts."""

    indices: Ints
    counts: Ints
    boxes: NDArray[np.float32]
    classes: Ints
    values: Floats

    @staticmethod
    def of(annotations: Sequence[Annotation], indices: Sequence[int], kinds: int) -> "Portion":
        """Raises DataError for boxes or confidences that are no numbers, naming the image."""
        boxes: list[NDArray[np.float32]] = []
        classes: list[Ints] = []
        values: list[NDArray[np.floating]] = []
        for annotation in annotations:
            assert annotation.boxes is not None and annotation.classes is not None
            boxes.append(annotation.boxes)
            classes.append(annotation.classes)
            if annotation.confidence is not None:
                values.append(annotation.confidence)
            elif annotation.instances is not None:  # COCO sizes an object by its mask
                values.append(np.array([mask.area for mask in annotation.instances], np.float32))
            else:
                values.append(_areas(annotation.boxes.astype(np.float64)))
        counts = np.array([len(table) for table in boxes], np.int64)
        found = Portion(
            np.array(indices, np.int64),
            counts,
            np.concatenate([np.empty((0, 4), np.float32), *boxes]),
            np.concatenate([np.empty(0, np.int64), *classes]),
            np.concatenate([np.empty(0), *values]),
        )
        assert not len(found.classes) or 0 <= found.classes.min() <= found.classes.max() < kinds
        whole = np.isfinite(found.boxes).all(1) & np.isfinite(found.values)
        if not whole.all():
            row = int(np.argmin(whole))
            image = int(np.searchsorted(np.cumsum(counts), row, side="right"))
            raise DataError(
                f"image {indices[image]}: box {found.boxes[row].tolist()} with confidence or area "
                f"{found.values[row]} is not made of finite numbers"
            )
        return found


def column(portions: Sequence[Portion], *, best_first: bool) -> tuple[Column, Ints]:
    """All portions, their images in the order of the set, and the images' indices (n,)."""
    indices = np.concatenate([np.empty(0, np.int64), *(p.indices for p in portions)])
    counts = np.concatenate([np.empty(0, np.int64), *(p.counts for p in portions)])
    order = np.argsort(indices, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    images = np.repeat(place, counts)
    boxes = np.concatenate([np.empty((0, 4), np.float32), *(p.boxes for p in portions)])
    classes = np.concatenate([np.empty(0, np.int64), *(p.classes for p in portions)])
    values = np.concatenate([np.empty(0), *(p.values for p in portions)])
    group = classes * len(order) + images
    rows = np.lexsort((-values, group)) if best_first else np.argsort(group, kind="stable")
    group = group[rows]
    ranks = np.arange(len(rows)) - np.searchsorted(group, group)
    found = Column(boxes[rows].astype(np.float64), images[rows], classes[rows], values[rows], ranks)
    return found, indices[order]


def pairs(
    boxes: Floats, keys: Ints, others: Floats, other_keys: Ints, least: float
) -> tuple[Ints, Ints, Floats]:
    """Rows of boxes (n, 4) and of others (m, 4) that have one key and an IoU of at least `least`,
    above 0; and that IoU (p,). `other_keys` ascend; pairs come in the order of rows.

    The IoU is computed as pycocotools does, to the bit.
    """
    starts = np.searchsorted(other_keys, keys)
    counts = np.searchsorted(other_keys, keys, side="right") - starts
    ends = np.cumsum(counts)
    sizes, other_sizes = _areas(boxes), _areas(others)
    found: list[tuple[Ints, Ints, Floats]] = []
    first = 0
    while first < len(keys):
        before = ends[first] - counts[first]
        last = max(first + 1, int(np.searchsorted(ends, before + AT_ONCE, side="right")))
        portion = counts[first:last]
        row = np.repeat(np.arange(first, last), portion)
        offset = np.repeat(starts[first:last] - (ends[first:last] - portion), portion)
        other = np.arange(before, before + len(row)) + offset
        one, two = boxes[row], others[other]
        wide = np.minimum(one[:, 2], two[:, 2]) - np.maximum(one[:, 0], two[:, 0])
        tall = np.minimum(one[:, 3], two[:, 3]) - np.maximum(one[:, 1], two[:, 1])
        meet = np.flatnonzero((wide > 0) & (tall > 0))
        row, other, shared = row[meet], other[meet], wide[meet] * tall[meet]
        share = shared / (sizes[row] + other_sizes[other] - shared)
        enough = share >= least
        found.append((row[enough], other[enough], share[enough]))
        first = last
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    rows, other_rows, shares = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(other_rows), np.concatenate(shares)


def _areas(boxes: Floats) -> Floats:
    found: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found
