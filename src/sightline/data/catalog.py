"""The named data sets: where they are looked for, how they come, and how a path becomes a set."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import platformdirs

from sightline.data import addresses, generated, shapes, triangles
from sightline.data.dataset import ArrayDataset
from sightline.data.fetching import fetched
from sightline.data.readers import (
    cifar,
    folders,
    idx,
    instances,
    masks,
    pairs,
    published,
    tiny_imagenet,
    voc,
)
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.download import Remote
from sightline.errors import DataError, UnknownName
from sightline.talk import Silent, Talk

NONE_ON_RECORD = "none on record"


@dataclass(frozen=True)
class Entry:
    """A named set.

    about    what it is
    licence  as its makers state it
    read     from its folder to its parts
    files    what its folder must hold, as said to a user who has to put it there
    remotes  its official addresses; an archive is unpacked and not kept
    mirror   whether a mirrored image still is of its class (a digit's is not)
    images   how many in each part, as published
    classes  how many; 0 where images are restored, not told apart
    task     what its truths are for
    """

    about: str
    licence: str
    read: Callable[[Path], Splits]
    files: str = ""
    remotes: tuple[Remote, ...] = ()
    mirror: bool = True
    _: KW_ONLY
    images: Mapping[str, int]
    classes: int
    task: str = "classification"

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


def _pennfudan(root: Path) -> Splits:
    return instances.read(published.folder(root, "PennFudanPed"), "person", "pennfudan")


DATASETS = {
    "digits": Entry(
        "handwritten digits, 8x8 grey, values 0 to 16; embedded in scikit-learn",
        "CC BY 4.0 (UCI, Alpaydin and Kaynak 1998)",
        _digits,
        mirror=False,
        images={"train": 1797},
        classes=10,
    ),
    "mnist": Entry(
        "handwritten digits, 28x28 grey",
        "CC BY-SA 3.0 (LeCun, Cortes and Burges)",
        lambda root: idx.read(root, idx.DIGITS, "mnist"),
        "train-images-idx3-ubyte.gz and the three files that go with it",
        addresses.MNIST,
        mirror=False,
        images={"train": 60_000, "test": 10_000},
        classes=10,
    ),
    "fashion-mnist": Entry(
        "articles of clothing, 28x28 grey",
        "MIT (Zalando)",
        lambda root: idx.read(root, idx.FASHION, "fashion-mnist"),
        "train-images-idx3-ubyte.gz and the three files that go with it",
        addresses.FASHION_MNIST,
        images={"train": 60_000, "test": 10_000},
        classes=10,
    ),
    "cifar10": Entry(
        "photographs of animals and vehicles, 32x32",
        NONE_ON_RECORD,
        lambda root: cifar.read(root, "cifar10"),
        "cifar-10-batches-bin/ or cifar-10-batches-py/",
        addresses.CIFAR10,
        images={"train": 50_000, "test": 10_000},
        classes=10,
    ),
    "cifar100": Entry(
        "photographs of a hundred kinds of things, 32x32",
        NONE_ON_RECORD,
        lambda root: cifar.read(root, "cifar100"),
        "cifar-100-binary/ or cifar-100-python/",
        addresses.CIFAR100,
        images={"train": 50_000, "test": 10_000},
        classes=100,
    ),
    "animals": Entry(
        "photographs of cats, dogs and pandas, 1,000 each",
        NONE_ON_RECORD,
        folders.read,
        "cats/, dogs/ and panda/",
        images={"train": 3000},
        classes=3,
    ),
    "dogs-vs-cats": Entry(
        "photographs of cats and dogs (Kaggle 2013; Elson et al. 2007); Microsoft's archive holds "
        "some broken files, which --quarantine leaves out",
        "Microsoft Research License Agreement (in the archive)",
        published.dogs_vs_cats,
        "train/cat.0.jpg, train/dog.0.jpg, … as from Kaggle, or PetImages/Cat/ and PetImages/Dog/",
        addresses.DOGS_VS_CATS,
        images={"train": 25_000},
        classes=2,
    ),
    "flowers17": Entry(
        "photographs of flowers, 80 each (Nilsback and Zisserman 2006)",
        NONE_ON_RECORD,
        published.flowers17,
        "jpg/image_0001.jpg to jpg/image_1360.jpg, or a folder for each of the 17 flowers",
        addresses.FLOWERS17,
        images={"train": 1360},
        classes=17,
    ),
    "caltech101": Entry(
        "photographs and drawings of objects, 31 to 800 each (Fei-Fei et al. 2004), without the "
        "clutter of BACKGROUND_Google",
        "CC BY 4.0 (CaltechDATA)",
        published.caltech101,
        "101_ObjectCategories/",
        addresses.CALTECH101,
        images={"train": 8677},
        classes=101,
    ),
    "tiny-imagenet": Entry(
        "photographs of 200 of ImageNet's classes, 64x64 (Stanford, cs231n)",
        f"{NONE_ON_RECORD} (ImageNet's terms: research and teaching)",
        tiny_imagenet.read,
        "words.txt, train/ and val/ of tiny-imagenet-200",
        addresses.TINY_IMAGENET,
        images={"train": 100_000, "val": 10_000},
        classes=200,
    ),
    "imagenet-samples": Entry(
        "photographs, one for every tenth class of ImageNet, to try trained networks on",
        f"{NONE_ON_RECORD} (ImageNet's terms: research and teaching)",
        published.imagenet_samples,
        "n01440764_tench.jpg and the 99 pictures that go with it",
        images={"train": 100},
        classes=100,
    ),
    "smiles": Entry(
        "faces, 3,690 that smile and 9,475 that do not, 64x64 grey",
        NONE_ON_RECORD,
        lambda root: published.class_folders(root, "SMILEs"),
        "SMILEs/positives/positives7/ and SMILEs/negatives/negatives7/",
        images={"train": 13_165},
        classes=2,
    ),
    "captcha": Entry(
        "digits cut from captchas, 1 to 9",
        NONE_ON_RECORD,
        lambda root: published.class_folders(root, "digits"),
        "digits/1/ to digits/9/",
        mirror=False,
        images={"train": 2019},
        classes=9,
    ),
    "orl-faces": Entry(
        "grey faces of 40 people, ten each, 92x112 (AT&T Laboratories Cambridge)",
        f"{NONE_ON_RECORD} (its makers ask to be named)",
        folders.read,
        "s1/ to s40/",
        images={"train": 400},
        classes=40,
    ),
    "lfw": Entry(
        "faces from the news, 250x250, one picture of most people (Huang et al. 2007)",
        NONE_ON_RECORD,
        published.lfw,
        "lfw/, lfw_funneled/ or lfw-deepfunneled/",
        addresses.LFW,
        images={"train": 13_233},
        classes=5749,
    ),
    "bccd": Entry(
        "blood smears 640x480 with boxes of three kinds of cell",
        "MIT (Shenggan/BCCD_Dataset)",
        voc.read,
        "BCCD/JPEGImages/, BCCD/Annotations/ and BCCD/ImageSets/Main/",
        images={"train": 205, "val": 87, "test": 72},
        classes=3,
        task="detection",
    ),
    "pennfudan": Entry(
        "street photographs with 423 people, their boxes and masks (Wang et al. 2007)",
        NONE_ON_RECORD,
        _pennfudan,
        "images/ and masks/, or PNGImages/ and PedMasks/",
        addresses.PENNFUDAN,
        images={"train": 170},
        classes=1,
        task="detection",
    ),
    "membrane": Entry(
        "electron microscopy slices 512x512 with masks of cells (ISBI 2012)",
        "MIT (zhixuhao/unet)",
        lambda root: masks.read(root, ("membrane", "cell")),
        "images/ and masks/",
        images={"train": 30},
        classes=2,
        task="segmentation",
    ),
    "t91": Entry(
        "color images for super-resolution (Yang et al. 2010)",
        NONE_ON_RECORD,
        pairs.read,
        "the pictures",
        images={"train": 91},
        classes=0,
        task="restoration",
    ),
    "shapes": Entry(
        "generated images 96x96 of colored shapes with boxes and masks",
        "Made by sightline, as free as it",
        lambda _: shapes.shapes(),
        images={"train": 1000, "test": 200},
        classes=5,
        task="detection",
    ),
    "triangles": Entry(
        "generated images 96x96 of a triangle with four landmarks, some hidden",
        "Made by sightline, as free as it",
        lambda _: triangles.triangles(),
        images={"train": 1000, "test": 200},
        classes=4,
        task="landmarks",
    ),
    "captchas": Entry(
        "generated captchas 150x36 of four digits with boxes",
        "Made by sightline, as free as it",
        lambda _: generated.captchas(),
        mirror=False,
        images={"train": 1000, "test": 200},
        classes=10,
        task="detection",
    ),
    "blobs": Entry(
        "generated images 16x16 of one spot in 3 classes, by where it is",
        "Made by sightline, as free as it",
        lambda _: generated.blobs(),
        mirror=False,
        images={"train": 800, "test": 200},
        classes=3,
    ),
    "set5": Entry(
        "color images to test super-resolution on (Bevilacqua et al. 2012)",
        NONE_ON_RECORD,
        pairs.read,
        "the pictures",
        images={"train": 5},
        classes=0,
        task="restoration",
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


def open_named(name: str, root: str | None = None, talk: Talk | None = None) -> Splits:
    """A set of the catalog; downloaded where it is nowhere and has an address.

    Raises UnknownName, or DataError that says which files to put where.
    """
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    entry = DATASETS[name]
    if entry.embedded:
        return entry.read(Path())
    return entry.read(find(name, root) or _fetched(name, entry, roots(root), talk or Silent()))


def _fetched(name: str, entry: Entry, places: Sequence[Path], talk: Talk) -> Path:
    folder = places[0] / name
    missing = f"{name} is in none of {', '.join(map(str, places))}; put {entry.files} into {folder}"
    if not entry.remotes:
        raise DataError(f"{missing} (it has no official address to download from)")
    try:
        return fetched(folder, entry.remotes, talk)
    except DataError as error:
        raise DataError(f"{missing}; downloading failed: {error}") from None
