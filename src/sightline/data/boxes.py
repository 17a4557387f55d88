"""The boxes of a whole set, by column, with the masks of their objects where those are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.instances import InstanceMask
from sightline.types import Size

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of n images, one image's after another's.

    boxes    (m, 4) float32: x0, y0, x1, y1 in pixels of the original image
    classes  (m,) int64
    starts   (n + 1,) int64: image i has rows starts[i] to starts[i + 1]
    instances  the mask of each box, or None
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    starts: NDArray[np.int64]
    instances: "Instances | None" = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def at(self, index: int) -> dict[str, Any]:
        """Boxes, classes and instances of one image, as an Annotation names them."""
        rows = slice(self.starts[index], self.starts[index + 1])
        found: dict[str, Any] = {"boxes": self.boxes[rows], "classes": self.classes[rows]}
        if self.instances is not None:
            found["instances"] = tuple(map(self.instances.at, range(rows.start, rows.stop)))
        return found

    def take(self, indices: Rows) -> "Boxes":
        counts = self.starts[indices + 1] - self.starts[indices]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        shift = np.repeat(self.starts[indices] - starts[:-1], counts)
        return self.kept(np.arange(starts[-1]) + shift, starts)

    def kept(self, rows: Rows, starts: NDArray[np.int64]) -> "Boxes":
        """Some boxes, by their rows; `starts` say which image each is of now."""
        instances = self.instances.take(rows) if self.instances is not None else None
        return Boxes(self.boxes[rows], self.classes[rows], starts, instances)

    @staticmethod
    def joined(parts: Sequence["Boxes"]) -> "Boxes":
        """One part's images after another's."""
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return Boxes(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            Instances.joined([part.instances for part in parts if part.instances is not None])
            if all(part.instances is not None for part in parts)
            else None,
        )

    @staticmethod
    def of(
        boxes: Sequence[ArrayLike],
        classes: Sequence[ArrayLike],
        instances: "Instances | None" = None,
    ) -> "Boxes":
        """From one array of boxes and one of classes an image; either may be empty."""
        tables = [np.asarray(b, np.float32).reshape(-1, 4) for b in boxes]
        labels = [np.asarray(c, np.int64).reshape(-1) for c in classes]
        starts = np.concatenate([[0], np.cumsum([len(t) for t in tables])]).astype(np.int64)
        return Boxes(
            np.concatenate([np.empty((0, 4), np.float32), *tables]),
            np.concatenate([np.empty(0, np.int64), *labels]),
            starts,
            instances,
        )


@dataclass(frozen=True, eq=False)
class Instances:
    """The masks of m boxes, one's runs after another's.

    counts  (k,) uint32: run lengths, as in InstanceMask
    starts  (m + 1,) int64: box i has counts starts[i] to starts[i + 1]
    sizes   (m, 2) int64: height and width of its image
    """

    counts: NDArray[np.uint32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    def at(self, row: int) -> InstanceMask:
        height, width = self.sizes[row].tolist()
        counts = self.counts[self.starts[row] : self.starts[row + 1]]
        return InstanceMask((height, width), counts)

    def masks(self, size: Size) -> NDArray[np.uint8]:
        """(m, height, width) of 0 and 1; all are of this size."""
        out = np.zeros((len(self), *size), np.uint8)
        for row, target in enumerate(out):
            target[...] = self.at(row).mask()
        return out

    def take(self, rows: Rows) -> "Instances":
        return Instances.of([self.at(int(row)) for row in rows])

    @staticmethod
    def joined(parts: Sequence["Instances"]) -> "Instances":
        return Instances.of([part.at(row) for part in parts for row in range(len(part))])

    @staticmethod
    def of(masks: Sequence[InstanceMask]) -> "Instances":
        lengths = [len(mask.counts) for mask in masks]
        return Instances(
            np.concatenate([np.empty(0, np.uint32), *(mask.counts for mask in masks)]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.array([mask.size for mask in masks], np.int64).reshape(-1, 2),
        )
