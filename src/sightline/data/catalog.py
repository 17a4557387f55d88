"""The named data sets, and how a user's word becomes one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.data.dataset import ArrayDataset
from sightline.data.readers import folders, table
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError, UnknownName


@dataclass(frozen=True)
class Entry:
    """A named set: what it is, under which licence, and how it is opened.

    mirror  whether a mirrored image still is of its class (a digit's is not)
    """

    about: str
    licence: str
    open: Callable[[], Splits]
    mirror: bool = True


def _digits() -> Splits:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = bunch.images.astype(np.uint8)[..., None]  # (1797, 8, 8, 1), 0 to 16
    truths = Truths(label=bunch.target.astype(np.int64))
    return Splits(ArrayDataset(pixels, truths, [str(d) for d in range(10)], "digits", top=16))


DATASETS = {
    "digits": Entry(
        about="1,797 handwritten digits, 8x8 grey, values 0 to 16; embedded in scikit-learn",
        licence="CC BY 4.0 (UCI, Alpaydin and Kaynak 1998)",
        open=_digits,
        mirror=False,
    ),
}


def open_named(name: str) -> Splits:
    """A set of the catalog. Raises UnknownName."""
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    return DATASETS[name].open()


def open_path(path: Path) -> Splits:
    """A folder of class folders, or a CSV that lists pictures."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        return folders.read(path)
    if path.suffix.lower() == ".csv":
        return table.read(path)
    raise DataError(f"{path}: expected a folder of class folders, or a .csv that lists pictures")
