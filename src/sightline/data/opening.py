"""From a user's word to a set: the name of one, or a path whose format is recognised."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightline.data import catalog, pack
from sightline.data.readers import (
    cifar,
    coco,
    flat,
    folders,
    idx,
    instances,
    masks,
    pairs,
    table,
    voc,
    yolo,
)
from sightline.data.split import Splits
from sightline.errors import DataError, UnknownName
from sightline.talk import Silent, Talk

Say = Callable[[str], None]
MaskKind = Literal["classes", "instances"]


@dataclass(frozen=True)
class Hints:
    """What a folder does not say itself.

    label_from  a regular expression that finds the label in a file's name
    masks       whether the values of masks are classes or number the objects; COCO's masks of
                objects are read for `instances` alone
    """

    label_from: str | None = None
    masks: MaskKind = "classes"


NO_HINTS = Hints()


@dataclass(frozen=True)
class Format:
    """One way in which a set may lie on disk.

    recognises  whether a path is one, by its names alone; the first format that says so reads it
    """

    about: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Hints, Say], Splits]


def _masks(root: Path, hints: Hints, _: Say) -> Splits:
    return instances.read(root) if hints.masks == "instances" else masks.read(root)


def _coco(root: Path, hints: Hints, say: Say) -> Splits:
    return coco.read(root, say, hints.masks == "instances")


FORMATS = {
    "pack": Format("a pack (.h5)", pack.recognises, lambda p, *_: pack.read(p)),
    "csv": Format("a CSV that lists pictures", table.recognises, lambda p, *_: table.read(p)),
    "coco": Format("COCO's JSON", coco.recognises, _coco),
    "yolo": Format("YOLO's data.yaml", yolo.recognises, lambda p, *_: yolo.read(p)),
    "voc": Format("Pascal VOC's XML", voc.recognises, lambda p, *_: voc.read(p)),
    "idx": Format("IDX files, as MNIST's", idx.recognises, lambda p, *_: idx.read(p)),
    "cifar": Format("CIFAR's batches", cifar.recognises, lambda p, *_: cifar.read(p)),
    "pairs": Format("input/ beside target/", pairs.recognises, lambda p, *_: pairs.read(p)),
    "masks": Format("images/ beside masks/", masks.recognises, _masks),
    "folders": Format("class folders", folders.recognises, lambda p, *_: folders.read(p)),
}


def open_set(
    what: str, root: str | None = None, talk: Talk | None = None, hints: Hints = NO_HINTS
) -> Splits:
    """The set that `what` names: a bare word is one of the catalog, a path has a slash or suffix.

    root  where a named set is looked for first

    Raises UnknownName or DataError.
    """
    if is_path(what):
        return open_path(Path(what), talk, hints)
    if what in catalog.DATASETS:
        if hints != NO_HINTS:
            raise DataError(f"{what} is a named set; --label-from and --masks are for paths")
        return catalog.open_named(what, root, talk)
    if Path(what).exists():
        raise DataError(f"'{what}' is no named set; for the folder write ./{what}")
    raise UnknownName("data set", what, catalog.DATASETS)


def is_path(what: str) -> bool:
    """Whether a word as typed is a path rather than a name."""
    return "/" in what or "\\" in what or what in (".", "..") or "." in Path(what).name


def open_path(path: Path, talk: Talk | None = None, hints: Hints = NO_HINTS) -> Splits:
    """A file or folder in one of FORMATS. Raises DataError where it is in none, or malformed."""
    talk = talk or Silent()
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if hints.label_from is not None:
        return _named(path, flat.read(path, hints.label_from))
    for name, format in FORMATS.items():
        if format.recognises(path):
            if name != "folders":
                talk.say(f"{path}: read as {format.about}")
            return _named(path, format.read(path, hints, talk.say))
    if path.is_file():
        raise DataError(f"{path}: not a set; expected a folder, or a .csv, .json, .yaml or .h5")
    if flat.recognises(path):
        raise DataError(
            f"{path}: pictures but no class folders; where their names tell the class, say how: "
            "--label-from 'cat|dog'"
        )
    return folders.read(path)  # which says what it misses


def _named(path: Path, splits: Splits) -> Splits:
    """Raises DataError for a class whose name would steer the terminal it is printed on."""
    for name in splits.train.classes:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise DataError(f"{path}: class names must be printable, not {name!r:.60}")
    return splits
