"""Data sets: images by index, with their truths as columns and a source for every error.

Arrays in memory, or files decoded when asked for; and some rows of another set, or several sets as
one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline import images as pictures
from sightline.data.paths import Paths
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.threads import Crew
from sightline.types import Image, Images, Sample, Size


class Dataset(ABC):
    """Images with truths. `name` is spoken of in reports, `classes` name labels (or values),
    `top` is the largest value a pixel takes (255 for photographs, 16 for the digits), `ready` is
    (h, w, c) where all images lie ready on canvases of that shape, in a pack."""

    ready: tuple[int, int, int] | None = None
    name: str
    classes: tuple[str, ...]
    truths: Truths
    top: int

    @abstractmethod
    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        """The images at these indices; one array (n, h, w, c) where all are of one size."""

    @abstractmethod
    def source(self, index: int) -> str:
        """Where the sample came from, as a person would look it up."""

    def __len__(self) -> int:
        return len(self.truths)

    def __getitem__(self, index: int) -> Sample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of a set of {len(self)}")
        index %= len(self)
        return Sample(self.images([index])[0], self.truths.at(index), self.source(index))


class ArrayDataset(Dataset):
    """Images in memory: one array (n, h, w, c) uint8, or a list of arrays of differing size.

    `top` is looked up in the pixels where it is not given.
    """

    def __init__(
        self,
        images: Images,
        truths: Truths,
        classes: Sequence[str],
        name: str = "arrays",
        top: int | None = None,
        source: Callable[[int], str] | None = None,
    ) -> None:
        if len(images) != len(truths):
            raise DataError(f"{name}: {len(images)} images but {len(truths)} truths")
        label = truths.label
        if label is not None and len(label) and not 0 <= label.min() <= label.max() < len(classes):
            raise DataError(
                f"{name}: labels from {label.min()} to {label.max()}, for {len(classes)} classes"
            )
        self.name, self.classes, self.truths = name, tuple(classes), truths
        self.top = value_range(_highest(images)) if top is None else top
        self._images, self._source = images, source

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        if isinstance(self._images, np.ndarray):
            return self._images[np.asarray(indices, dtype=np.int64)]
        return [self._images[i] for i in indices]

    @property
    def pixels(self) -> NDArray[np.uint8] | None:
        """All images as they are held, where that is one array."""
        return self._images if isinstance(self._images, np.ndarray) else None

    def source(self, index: int) -> str:
        return self._source(index) if self._source else f"{self.name}:{index}"


class FileDataset(Dataset):
    """Files below `root`, decoded when asked for."""

    def __init__(
        self,
        root: Path,
        paths: Paths | Iterable[str],
        truths: Truths,
        classes: Sequence[str],
        name: str = "",
    ) -> None:
        self._crew = Crew()
        self.paths = paths if isinstance(paths, Paths) else Paths(root, paths)
        self.truths, self.classes = truths, tuple(classes)
        self.name, self.top = name or root.name, 255

    def path(self, index: int) -> Path:
        return self.paths.at(index)

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        rows = np.asarray(indices).tolist()
        return self._crew.spread(lambda row: pictures.read(self.paths.at(row)), rows)

    def reduced(
        self, indices: Sequence[int] | NDArray[np.int64], needed: Callable[[Size], Size]
    ) -> list[tuple[Image, Size]]:
        """The images, decoded no larger than `needed`, each with its whole size."""
        rows = np.asarray(indices).tolist()

        def read(row: int) -> tuple[Image, Size]:
            return pictures.read_reduced(self.paths.at(row), needed)

        return self._crew.spread(read, rows)

    def source(self, index: int) -> str:
        return str(self.paths.at(index))


class Subset(Dataset):
    """Some rows of another set, in a given order."""

    def __init__(self, whole: Dataset, rows: ArrayLike, name: str | None = None) -> None:
        self.whole, self.rows = whole, np.asarray(rows, dtype=np.int64)
        self.name, self.classes, self.top = name or whole.name, whole.classes, whole.top
        self.truths, self.ready = whole.truths.take(self.rows), whole.ready

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        return self.whole.images(self.rows[np.asarray(indices)])

    def source(self, index: int) -> str:
        return self.whole.source(int(self.rows[index]))


class Joined(Dataset):
    """Several sets of the same classes, one's rows after another's."""

    def __init__(self, wholes: Sequence[Dataset]) -> None:
        first = wholes[0]
        if len({(w.classes, w.top, frozenset(w.truths.columns)) for w in wholes}) > 1:
            raise DataError(f"{first.name}: its parts differ in classes, value range or truths")
        self.wholes, self.starts = tuple(wholes), np.cumsum([0, *map(len, wholes)])
        self.name, self.classes, self.top = first.name, first.classes, first.top
        self.truths = Truths.joined([whole.truths for whole in wholes])
        self.ready = first.ready if len({whole.ready for whole in wholes}) == 1 else None

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        rows = np.asarray(indices, dtype=np.int64)
        found: list[Any] = [None] * len(rows)
        for whole, inner, places in self.divided(rows):
            for place, image in zip(places.tolist(), whole.images(inner), strict=True):
                found[place] = image
        return found if len({image.shape for image in found}) != 1 else np.stack(found)

    def source(self, index: int) -> str:
        ((whole, inner, _),) = self.divided(np.array([index]))
        return whole.source(int(inner[0]))

    def divided(
        self, rows: NDArray[np.int64]
    ) -> list[tuple[Dataset, NDArray[np.int64], NDArray[np.int64]]]:
        """Each set that has some of these rows, its own rows, and where in `rows` they stand."""
        owner = np.searchsorted(self.starts, rows, side="right") - 1
        places = [(number, np.flatnonzero(owner == number)) for number in np.unique(owner).tolist()]
        return [(self.wholes[n], rows[at] - self.starts[n], at) for n, at in places]


def traced(dataset: Dataset, index: int) -> tuple[Dataset, int]:
    """The set of arrays or files, and the row in it, that an image comes from."""
    if isinstance(dataset, Subset):
        return traced(dataset.whole, int(dataset.rows[index]))
    if isinstance(dataset, Joined):
        ((whole, inner, _),) = dataset.divided(np.array([index]))
        return traced(whole, int(inner[0]))
    return dataset, index


def origin(dataset: Dataset, index: int) -> tuple[FileDataset, int] | None:
    """The set of files and the row in it that an image comes from; None for arrays."""
    whole, row = traced(dataset, index)
    return (whole, row) if isinstance(whole, FileDataset) else None


def as_dataset(X: Any, y: Any, name: str = "arrays") -> ArrayDataset:
    """A set from arrays as scikit-learn and Keras users hold them.

    X  (n, h, w), (n, h, w, c) or a list of (h, w[, c]); whole numbers 0 to 255, or floats in [0, 1]
    y  (n,) or (n, 1) class names or whole numbers; (n, classes) with a single 1 in each row, as
       Keras's to_categorical makes them; (n, classes) of 1, 0 and -1 for many labels; other
       floats to regress; (n, landmarks, 2) floats, x and y in pixels, nan where not visible

    The value range is looked up in X: digits of 0 to 16 are learned as 0 to 16.
    """
    if len(X) == 0:
        raise DataError(f"{name}: no images")
    arrays = [X] if isinstance(X, np.ndarray) else [np.asarray(x) for x in X]
    for i, array in enumerate(arrays):
        if array.size == 0:
            raise DataError(f"{name}:{i}: no pixels in {array.shape}")
    unit = all(a.dtype.kind == "f" and a.size and a.max() <= 1 for a in arrays)
    images: Any = [as_uint8(a, 255 if unit else None, f"{name}:{i}") for i, a in enumerate(arrays)]
    top = 255 if unit else value_range(max(int(a.max()) for a in images))
    if isinstance(X, np.ndarray):
        images = images[0]
        images = images[..., None] if images.ndim == 3 else images
        if images.ndim != 4 or images.shape[3] not in (1, 3):
            raise DataError(
                f"{name}: X must be (n, height, width) or (n, height, width, 1 or 3), not {X.shape}"
            )
    else:
        images = [pictures.with_channels(a) for a in images]
        for i, image in enumerate(images):
            if image.ndim != 3 or image.shape[2] not in (1, 3):
                raise DataError(
                    f"{name}:{i}: an image must be (height, width, 1 or 3), not {image.shape}"
                )
    try:
        truths, classes = _truths_from(np.asarray(y), name)
    except (ValueError, TypeError) as error:  # ragged, or kinds that have no order
        raise DataError(f"{name}: y must be one kind of number or name ({error})") from None
    return ArrayDataset(images, truths, classes, name, top)


def _highest(images: Images) -> int:
    arrays = [images] if isinstance(images, np.ndarray) else images
    return max((int(array.max()) for array in arrays if array.size), default=0)


def value_range(highest: int) -> int:
    """The top of the range that pixels up to `highest` were meant for.

    Only a set that never passes half of 255 has a top of its own; dark photographs have not.
    """
    return 255 if highest > 127 or highest < 1 else highest


def top_of(dataset: Dataset, highest: int) -> int:
    """The top of a set's value range: the one it has; of files, and of packs of files, which know
    none, the one that `highest`, the largest value met in them, was meant for."""
    if dataset.top != 255 or not len(dataset):
        return dataset.top
    base, _ = traced(dataset, 0)
    in_files = isinstance(base, FileDataset) or base.ready is not None
    return value_range(highest) if in_files else dataset.top


def as_uint8(array: NDArray, unit_top: int | None, source: str) -> NDArray[np.uint8]:
    """Pixels as uint8: whole numbers as they are; floats in [0, 1] times `unit_top` if given."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise DataError(f"{source}: pixels must be numbers, not {array.dtype}")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if unit_top is not None and array.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.rint(array * unit_top).astype(np.uint8)
    if not (low >= 0 and high <= 255):
        raise DataError(
            f"{source}: pixels from {low:g} to {high:g}; expected 0 to 255, or floats in [0, 1]"
        )
    if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise DataError(
            f"{source}: broken values between 0 and {high:g}; expected whole numbers to 255, "
            "or floats in [0, 1]"
        )
    return array.astype(np.uint8)


