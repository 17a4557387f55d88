"""Sets that their makers laid out in a way of their own; one function a set.

Classes and their order are the same for every layout that a set is found in.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.readers import folders, listing
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.wording import some

PETS = {"cat": "Cat", "dog": "Dog"}  # class, and its folder in Microsoft's archive
CALTECH = "101_ObjectCategories"
BACKGROUND = "BACKGROUND_Google"  # clutter to tell objects from; no object, and in no published 101
LFW = ("lfw", "lfw_funneled", "lfw-deepfunneled")  # as photographed, and two ways of aligning
# image_0001.jpg to image_0080.jpg are daffodils, the next 80 snowdrops, and so on.
FLOWERS = (
    *("daffodil", "snowdrop", "lilyvalley", "bluebell", "crocus", "iris", "tigerlily", "tulip"),
    *("fritillary", "sunflower", "daisy", "coltsfoot", "dandelion", "cowslip", "buttercup"),
    *("windflower", "pansy"),
)
EACH = 80  # pictures of a flower
WORDNET = re.compile(r"(n\d{8})_(.+)")  # of a picture's stem: n01440764_tench


def class_folders(root: Path, inner: str) -> Splits:
    """A folder for each class in the folder `inner` of `root`; files may lie deeper in them."""
    home = root / inner
    names = listing.folders(home)
    if not names:
        raise DataError(f"{root}: no {inner}/ with a folder for each class")
    return Splits(_by_folder(root.name, home, {name: name for name in names}))


def folder(root: Path, inner: str) -> Path:
    """`root`, or the folder of that name within it, as an archive makes one."""
    return root / inner if (root / inner).is_dir() else root


def dogs_vs_cats(root: Path) -> Splits:
    """Kaggle's train/cat.0.jpg, train/dog.0.jpg, or Microsoft's PetImages/Cat and PetImages/Dog.

    Kaggle's test pictures have no labels and are left alone. Every file is taken for a picture:
    those of Microsoft's archive that are broken are for `check.examine` to name.
    """
    pets = listing.child(root, ("PetImages",))
    if pets:
        return Splits(_by_folder(root.name, pets, PETS))
    train = listing.child(root, ("train",))
    if train is None:
        raise DataError(f"{root}: no train/ with cat.0.jpg and dog.0.jpg, and no PetImages/")
    found: dict[str, list[str]] = {name: [] for name in PETS}
    for name in listing.files(train):
        label = PurePosixPath(name).name.split(".", 1)[0]
        if label not in found:
            raise DataError(f"{train / name}: expected cat.NUMBER.jpg or dog.NUMBER.jpg")
        found[label].append(name)
    return Splits(_labelled(root.name, train, found))


def caltech101(root: Path) -> Splits:
    """A folder for each of the 101 objects; the clutter of BACKGROUND_Google is left out.

    The archive holds an archive; raises DataError where that is still packed.
    """
    homes = (root / CALTECH, root / "caltech-101" / CALTECH)
    home = next((place for place in homes if place.is_dir()), None)
    if home is None:
        packed = [place.with_name(f"{CALTECH}.tar.gz") for place in homes]
        for archive in packed:
            if archive.is_file():
                raise DataError(f"{archive}: still packed; unpack it where it lies")
        raise DataError(f"{root}: no {CALTECH}/")
    names = [name for name in listing.folders(home) if name != BACKGROUND]
    return Splits(_by_folder(root.name, home, {name: name for name in names}))


def lfw(root: Path) -> Splits:
    """A folder for each person, in `root` or in one of LFW within it.

    A person of one picture is kept: 4,069 of the 5,749 are. They serve retrieval and verification;
    a stratified split refuses them.
    """
    inner = [name for name in LFW if (root / name).is_dir()]
    if len(inner) > 1:
        raise DataError(f"{root}: {' and '.join(f'{name}/' for name in inner)}; keep one of them")
    home = root / inner[0] if inner else root
    return Splits(_by_folder(root.name, home, {name: name for name in listing.folders(home)}))


def flowers17(root: Path) -> Splits:
    """Oxford's jpg/image_0001.jpg to image_1360.jpg, 80 a flower in order; or class folders."""
    home = listing.child(root, ("jpg",))
    if home is None:
        return folders.read(root)
    found: dict[str, list[str]] = {name: [] for name in sorted(FLOWERS)}
    for name in listing.pictures(home):
        number = re.fullmatch(r"image_(\d{4})\.jpg", name)
        place = (int(number[1]) - 1) // EACH if number else -1
        if not 0 <= place < len(FLOWERS):
            last = EACH * len(FLOWERS)
            raise DataError(f"{home / name}: expected image_0001.jpg to image_{last}.jpg")
        found[FLOWERS[place]].append(name)
    return Splits(_labelled(root.name, home, found))


def imagenet_samples(root: Path) -> Splits:
    """Pictures named n01440764_tench.jpg; classes in ImageNet's order, by WordNet id."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in listing.pictures(root):
        match = WORDNET.fullmatch(PurePosixPath(name).stem)
        if match is None:
            raise DataError(f"{root / name}: expected a name like n01440764_tench.jpg")
        found.setdefault((match[1], match[2]), []).append(name)
    keys = sorted(found)
    names = distinct(keys)
    by_name = {name: found[key] for name, key in zip(names, keys, strict=True)}
    return Splits(_labelled(root.name, root, by_name))


def distinct(classes: Sequence[tuple[str, str]]) -> list[str]:
    """Names of (WordNet id, name) pairs; a name of several is followed by its id.

    ImageNet has two cranes, a bird and a machine, and two kinds of maillot.
    """
    names = [name for _, name in classes]
    return [f"{name} ({key})" if names.count(name) > 1 else name for key, name in classes]


def _by_folder(name: str, home: Path, places: Mapping[str, str]) -> FileDataset:
    """The set of every file in the folders of `home`, which are given by class."""
    found = {}
    for label, folder in places.items():
        files = listing.files(home / folder)
        found[label] = [f"{folder}/{file}" for file in files]
    return _labelled(name, home, found)


def _labelled(name: str, home: Path, found: Mapping[str, Sequence[str]]) -> FileDataset:
    """The set of these files below `home`, by class; raises DataError for a class without any."""
    if len(found) < 2:
        raise DataError(f"{home}: expected two classes or more, not {len(found)}")
    empty = [label for label, files in found.items() if not files]
    if empty:
        raise DataError(f"{home}: no files for {some(empty)}")
    odd = [label for label in found if not label.isprintable()]
    if odd:
        raise DataError(f"{home}: class names must be printable, not {odd[0]!r}")
    label = np.repeat(np.arange(len(found)), [len(files) for files in found.values()])
    paths = [path for files in found.values() for path in files]
    return FileDataset(home, paths, Truths(label=label), tuple(found), name)
