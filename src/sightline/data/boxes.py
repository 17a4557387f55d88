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

    @property
    def images(self) -> Rows:
        """(m,) the image that each box is of."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, indices: Rows) -> "Boxes":
        """The boxes of these images, in their order."""
        return self._at(*_runs(self.starts, indices))

    def kept(self, rows: Rows) -> "Boxes":
        """Some boxes by their rows, which ascend; every image stays."""
        return self._at(rows, np.searchsorted(rows, self.starts).astype(np.int64))

    def _at(self, rows: Rows, starts: Rows) -> "Boxes":
        instances = self.instances.take(rows) if self.instances is not None else None
        return Boxes(self.boxes[rows], self.classes[rows], starts, instances)

    @staticmethod
    def joined(parts: Sequence["Boxes"]) -> "Boxes":
        """One part's images after another's; masks are known where they are of every box."""
        known = [part.instances for part in parts if part.instances is not None]
        all_known = all(part.instances is not None or not len(part.boxes) for part in parts)
        return Boxes(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.classes for part in parts]),
            _starts(np.concatenate([np.diff(part.starts) for part in parts])),
            Instances.joined(known) if known and all_known else None,
        )

    @staticmethod
    def together(parts: Sequence["Boxes"]) -> "Boxes":
        """The boxes that several parts have of the same n images, each image's together."""
        joined, n = Boxes.joined(parts), len(parts[0])
        image = joined.images % n
        order = np.argsort(image, kind="stable")
        starts = _starts(np.bincount(image, minlength=n))
        return joined._at(order, starts)

    @staticmethod
    def of(
        boxes: Sequence[ArrayLike],
        classes: Sequence[ArrayLike],
        instances: "Instances | None" = None,
    ) -> "Boxes":
        """From one array of boxes and one of classes an image; either may be empty."""
        tables = [np.asarray(b, np.float32).reshape(-1, 4) for b in boxes]
        labels = [np.asarray(c, np.int64).reshape(-1) for c in classes]
        return Boxes(
            np.concatenate([np.empty((0, 4), np.float32), *tables]),
            np.concatenate([np.empty(0, np.int64), *labels]),
            _starts([len(table) for table in tables]),
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
        runs, starts = _runs(self.starts, rows)
        return Instances(self.counts[runs], starts, self.sizes[rows])

    @staticmethod
    def joined(parts: Sequence["Instances"]) -> "Instances":
        return Instances(
            np.concatenate([part.counts for part in parts]),
            _starts(np.concatenate([np.diff(part.starts) for part in parts])),
            np.concatenate([part.sizes for part in parts]),
        )

    @staticmethod
    def of(masks: Sequence[InstanceMask]) -> "Instances":
        return Instances(
            np.concatenate([np.empty(0, np.uint32), *(mask.counts for mask in masks)]),
            _starts([len(mask.counts) for mask in masks]),
            np.array([mask.size for mask in masks], np.int64).reshape(-1, 2),
        )


def _starts(counts: ArrayLike) -> Rows:
    """Where each of several runs begins when they lie end to end, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _runs(starts: Rows, chosen: Rows) -> tuple[Rows, Rows]:
    """The rows of the chosen runs, one's after another's, and the starts that they have then."""
    counts = starts[chosen + 1] - starts[chosen]
    new = _starts(counts)
    return np.arange(new[-1]) + np.repeat(starts[chosen] - new[:-1], counts), new
