"""Class folders: `root/cat/1.jpg`, or `root/train/cat/1.jpg` beside `root/test/…`."""

import os
from pathlib import Path

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError

PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
PARTS |= {"test": "test", "testing": "test", "train-dev": "train-dev", "train_dev": "train-dev"}
LITTER = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx"}
)  # left by file managers, never meant as data


def read(root: Path) -> Splits:
    """The class folders below `root`; each file in them is taken for a picture.

    Hidden files and what file managers leave are passed over; every other file must decode, and
    `check.examine` says so where it does not.
    """
    folders = _folders(root)
    named = {PARTS[name.lower()]: name for name in folders if name.lower() in PARTS}
    if "train" in named and (len(named) > 1 or len(folders) == 1):
        odd = sorted(set(folders) - set(named.values()))
        if odd:
            raise DataError(f"{root}: beside train, val and test there is also {', '.join(odd)}")
        classes = tuple(_folders(root / named["train"]))
        parts = {part: _part(root / name, classes) for part, name in named.items()}
        return Splits.of(parts)
    return Splits(_part(root, tuple(folders)))


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            names = [e.name for e in entries if e.is_dir() and not _hidden(e.name)]
    except OSError as error:
        raise DataError(f"{root}: {error.strerror}") from None
    return sorted(names)


def _part(root: Path, classes: tuple[str, ...]) -> FileDataset:
    if not classes:
        loose = sum(1 for _ in _files(root))
        what = f"{loose} files but no class folders" if loose else "nothing in it"
        raise DataError(f"{root}: {what}; expected a folder of pictures for each class")
    if len(classes) == 1:
        raise DataError(f"{root}: one class only ({classes[0]}); a classifier needs two or more")
    odd = [name for name in classes if not name.isprintable()]
    if odd:
        raise DataError(f"{root}: class names must be printable, not {odd[0]!r}")
    unknown = sorted(set(_folders(root)) - set(classes))
    if unknown:
        raise DataError(f"{root}: classes that are not in train: {', '.join(unknown)}")
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(_files(root / name)) if (root / name).is_dir() else []
        paths += [f"{name}/{file}" for file in found]
        labels += [label] * len(found)
    counts = np.bincount(labels, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if empty:
        raise DataError(f"{root}: no files for {', '.join(empty)}")
    return FileDataset(root, paths, Truths(label=np.array(labels, np.int64)), classes)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: {error.strerror}")


def _files(folder: Path) -> list[str]:
    """Files below `folder`, relative to it, without hidden ones and litter."""
    found: list[str] = []
    for here, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not _hidden(name)]
        inner = Path(here).relative_to(folder)
        found += [str(inner / name) for name in names if not _hidden(name)]
    return found
