"""A set written in another format, into a new folder that is whole or absent."""

import re
from pathlib import Path

from sightline import files, images
from sightline.data.dataset import Dataset, origin
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.writers import WRITERS, Part, Tick
from sightline.errors import DataError, UnknownName

UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
IN_NAMES = re.compile(rf'{UNWANTED.pattern}|[<>:"|?*\\/]')  # what a file system may refuse
HOLDS = {
    "voc": ("boxes",),
    "coco": ("boxes",),
    "yolo": ("boxes",),
    "csv": ("label", "labels", "values", "landmarks", "boxes"),
}


def convert(splits: Splits, format: str, to: Path, tick: Tick = lambda _: None) -> None:
    """Write every label, box (to 1e-3 px) and empty image of a set, in COCO masks of objects too;
    its parts stay parts.

    format  voc, coco, yolo or csv
    to      a folder that is not there yet
    tick    is called with 1 for each image

    Raises UnknownName for another format, DataError for truths that the format cannot hold,
    OutputError where `to` is taken or cannot be written. Nothing is left behind on failure.
    """
    with files.output_errors(to), files.whole_folder(to) as folder:
        fill(folder, splits, format, tick)


def loses_masks(splits: Splits, format: str) -> bool:
    """Whether masks of objects, which COCO alone holds, are left out when `splits` is written."""
    boxes = [part.truths.boxes for part in splits.parts.values()]
    return format != "coco" and any(b is not None and b.instances is not None for b in boxes)


def fill(folder: Path, splits: Splits, format: str, tick: Tick = lambda _: None) -> None:
    """Write a set into an empty folder, as `convert` does; what fails leaves it half filled."""
    classes = checked(splits, format)
    names = file_names(splits.parts)
    parts = [Part(part, dataset, names[part]) for part, dataset in splits.parts.items()]
    WRITERS[format](folder, parts, classes, tick)


def checked(splits: Splits, format: str) -> tuple[str, ...]:
    """The classes, after a look at what cannot be written so that it reads back.

    Raises UnknownName for a format that is none, DataError.
    """
    if format not in WRITERS:
        raise UnknownName("format", format, WRITERS)
    train = splits.train
    for dataset in splits.parts.values():
        kinds = [kind for kind in dataset.truths.columns if kind != "matrices"]
        if len(kinds) != 1 or kinds[0] not in HOLDS[format]:
            raise DataError(
                f"{dataset.name}: {format} holds {' or '.join(HOLDS[format])}; "
                f"this set has {' and '.join(kinds)}"
            )
        if dataset.classes != train.classes or kinds[0] not in train.truths.columns:
            raise DataError(f"{dataset.name}: its parts differ in classes or truths")
    for name in train.classes:
        if name != name.strip() or not name or UNWANTED.search(name):
            raise DataError(
                f"{train.name}: class {name!r}; expected plain text without blanks around"
            )
    if len(set(train.classes)) < len(train.classes):
        raise DataError(f"{train.name}: two classes have one name")
    return train.classes


def file_names(parts: dict[str, Dataset]) -> dict[str, list[str]]:
    """A file name for each image; no two of all parts share a stem.

    The file's own name where that is enough, else its path with _ for /, numbered where need be.
    """
    short = {part: [_name(part, d, i) for i in range(len(d))] for part, d in parts.items()}
    stems = [listing.stem(name).casefold() for names in short.values() for name in names]
    if len(set(stems)) == len(stems):
        return short
    taken: set[str] = set()
    found: dict[str, list[str]] = {}
    for part, dataset in parts.items():
        found[part] = []
        for index in range(len(dataset)):
            name = _name(part, dataset, index, whole=True)
            first, suffix, number = listing.stem(name), Path(name).suffix, 1
            while listing.stem(name).casefold() in taken:
                number += 1
                name = f"{first}-{number}{suffix}"
            taken.add(listing.stem(name).casefold())
            found[part].append(name)
    return found


def _name(part: str, dataset: Dataset, index: int, whole: bool = False) -> str:
    found = origin(dataset, index)
    if found is None:
        return f"{part}-{index:06d}.png"
    path = found[0].paths.name(found[1])
    name = path.replace("/", "_") if whole else path.rpartition("/")[2]
    name = IN_NAMES.sub("_", name).strip()
    if Path(name).suffix.lower() not in images.SUFFIXES:
        name = f"{name}.png"
    return f"_{name}" if name.startswith(".") else name
