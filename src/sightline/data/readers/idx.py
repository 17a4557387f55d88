"""IDX, the format of MNIST (LeCun, Cortes and Burges) and Fashion-MNIST: ubyte, plain or .gz."""

import gzip
import math
import zlib
from collections.abc import Sequence
from functools import partial
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import ArrayDataset
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError

PARTS = {"train": "train", "test": "t10k"}
DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CAP = 2**31  # bytes of one array; MNIST's images are 47 million
DEFLATE = 1032  # no deflated stream grows more than this (zlib's technical notes)


def recognises(root: Path) -> bool:
    """Whether MNIST's training images lie in `root`, by name."""
    return _find(root, "train-images", 3) is not None


def read(root: Path, classes: Sequence[str] = DIGITS, name: str = "") -> Splits:
    """The four canonical files of `root` as train and test; FASHION names Fashion-MNIST's classes.

    Raises DataError for a missing file, and for one whose bytes are not what its header says.
    """
    name = name or root.name
    train, test = (_part(root, part, classes, name) for part in PARTS)
    return Splits(train, test=test)


def _part(root: Path, part: str, classes: Sequence[str], name: str) -> ArrayDataset:
    pixels_path = _require(root, f"{PARTS[part]}-images", 3)
    labels_path = _require(root, f"{PARTS[part]}-labels", 1)
    pixels, labels = array(pixels_path, 3), array(labels_path, 1)
    if len(pixels) != len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels but {len(pixels)} images")
    if labels.max() >= len(classes):
        row = int(np.argmax(labels >= len(classes)))
        raise DataError(
            f"{labels_path}: label {labels[row]} of image {row}; expected 0 to {len(classes) - 1}"
        )
    truths = Truths(label=labels.astype(np.int64))
    source = partial("{}/{}:{}".format, name, part)
    return ArrayDataset(pixels[..., None], truths, classes, name, source=source)


def _find(root: Path, what: str, dimensions: int) -> Path | None:
    for dash in "-.":  # train-images.idx3-ubyte is what some unpackers make of it
        for suffix in ("", ".gz"):
            path = root / f"{what}{dash}idx{dimensions}-ubyte{suffix}"
            if path.is_file():
                return path
    return None


def _require(root: Path, what: str, dimensions: int) -> Path:
    path = _find(root, what, dimensions)
    if path is None:
        raise DataError(f"{root}: no {what}-idx{dimensions}-ubyte or .gz of it")
    return path


def array(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of an IDX file; memory follows the bytes that are there, not those claimed."""
    try:
        size = path.stat().st_size
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return _array(file, dimensions, size * DEFLATE, str(path))
        with path.open("rb") as file:
            return _array(file, dimensions, size, str(path))
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gz ({error})") from None
    except OSError as error:  # gzip's own errors have no strerror
        raise DataError(f"{path}: {error.strerror or f'damaged gz ({error})'}") from None


def _array(file: BufferedIOBase, dimensions: int, most: int, source: str) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * dimensions)
    magic = bytes([0, 0, 8, dimensions])  # ubyte, that many dimensions
    if header[:4] != magic:
        raise DataError(f"{source}: starts with {header[:4].hex()}; expected {magic.hex()}")
    if len(header) < 4 + 4 * dimensions:
        raise DataError(f"{source}: cut short in its header")
    shape = [int(n) for n in np.frombuffer(header, ">u4", offset=4)]
    claimed = math.prod(shape)
    if claimed > min(most, CAP):
        what = " x ".join(map(str, shape))
        raise DataError(f"{source}: its header claims {what} bytes, more than it can hold")
    if not claimed:
        raise DataError(f"{source}: an empty array")
    data = bytearray(file.read(claimed + 1))  # the one more meets the end, where gz keeps its sum
    if len(data) < claimed:
        raise DataError(f"{source}: cut short: {len(data)} of {claimed} bytes")
    if len(data) > claimed:
        raise DataError(f"{source}: more than the {claimed} bytes its header claims")
    return np.frombuffer(data, np.uint8).reshape(shape)
