"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), binary and Python versions, as published."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline import files
from sightline.data.dataset import ArrayDataset
from sightline.data.readers import listing, pickled
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError

PIXELS = 3 * 32 * 32  # a red, a green and a blue plane, row by row

HUGE = 10**30  # Python refuses to print numbers of some thousand digits


@dataclass(frozen=True)
class Layout:
    """How one of the four versions lies on disk.

    meta       the file of class names
    key        of the names in `meta`, and of the labels in a batch; Python versions
    labels     bytes before the pixels, and which of them is the label; binary versions
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str
    key: tuple[str, str] | None = None
    labels: tuple[int, int] = (1, 0)

    def lies_in(self, folder: Path) -> bool:
        return all((folder / name).is_file() for name in (self.train[0], self.meta))


BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
FINE = {
    "cifar-10-batches-bin": Layout(
        tuple(f"{name}.bin" for name in BATCHES), ("test_batch.bin",), "batches.meta.txt"
    ),
    "cifar-10-batches-py": Layout(
        BATCHES, ("test_batch",), "batches.meta", ("label_names", "labels")
    ),
    "cifar-100-binary": Layout(
        ("train.bin",), ("test.bin",), "fine_label_names.txt", labels=(2, 1)
    ),
    "cifar-100-python": Layout(("train",), ("test",), "meta", ("fine_label_names", "fine_labels")),
}
COARSE = {  # CIFAR-100 by its 20 groups of classes
    "cifar-100-binary": Layout(
        ("train.bin",), ("test.bin",), "coarse_label_names.txt", labels=(2, 0)
    ),
    "cifar-100-python": Layout(
        ("train",), ("test",), "meta", ("coarse_label_names", "coarse_labels")
    ),
}


def recognises(root: Path) -> bool:
    """Whether `root`, or the folder the archives unpack to within it, is CIFAR."""
    return _place(root, FINE) is not None


def read(root: Path, name: str = "", coarse: bool = False) -> Splits:
    """The official train and test. `coarse` takes CIFAR-100's 20 groups for its 100 classes.

    Raises DataError for a missing, cut or odd file, and for a pickle that holds more than arrays.
    """
    layouts = COARSE if coarse else FINE
    place = _place(root, layouts)
    if place is None:
        raise DataError(f"{root}: no CIFAR in it; expected one of {', '.join(layouts)}")
    folder, layout = place
    classes = _classes(folder, layout)
    sets = {}
    for part, batches in (("train", layout.train), ("test", layout.test)):
        read_batch = _binary if layout.key is None else _python
        read_all = [read_batch(folder / batch, layout, len(classes)) for batch in batches]
        labels = np.concatenate([column for _, column in read_all])
        pixels = np.empty((len(labels), 32, 32, 3), np.uint8)  # else it keeps the planes' order
        np.concatenate([_upright(batch) for batch, _ in read_all], out=pixels)
        source = partial("{}/{}:{}".format, name or root.name, part)
        sets[part] = ArrayDataset(
            pixels, Truths(label=labels), classes, name or root.name, source=source
        )
    return Splits.of(sets)


def _place(root: Path, layouts: dict[str, Layout]) -> tuple[Path, Layout] | None:
    for name, layout in layouts.items():
        for folder in (root, root / name):
            if layout.lies_in(folder):
                return folder, layout
    return None


def _classes(folder: Path, layout: Layout) -> list[str]:
    path = folder / layout.meta
    if layout.key is None:
        names = [line for _, line in listing.lines(path)]
    else:
        found = pickled.load(path).get(layout.key[0])
        names = found if isinstance(found, list) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: no class names")
    return names


def _upright(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 3072) planes -> (n, 32, 32, 3)."""
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]  # (n, 3072) and (n,)


def _binary(path: Path, layout: Layout, classes: int) -> Batch:
    before, which = layout.labels
    data = np.frombuffer(files.content(path, pickled.CAP), np.uint8)
    if not data.size or data.size % (before + PIXELS):
        raise DataError(
            f"{path}: {data.size} bytes; expected a multiple of {before + PIXELS} (one an image)"
        )
    rows = data.reshape(-1, before + PIXELS)
    return rows[:, before:], _checked(path, rows[:, which].astype(np.int64), classes)


def _python(path: Path, layout: Layout, classes: int) -> Batch:
    assert layout.key is not None
    batch, key = pickled.load(path), layout.key[1]
    pixels, labels = batch.get("data"), batch.get(key)
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise DataError(f"{path}: its data is no array of (n, {PIXELS})")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{path}: its {key} is no list of whole numbers")
    if not 0 < len(pixels) == len(labels):
        raise DataError(f"{path}: {len(pixels)} images but {len(labels)} labels")
    if max(labels) >= 2**31 or min(labels) < 0:
        lowest, highest = max(min(labels), -HUGE), min(max(labels), HUGE)
        raise DataError(f"{path}: labels from {lowest} to {highest}")
    return pixels, _checked(path, np.array(labels, np.int64), classes)


def _checked(path: Path, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    if labels.max() >= classes:
        row = int(np.argmax(labels >= classes))
        raise DataError(f"{path}: label {labels[row]} of image {row}; expected 0 to {classes - 1}")
    return labels
