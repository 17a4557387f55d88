"""The truths of a whole set, by column, so that a batch's targets are one gather."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.data.boxes import Boxes
from sightline.data.paths import Paths
from sightline.errors import DataError
from sightline.types import Annotation, Image

Rows = NDArray[np.int64]


class Pictures(Protocol):
    """Truths that are pictures: masks (h, w) or target images (h, w, c), read when asked for."""

    def __len__(self) -> int: ...
    def at(self, index: int) -> NDArray[np.uint8]: ...
    def take(self, indices: Rows) -> "Pictures": ...
    def source(self, index: int) -> str: ...


@final
class ArrayPictures:
    """Pictures in memory: one array, or a list of arrays of differing size."""

    def __init__(self, pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def at(self, index: int) -> NDArray[np.uint8]:
        return self.pictures[index]

    def take(self, indices: Rows) -> "ArrayPictures":
        if isinstance(self.pictures, np.ndarray):
            return ArrayPictures(self.pictures[indices])
        return ArrayPictures([self.pictures[int(i)] for i in indices])

    def source(self, index: int) -> str:
        return f"mask {index}"


@final
class JoinedPictures:
    """Pictures of several sets, one set's after another's; `rows` are those of all that it has."""

    def __init__(self, columns: Sequence[Pictures], rows: Rows | None = None) -> None:
        self.columns, self.starts = tuple(columns), np.cumsum([0, *map(len, columns)])
        self.rows = np.arange(self.starts[-1]) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, index: int) -> tuple[Pictures, int]:
        """The column that a picture is from, and its row there."""
        row = int(self.rows[index])
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.columns[number], row - int(self.starts[number])

    def at(self, index: int) -> NDArray[np.uint8]:
        column, row = self.find(index)
        return column.at(row)

    def take(self, indices: Rows) -> "JoinedPictures":
        return JoinedPictures(self.columns, self.rows[indices])

    def source(self, index: int) -> str:
        column, row = self.find(index)
        return column.source(row)


@final
class FileImages:
    """Target images in files, decoded when asked for."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def at(self, index: int) -> Image:
        return images.read(self.paths.at(index))

    def take(self, indices: Rows) -> "FileImages":
        return FileImages(self.paths.take(indices))

    def source(self, index: int) -> str:
        return str(self.paths.at(index))


@final
class FileMasks:
    """Masks in files, decoded when asked for.

    classes  (256,) int16: the class of each pixel value, -1 where the value is not expected
    """

    def __init__(self, paths: Paths, classes: NDArray[np.int16]) -> None:
        self.paths, self.classes = paths, classes

    def __len__(self) -> int:
        return len(self.paths)

    def at(self, index: int) -> NDArray[np.uint8]:
        path = self.paths.at(index)
        values = images.read_mask(path)
        mask = self.classes[values]
        if mask.min() < 0:
            odd = sorted({int(v) for v in np.unique(values) if self.classes[v] < 0})
            known = np.flatnonzero(self.classes >= 0).tolist()
            raise DataError(f"{path}: unknown mask values {odd[:5]}; expected {known[:12]}")
        return mask.astype(np.uint8)

    def take(self, indices: Rows) -> "FileMasks":
        return FileMasks(self.paths.take(indices), self.classes)

    def source(self, index: int) -> str:
        return str(self.paths.at(index))


@dataclass(frozen=True, eq=False, kw_only=True)
class Truths:
    """Columns of a set's truths; those that are set agree in length.

    label      (n,) int64: one class an image
    labels     (n, classes) int8: 1 yes, 0 no, -1 unknown
    values     (n, k) float32: regression
    boxes      objects in each image
    masks      a class a pixel
    targets    what a restoration should make of each image
    landmarks  (n, k, 2) float32, nan where not visible
    matrices   (n, 2, 3) float64, of landmarks that lie on canvases: from the original's pixels to
               those of its canvas
    """

    label: NDArray[np.int64] | None = None
    labels: NDArray[np.int8] | None = None
    values: NDArray[np.float32] | None = None
    boxes: Boxes | None = None
    masks: Pictures | None = None
    targets: Pictures | None = None
    landmarks: NDArray[np.float32] | None = None
    matrices: NDArray[np.float64] | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """Those that are set, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: column for name, column in named.items() if column is not None}

    @property
    def task(self) -> str:
        """The task that learns these truths."""
        tasks = {
            "boxes": "detection",
            "masks": "segmentation",
            "targets": "restoration",
            "labels": "multilabel",
            "label": "classification",
            "landmarks": "landmarks",
            "values": "regression",
        }
        return next(task for name, task in tasks.items() if getattr(self, name) is not None)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def at(self, index: int) -> Annotation:
        """The truth of one image; reads its mask or target if it has one."""
        found: dict[str, Any] = {}
        for name, column in self.columns.items():
            if name == "boxes":
                found |= column.at(index)
            elif name == "masks":
                found["mask"] = column.at(index)
            elif name == "targets":
                found["image"] = column.at(index)
            elif name != "matrices":
                found[name] = column[index]
        if "label" in found:
            found["label"] = int(found["label"])
        return Annotation(**found)

    def take(self, indices: Rows) -> "Truths":
        """The rows at these indices, in their order."""
        changed: dict[str, Any] = {
            name: column[indices] if isinstance(column, np.ndarray) else column.take(indices)
            for name, column in self.columns.items()
        }
        return replace(self, **changed)

    @staticmethod
    def joined(parts: Sequence["Truths"]) -> "Truths":
        """One part's rows after another's."""
        out: dict[str, Any] = {}
        for name in parts[0].columns:
            columns = [getattr(part, name) for part in parts]
            if name == "boxes":
                out[name] = Boxes.joined(columns)
            elif name in ("masks", "targets"):
                out[name] = _joined_pictures(columns)
            else:
                out[name] = np.concatenate(columns)
        return Truths(**out)


def _joined_pictures(columns: Sequence[Pictures]) -> Pictures:
    """One array where all are arrays of one size, as those of a set on its canvases are."""
    arrays: list[NDArray[np.uint8]] = []
    for column in columns:
        if isinstance(column, ArrayPictures) and isinstance(column.pictures, np.ndarray):
            arrays.append(column.pictures)
    if len(arrays) == len(columns) and len({array.shape[1:] for array in arrays}) == 1:
        return ArrayPictures(np.concatenate(arrays))
    return JoinedPictures(columns)
