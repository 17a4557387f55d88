"""Tiny ImageNet (Stanford, cs231n): 200 classes of ImageNet at 64x64.

  words.txt                             a line for each of WordNet's nouns: id, tab, names
  train/n01443537/images/*.JPEG         500 a class; the boxes beside them are not read
  val/images/*.JPEG                     10,000, labelled by
  val/val_annotations.txt               picture, tab, id, tab, the corners of a box

Many have moved val's pictures into folders like those of train; that is read as well. The 10,000
pictures of test have no labels and are left alone.
"""

from pathlib import Path

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.readers import listing
from sightline.data.readers.published import distinct
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.wording import some

FOLDER = "tiny-imagenet-200"  # that the archive unpacks to
WORDS = "words.txt"
ANNOTATIONS = "val_annotations.txt"

Rows = list[tuple[str, int]]  # a picture's path below the set's root, and its class


def read(root: Path) -> Splits:
    """train and val, with classes in the order of their WordNet ids.

    A class is called by the first of its names in words.txt: "goldfish, Carassius auratus" is
    goldfish. Raises DataError with file and line for what is missing or malformed.
    """
    home = listing.child(root, (FOLDER,)) or root
    ids = listing.folders(home / "train")
    if len(ids) < 2:
        raise DataError(f"{home / 'train'}: expected a folder for each class")
    classes = _names(home / WORDS, ids)
    places = {key: index for index, key in enumerate(ids)}
    train = _folders(home, "train", places)
    listed = (home / "val" / ANNOTATIONS).is_file() or (home / "val" / "images").is_dir()
    val = _listed(home, places) if listed else _folders(home, "val", places)
    return Splits(*(_set(home, rows, classes, root.name) for rows in (train, val)))


def _names(path: Path, ids: list[str]) -> list[str]:
    wanted, found = set(ids), {}
    for number, line in listing.lines(path):
        key, tab, names = line.partition("\t")
        name = names.split(",")[0].strip()
        if not (tab and name):
            raise DataError(f"{path}:{number}: {line!r:.60}; expected a WordNet id, a tab, names")
        if key in wanted:
            found[key] = name
    unknown = [key for key in ids if key not in found]
    if unknown:
        raise DataError(f"{path}: no names for {some(unknown)}, classes of train/")
    return distinct([(key, found[key]) for key in ids])


def _folders(home: Path, part: str, places: dict[str, int]) -> Rows:
    """The pictures of a part that has a folder a class, with or without images/ in it."""
    unknown = sorted(set(listing.folders(home / part)) - set(places))
    if unknown:
        raise DataError(f"{home / part}: not in train/: {some(unknown)}")
    rows: Rows = []
    for key, index in places.items():
        folder = home / part / key
        inner = listing.child(folder, ("images",)) or folder
        names = listing.pictures(inner) if inner.is_dir() else []
        if not names:
            raise DataError(f"{inner}: no pictures")
        rows += [(f"{listing.below(home, inner)}/{name}", index) for name in names]
    return rows


def _listed(home: Path, places: dict[str, int]) -> Rows:
    """val's pictures in the order of their list; each picture must be in it, and once."""
    path, folder = home / "val" / ANNOTATIONS, home / "val" / "images"
    there = set(listing.pictures(folder)) if folder.is_dir() else set()
    rows: Rows = []
    seen: set[str] = set()
    for number, line in listing.lines(path):
        name, *rest = line.split("\t")
        if not rest:
            raise DataError(f"{path}:{number}: {line!r:.60}; expected a picture, a tab, its class")
        if rest[0] not in places:
            raise DataError(f"{path}:{number}: class {rest[0]!r:.40} has no folder in train/")
        if name not in there:
            raise DataError(f"{path}:{number}: no image {folder / name}")
        if name in seen:
            raise DataError(f"{path}:{number}: {name} is listed before")
        seen.add(name)
        rows.append((f"val/images/{name}", places[rest[0]]))
    alone = sorted(there - seen)
    if alone or not rows:
        raise DataError(f"{path}: does not list {some(alone) or 'any picture'}")
    return rows


def _set(home: Path, rows: Rows, classes: list[str], name: str) -> FileDataset:
    label = np.array([index for _, index in rows], np.int64)
    return FileDataset(home, [path for path, _ in rows], Truths(label=label), classes, name)
