"""The truths of a whole set, by column, so that a batch's targets are one gather."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline import images
from sightline.errors import DataError
from sightline.types import Annotation, Image

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of n images, one image's after another's.

    boxes    (m, 4) float32: x0, y0, x1, y1 in pixels of the original image
    classes  (m,) int64
    starts   (n + 1,) int64: image i has rows starts[i] to starts[i + 1]
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def at(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = slice(self.starts[index], self.starts[index + 1])
        return self.boxes[rows], self.classes[rows]

    def take(self, indices: Rows) -> "Boxes":
        counts = self.starts[indices + 1] - self.starts[indices]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        shift = np.repeat(self.starts[indices] - starts[:-1], counts)
        rows = np.arange(starts[-1]) + shift
        return Boxes(self.boxes[rows], self.classes[rows], starts)

    @staticmethod
    def joined(parts: Sequence["Boxes"]) -> "Boxes":
        """One part's images after another's."""
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return Boxes(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )

    @staticmethod
    def of(boxes: Sequence[ArrayLike], classes: Sequence[ArrayLike]) -> "Boxes":
        """From one array of boxes and one of classes an image; either may be empty."""
        tables = [np.asarray(b, np.float32).reshape(-1, 4) for b in boxes]
        labels = [np.asarray(c, np.int64).reshape(-1) for c in classes]
        starts = np.concatenate([[0], np.cumsum([len(t) for t in tables])]).astype(np.int64)
        return Boxes(
            np.concatenate([np.empty((0, 4), np.float32), *tables]),
            np.concatenate([np.empty(0, np.int64), *labels]),
            starts,
        )


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

    def _find(self, index: int) -> tuple[Pictures, int]:
        row = int(self.rows[index])
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.columns[number], row - int(self.starts[number])

    def at(self, index: int) -> NDArray[np.uint8]:
        column, row = self._find(index)
        return column.at(row)

    def take(self, indices: Rows) -> "JoinedPictures":
        return JoinedPictures(self.columns, self.rows[indices])

    def source(self, index: int) -> str:
        column, row = self._find(index)
        return column.source(row)


@final
class FileImages:
    """Target images in files, decoded when asked for."""

    def __init__(self, paths: "Paths") -> None:
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

    def __init__(self, paths: "Paths", classes: NDArray[np.int16]) -> None:
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


@final
class Paths:
    """Many paths below one root, as one array of bytes: a million of them in tens of megabytes."""

    def __init__(self, root: Path, names: Sequence[str] | NDArray[np.bytes_]) -> None:
        self.root = root
        if isinstance(names, np.ndarray):
            self.names = names
        else:
            encoded = [name.encode("utf-8", "surrogateescape") for name in names]
            self.names = np.array(encoded, dtype=np.bytes_)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """Relative to the root."""
        return bytes(self.names[index]).decode("utf-8", "surrogateescape")

    def at(self, index: int) -> Path:
        return self.root / self.name(index)

    def take(self, indices: Rows) -> "Paths":
        return Paths(self.root, self.names[indices])


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
    """

    label: NDArray[np.int64] | None = None
    labels: NDArray[np.int8] | None = None
    values: NDArray[np.float32] | None = None
    boxes: Boxes | None = None
    masks: Pictures | None = None
    targets: Pictures | None = None
    landmarks: NDArray[np.float32] | None = None

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
                found["boxes"], found["classes"] = column.at(index)
            elif name == "masks":
                found["mask"] = column.at(index)
            elif name == "targets":
                found["image"] = column.at(index)
            else:
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
