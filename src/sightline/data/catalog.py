"""The named data sets: where they are looked for, how they come, and how a path becomes a set."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from sightline import download
from sightline.data import generated, shapes
from sightline.data.dataset import ArrayDataset
from sightline.data.readers import cifar, folders, idx, masks, pairs, table, voc
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.download import Remote
from sightline.errors import DataError, UnknownName

NONE_ON_RECORD = "none on record"


@dataclass(frozen=True)
class Entry:
    """A named set.

    about    what it is, with counts
    licence  as its makers state it
    read     from its folder to its parts
    files    what its folder must hold, as said to a user who has to put it there
    remotes  its official addresses; an archive is unpacked
    mirror   whether a mirrored image still is of its class (a digit's is not)
    """

    about: str
    licence: str
    read: Callable[[Path], Splits]
    files: str = ""
    remotes: tuple[Remote, ...] = ()
    mirror: bool = True

    @property
    def embedded(self) -> bool:
        """Whether it comes with an installed package and needs no folder."""
        return not self.files


def _digits(_: Path) -> Splits:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = bunch.images.astype(np.uint8)[..., None]  # (1797, 8, 8, 1), 0 to 16
    truths = Truths(label=bunch.target.astype(np.int64))
    return Splits(ArrayDataset(pixels, truths, [str(d) for d in range(10)], "digits", top=16))


def _idx(base: str, digests: Sequence[str]) -> tuple[Remote, ...]:
    names = [
        f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    ]
    pairs_of = zip(names, digests, strict=True)
    return tuple(Remote(f"{base}/{name}-ubyte.gz", f"md5:{digest}") for name, digest in pairs_of)


# The md5 sums are those that torchvision publishes.
DATASETS = {
    "digits": Entry(
        "1,797 handwritten digits, 8x8 grey, values 0 to 16; embedded in scikit-learn",
        "CC BY 4.0 (UCI, Alpaydin and Kaynak 1998)",
        _digits,
        mirror=False,
    ),
    "mnist": Entry(
        "60,000 + 10,000 handwritten digits, 28x28 grey",
        "CC BY-SA 3.0 (LeCun, Cortes and Burges)",
        lambda root: idx.read(root, idx.DIGITS, "mnist"),
        "train-images-idx3-ubyte.gz and the three files that go with it",
        _idx(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
        ),
        mirror=False,
    ),
    "fashion-mnist": Entry(
        "60,000 + 10,000 articles of clothing in 10 classes, 28x28 grey",
        "MIT (Zalando)",
        lambda root: idx.read(root, idx.FASHION, "fashion-mnist"),
        "train-images-idx3-ubyte.gz and the three files that go with it",
        _idx(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        ),
    ),
    "cifar10": Entry(
        "50,000 + 10,000 photographs in 10 classes, 32x32",
        NONE_ON_RECORD,
        lambda root: cifar.read(root, "cifar10"),
        "cifar-10-batches-bin/ or cifar-10-batches-py/",
        (
            Remote(
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "md5:c58f30108f718f92721af3b95e74349a",
            ),
        ),
    ),
    "cifar100": Entry(
        "50,000 + 10,000 photographs in 100 classes, 32x32",
        NONE_ON_RECORD,
        lambda root: cifar.read(root, "cifar100"),
        "cifar-100-binary/ or cifar-100-python/",
        (
            Remote(
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                "md5:eb9058c3a382ffc7106e4002c42a8d85",
            ),
        ),
    ),
    "animals": Entry(
        "3 x 1,000 photographs of cats, dogs and pandas",
        NONE_ON_RECORD,
        folders.read,
        "cats/, dogs/ and panda/",
    ),
    "flowers17": Entry(
        "17 x 80 photographs of flowers (Nilsback and Zisserman 2006)",
        NONE_ON_RECORD,
        folders.read,
        "a folder for each of the 17 flowers",
    ),
    "smiles": Entry(
        "3,690 smiling and 9,475 other faces, 64x64 grey",
        NONE_ON_RECORD,
        lambda root: folders.read(root / "SMILEs"),
        "SMILEs/positives/positives7/ and SMILEs/negatives/negatives7/",
    ),
    "captcha": Entry(
        "2,019 digits cut from captchas, classes 1 to 9",
        NONE_ON_RECORD,
        lambda root: folders.read(root / "digits"),
        "digits/1/ to digits/9/",
        mirror=False,
    ),
    "orl-faces": Entry(
        "40 people x 10 grey faces, 92x112 (AT&T Laboratories Cambridge)",
        NONE_ON_RECORD,
        folders.read,
        "s1/ to s40/",
    ),
    "bccd": Entry(
        "364 blood smears 640x480 with boxes of three kinds of cell",
        "MIT (Shenggan/BCCD_Dataset)",
        voc.read,
        "BCCD/JPEGImages/, BCCD/Annotations/ and BCCD/ImageSets/Main/",
    ),
    "membrane": Entry(
        "30 electron microscopy slices 512x512 with masks of cells (ISBI 2012)",
        "MIT (zhixuhao/unet)",
        lambda root: masks.read(root, ("membrane", "cell")),
        "images/ and masks/",
    ),
    "t91": Entry(
        "91 color images for super-resolution (Yang et al. 2010)",
        NONE_ON_RECORD,
        pairs.read,
        "the pictures",
    ),
    "shapes": Entry(
        "1,000 + 200 generated images 96x96 of colored shapes with boxes and masks",
        "generated",
        lambda _: shapes.shapes(),
    ),
    "captchas": Entry(
        "1,000 + 200 generated captchas 150x36 of four digits with boxes",
        "generated",
        lambda _: generated.captchas(),
        mirror=False,
    ),
    "blobs": Entry(
        "800 + 200 generated images 16x16 of one spot in 3 classes, by where it is",
        "generated",
        lambda _: generated.blobs(),
        mirror=False,
    ),
    "set5": Entry(
        "5 color images to test super-resolution on (Bevilacqua et al. 2012)",
        NONE_ON_RECORD,
        pairs.read,
        "the pictures",
    ),
}


def roots(first: str | None = None) -> list[Path]:
    """Where sets are looked for: the root given, then SIGHTLINE_DATA, then the user's cache."""
    given = [first] if first else []
    given += [part for part in os.environ.get("SIGHTLINE_DATA", "").split(os.pathsep) if part]
    return [*map(Path, given), platformdirs.user_cache_path("sightline") / "data"]


def find(name: str, root: str | None = None) -> Path | None:
    """The folder of a named set, or None where it is nowhere."""
    places = [place / name for place in roots(root)]
    # Two sets of super-resolution come in one folder.
    places += [place / "superres" / name for place in roots(root)]
    return next((place for place in places if place.is_dir()), None)


def open_named(
    name: str, root: str | None = None, say: Callable[[str], None] = lambda _: None
) -> Splits:
    """A set of the catalog; downloaded where it is nowhere and has an address.

    Raises UnknownName, or DataError that says which files to put where.
    """
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    entry = DATASETS[name]
    if entry.embedded:
        return entry.read(Path())
    return entry.read(find(name, root) or _fetched(name, entry, roots(root), say))


def _fetched(name: str, entry: Entry, places: Sequence[Path], say: Callable[[str], None]) -> Path:
    folder = places[0] / name
    missing = f"{name} is in none of {', '.join(map(str, places))}; put {entry.files} into {folder}"
    if not entry.remotes:
        raise DataError(f"{missing} (it has no official address to download from)")
    say(f"{name}: downloading to {folder}")
    waiting = places[0] / f".{name}.download"
    try:
        found = [download.fetch(remote, waiting, say) for remote in entry.remotes]
    except DataError as error:
        raise DataError(f"{missing}; downloading failed: {error}") from None
    if found[0].name.endswith((".tar.gz", ".tgz", ".zip")):
        download.extract(found[0], folder)
    else:
        waiting.rename(folder)
    return folder


def open_path(path: Path) -> Splits:
    """A folder of class folders, or a CSV that lists pictures."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        return folders.read(path)
    if path.suffix.lower() == ".csv":
        return table.read(path)
    raise DataError(f"{path}: expected a folder of class folders, or a .csv that lists pictures")
