"""Fingerprints: whether the data are still those that a run began with."""

import hashlib
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.boxes import Boxes
from sightline.data.dataset import Dataset, FileDataset, Joined, Subset
from sightline.data.paths import Paths
from sightline.data.truths import FileImages, FileMasks, JoinedPictures, Pictures, Truths
from sightline.errors import DataError

SAMPLED = 4096  # bytes of a file that are looked at


def fingerprint(dataset: Dataset) -> str:
    """A hash that changes when the data does: truths, all pixels of arrays; of files, masks and
    targets too, the names below their root, their sizes and their last 4 KB.

    Raises DataError for a file that is gone.
    """
    digest = hashlib.sha256(repr((len(dataset), dataset.classes, dataset.top)).encode())
    _update_with_truths(digest, dataset.truths)
    _update_with_content(digest, dataset, np.arange(len(dataset)))
    return digest.hexdigest()[:16]


def _update_with_truths(digest: Any, truths: Truths) -> None:
    for name, column in truths.columns.items():
        digest.update(name.encode())
        if isinstance(column, np.ndarray):
            digest.update(np.ascontiguousarray(column))
        elif isinstance(column, Boxes):
            masks = column.instances
            drawn = () if masks is None else (masks.counts, masks.starts, masks.sizes)
            for part in (column.boxes, column.classes, column.starts, *drawn):
                digest.update(np.ascontiguousarray(part))
        else:
            for row in range(len(column)):
                _update_with_picture(digest, column, row)


def _update_with_picture(digest: Any, column: Pictures, row: int) -> None:
    """A mask or a target image."""
    if isinstance(column, JoinedPictures):
        _update_with_picture(digest, *column.find(row))
    elif isinstance(column, FileImages | FileMasks):
        _update_with_file(digest, column.paths, row)
    else:
        digest.update(np.ascontiguousarray(column.at(row)))


def _update_with_content(digest: Any, dataset: Dataset, rows: NDArray[np.int64]) -> None:
    if isinstance(dataset, Subset):
        digest.update(dataset.rows[rows])
        _update_with_content(digest, dataset.whole, dataset.rows[rows])
    elif isinstance(dataset, Joined):
        for whole, inner, _ in dataset.divided(rows):
            _update_with_content(digest, whole, inner)
    elif isinstance(dataset, FileDataset):
        for row in rows.tolist():
            _update_with_file(digest, dataset.paths, row)
    else:
        for start in range(0, len(rows), 256):
            for image in dataset.images(rows[start : start + 256]):
                digest.update(np.ascontiguousarray(image))


def _update_with_file(digest: Any, paths: Paths, row: int) -> None:
    path = paths.at(row)
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - SAMPLED))
            tail = file.read(SAMPLED)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    digest.update(f"{paths.name(row)}:{size}\n".encode("utf-8", "surrogateescape"))
    digest.update(tail)
