"""The truths of a pack, each looked at before it is believed."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from sightline.data.boxes import Boxes, Instances
from sightline.data.canvas import Canvas
from sightline.data.columns import Columns, Place
from sightline.data.placing import factor
from sightline.data.truths import Truths
from sightline.errors import DataError

UNKNOWN = 255  # in a mask: nothing is said of this pixel
Rows = NDArray[np.int64]


@final
class MappedPictures:
    """Rows of a column of masks or targets, read from the file when asked for.

    highest  what a pixel may be at most, UNKNOWN apart
    """

    def __init__(self, place: Place, rows: Rows, highest: int) -> None:
        self.place, self.rows, self.highest = place, rows, highest
        self._pictures = place.mapped()

    def __reduce__(self) -> tuple[Any, ...]:
        return MappedPictures, (self.place, self.rows, self.highest)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> NDArray[np.uint8]:
        picture = self._pictures[self.rows[index]].copy()
        if self.highest < UNKNOWN:
            found = int(picture[picture != UNKNOWN].max(initial=0))
            if found > self.highest:
                raise DataError(
                    f"{self.place.path}: {self.source(index)} has a pixel of class {found}; "
                    f"expected 0 to {self.highest}, or {UNKNOWN}"
                )
        return picture

    def take(self, indices: Rows) -> "MappedPictures":
        return MappedPictures(self.place, self.rows[indices], self.highest)

    def source(self, index: int) -> str:
        return f"{self.place.name}:{self.rows[index]}"


@final
class Stored:
    """The truths of one part as the file holds them, each looked at before it is believed."""

    def __init__(self, found: Columns, part: str, n: int, classes: int, canvas: Canvas) -> None:
        self.found, self.part, self.n, self.classes, self.canvas = found, part, n, classes, canvas

    def held(self, name: str, dtype: str, *shape: int | None) -> NDArray[Any]:
        """A column small enough to be kept in memory."""
        return np.array(self.found.place(self.part, name, dtype, shape).mapped())

    def require(self, name: str, right: bool | np.bool_, expected: str) -> None:
        if not right:
            raise DataError(
                f"{self.found.path}: {self.part}/{name} has wrong values; expected {expected}"
            )

    def label(self) -> NDArray[np.int64]:
        label = self.held("label", "<i8", self.n)
        self.require("label", _within(label, 0, self.classes), f"0 to {self.classes - 1}")
        return label

    def labels(self) -> NDArray[np.int8]:
        labels = self.held("labels", "i1", self.n, self.classes)
        self.require("labels", _within(labels, -1, 2), "1, 0 and -1")
        return labels

    def values(self) -> NDArray[np.float32]:
        values = self.held("values", "<f4", self.n, self.classes)
        self.require("values", np.isfinite(values).all(), "finite numbers")
        return values

    def landmarks(self) -> NDArray[np.float32]:
        landmarks = self.held("landmarks", "<f4", self.n, None, 2)
        self.require("landmarks", not np.isinf(landmarks).any(), "numbers, or nan")
        return landmarks

    def matrices(self) -> NDArray[np.float64]:
        matrices = self.held("matrices", "<f8", self.n, 2, 3)
        good = np.isfinite(matrices).all() and (np.linalg.det(matrices[:, :, :2]) != 0).all()
        self.require("matrices", bool(good), "maps that can be undone")
        return matrices

    def boxes(self) -> Boxes:
        starts = self.held("box_starts", "<i8", self.n + 1)
        corners = self.held("box_corners", "<f4", None, 4)
        kinds = self.held("box_classes", "<i8", len(corners))
        rising = starts[0] == 0 and starts[-1] == len(corners) and (starts[1:] >= starts[:-1]).all()
        self.require("box_starts", rising, f"rising from 0 to {len(corners)}")
        self.require("box_corners", np.isfinite(corners).all(), "finite numbers")
        self.require("box_classes", _within(kinds, 0, self.classes), f"0 to {self.classes - 1}")
        return Boxes(corners, kinds, starts, self.instances(len(corners)))

    def instances(self, boxes: int) -> Instances | None:
        if "instance_starts" not in self.found.parts[self.part]:
            return None
        counts = self.held("instance_counts", "<u4", None)
        starts = self.held("instance_starts", "<i8", boxes + 1)
        rising = starts[0] == 0 and starts[-1] == len(counts) and (starts[1:] > starts[:-1]).all()
        self.require("instance_starts", rising, f"rising from 0 to {len(counts)}")
        height, width = self.canvas.size
        sums = np.add.reduceat(counts.astype(np.int64), starts[:-1]) if boxes else starts[:0]
        self.require("instance_counts", (sums == height * width).all(), f"sums {height * width}")
        return Instances(counts, starts, np.tile([[height, width]], (boxes, 1)))

    def masks(self) -> MappedPictures:
        place = self.found.place(self.part, "masks", "u1", (self.n, *self.canvas.size))
        highest = self.classes - 1 if 0 < self.classes <= UNKNOWN else UNKNOWN
        return MappedPictures(place, np.arange(self.n), highest)

    def targets(self) -> MappedPictures:
        shape = (self.n, None, None, self.canvas.channels)
        place = self.found.place(self.part, "targets", "u1", shape)
        times = factor(self.canvas.size, (place.shape[1], place.shape[2]))
        self.require("targets", times > 0, "a whole multiple of the canvas in size")
        return MappedPictures(place, np.arange(self.n), UNKNOWN)


def truths(stored: Stored) -> Truths:
    """All that the part has. Raises DataError for what no pack holds."""
    names = stored.found.parts[stored.part]
    out: dict[str, Any] = {}
    for name in ("label", "labels", "values", "landmarks", "matrices", "boxes", "masks", "targets"):
        if name in names or (name == "boxes" and "box_starts" in names):
            out[name] = getattr(stored, name)()
    if not out:
        raise DataError(f"{stored.found.path}: {stored.part} holds images but nothing to learn")
    return Truths(**out)


def _within(values: NDArray[Any], low: int, end: int) -> bool:
    return bool(values.size == 0 or (low <= values.min() and values.max() < end))
