"""A flat folder with the label in the file name: `cat.0.jpg`, `dog.17.jpg` by `cat|dog`."""

import re
from array import array
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.paths import Paths
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError


def recognises(root: Path) -> bool:
    """Whether pictures lie loose in `root`; it takes a pattern to find their labels."""
    return root.is_dir() and bool(listing.loose(root))


def read(root: Path, label_from: str) -> Splits:
    """Files below `root`, or below root/train, root/test: each must match `label_from`.

    label_from  a regular expression searched in the file's name; the label is its group if it has
                one, else all that matched
    """
    pattern = listing.pattern(label_from, "label pattern")
    listing.require_folder(root)
    folders = {} if recognises(root) else listing.parts(root)
    seen: dict[str, int] = {}  # labels by the order in which they were met
    found = {
        part: _indexed(root, listing.below(root, folder), pattern, seen)
        for part, folder in (folders or {"train": root}).items()
    }
    classes = sorted(seen)
    if len(classes) < 2:
        raise DataError(f"{root}: one class only ({classes[0]}); a classifier needs two or more")
    position = np.array([classes.index(label) for label in seen])
    return Splits.of(
        {
            part: FileDataset(root, paths, Truths(label=position[codes]), classes)
            for part, (paths, codes) in found.items()
        }
    )


def _indexed(
    root: Path, inner: str, pattern: re.Pattern[str], seen: dict[str, int]
) -> tuple[Paths, np.ndarray]:
    """Paths below root/inner and the codes of their labels, which `seen` collects."""
    codes = array("q")

    def names() -> Iterator[str]:
        for name in listing.files(root / inner):
            label = listing.found(pattern, PurePosixPath(name).name)
            if not label:
                raise DataError(
                    f"{root / inner / name}: no label in its name by {pattern.pattern!r}"
                )
            codes.append(seen.setdefault(label, len(seen)))
            yield name if inner == "." else f"{inner}/{name}"

    paths = Paths(root, names())
    if not codes:
        raise DataError(f"{root / inner}: no files")
    return paths, np.array(codes)