def _truths_from(y: NDArray, name: str) -> tuple[Truths, tuple[str, ...]]:
    if y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind != "f":
        y = y[:, 0]
    if y.ndim == 2 and y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all():
        return Truths(label=y.argmax(1)), tuple(str(i) for i in range(y.shape[1]))
    if y.ndim == 2 and y.dtype.kind in "iub" and y.shape[1] > 0:
        if not np.isin(y, (-1, 0, 1)).all():
            raise DataError(f"{name}: many labels must be 1 (yes), 0 (no) or -1 (unknown)")
        return Truths(labels=y.astype(np.int8)), tuple(str(i) for i in range(y.shape[1]))
    if y.dtype.kind == "f" and y.ndim in (1, 2):
        if not np.isfinite(y).all():
            raise DataError(f"{name}: values to learn must be finite")
        values = y.reshape(len(y), -1).astype(np.float32)
        return Truths(values=values), tuple(f"value{i}" for i in range(values.shape[1]))
    if y.dtype.kind == "f" and y.ndim == 3 and y.shape[2] == 2:
        if np.isinf(y).any():
            raise DataError(f"{name}: landmarks must be finite, or nan where not visible")
        hidden = np.isnan(y).any(2, keepdims=True)
        points = np.where(hidden, np.nan, y).astype(np.float32)
        return Truths(landmarks=points), tuple(f"landmark{i}" for i in range(y.shape[1]))
    if y.ndim != 1:
        raise DataError(f"{name}: y must be (n,), (n, k) or (n, landmarks, 2), not {y.shape}")
    classes, label = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"{name}: one class only ({classes[0]}); a classifier needs two or more")
    return Truths(label=label.astype(np.int64)), tuple(str(c) for c in classes)
