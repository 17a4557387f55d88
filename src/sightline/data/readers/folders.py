"""Class folders: `root/cat/1.jpg`, or `root/train/cat/1.jpg` beside `root/test/…`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.paths import Paths
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.wording import some


def recognises(root: Path) -> bool:
    """Whether there are folders in `root`."""
    return bool(listing.folders(root))


def read(root: Path) -> Splits:
    """The class folders below `root`; each file in them is taken for a picture.

    Hidden files and what file managers leave are passed over; every other file must decode, and
    `check.examine` says so where it does not. Raises DataError for pictures beside the folders,
    which have no class.
    """
    listing.require_folder(root)
    folders = listing.folders(root)
    named = {listing.PARTS[name.lower()]: name for name in folders if name.lower() in listing.PARTS}
    if "train" in named and (len(named) > 1 or len(folders) == 1):
        odd = sorted(set(folders) - set(named.values()))
        if odd:
            raise DataError(f"{root}: beside train, val and test there is also {', '.join(odd)}")
        classes = tuple(listing.folders(root / named["train"]))
        return Splits.of({part: _part(root, name, classes) for part, name in named.items()})
    return Splits(_part(root, "", tuple(folders)))


def _part(root: Path, name: str, classes: tuple[str, ...]) -> FileDataset:
    place = root / name
    _check_classes(place, classes)
    counts: list[int] = []

    def files() -> Iterator[str]:
        for label in classes:
            before, found = f"{name}/{label}" if name else label, 0
            if (place / label).is_dir():
                for file in listing.files(place / label):
                    found += 1
                    yield f"{before}/{file}"
            counts.append(found)

    paths = Paths(root, files())
    empty = [label for label, count in zip(classes, counts, strict=True) if count == 0]
    if empty:
        raise DataError(f"{place}: no files for {', '.join(empty)}")
    labels = np.repeat(np.arange(len(classes)), counts)
    return FileDataset(root, paths, Truths(label=labels), classes, name or root.name)


def _check_classes(place: Path, classes: tuple[str, ...]) -> None:
    if not classes:
        loose = sum(1 for _ in listing.files(place))
        what = f"{loose} files but no class folders" if loose else "nothing in it"
        raise DataError(f"{place}: {what}; expected a folder of pictures for each class")
    if len(classes) == 1:
        raise DataError(f"{place}: one class only ({classes[0]}); a classifier needs two or more")
    odd = [name for name in classes if not name.isprintable()]
    if odd:
        raise DataError(f"{place}: class names must be printable, not {odd[0]!r}")
    unknown = sorted(set(listing.folders(place)) - set(classes))
    if unknown:
        raise DataError(f"{place}: classes that are not in train: {', '.join(unknown)}")
    loose_ones = listing.loose(place)
    if loose_ones:
        raise DataError(
            f"{place}: pictures beside the class folders: {some(loose_ones)}; "
            "move them into a class or elsewhere"
        )
