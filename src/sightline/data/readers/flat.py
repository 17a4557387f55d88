"""A flat folder with the label in the file name: `cat.0.jpg`, `dog.17.jpg` by `cat|dog`."""

import re
from pathlib import Path, PurePosixPath

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.images import SUFFIXES


def recognises(root: Path) -> bool:
    """Whether pictures lie loose in `root`; it takes a pattern to find their labels."""
    return root.is_dir() and any(path.suffix.lower() in SUFFIXES for path in root.iterdir())


def read(root: Path, label_from: str) -> Splits:
    """Files below `root`, or below root/train, root/test: each must match `label_from`.

    label_from  a regular expression searched in the file's name; the label is its group if it has
                one, else all that matched
    """
    try:
        pattern = re.compile(label_from)
    except re.error as error:
        raise DataError(f"label pattern {label_from!r}: {error}") from None
    if pattern.groups > 1:
        raise DataError(f"label pattern {label_from!r}: {pattern.groups} groups; expected one")
    folders = {} if recognises(root) else listing.parts(root)
    found = {
        part: _labels(folder, pattern) for part, folder in (folders or {"train": root}).items()
    }
    classes = sorted({label for labels in found.values() for label in labels.values()})
    if len(classes) < 2:
        raise DataError(f"{root}: one class only ({classes[0]}); a classifier needs two or more")
    return listing.splits(
        {part: _set(folders.get(part, root), found[part], classes, root.name) for part in found}
    )


def _labels(folder: Path, pattern: re.Pattern[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name in listing.files(folder):
        match = pattern.search(PurePosixPath(name).name)
        label = match[pattern.groups] if match else None
        if not label:
            raise DataError(f"{folder / name}: no label in its name by {pattern.pattern!r}")
        labels[name] = label
    if not labels:
        raise DataError(f"{folder}: no files")
    return labels


def _set(folder: Path, labels: dict[str, str], classes: list[str], name: str) -> FileDataset:
    position = {label: index for index, label in enumerate(classes)}
    column = np.array([position[label] for label in labels.values()], np.int64)
    return FileDataset(folder, list(labels), Truths(label=column), classes, name)
