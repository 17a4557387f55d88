"""images/ beside masks/: a class a pixel, matched by stem; or root/train/images, root/val/…"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.data.dataset import FileDataset
from sightline.data.paths import Paths
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.truths import FileMasks, Truths
from sightline.errors import DataError
from sightline.threads import spread

IMAGES = ("images", "image", "imgs", "PNGImages")
MASKS = ("masks", "mask", "PedMasks")
ENDING = "_mask"  # which a mask's stem may have: a.jpg, a_mask.png
VOID = 255  # of a mask: pixels that count for nothing
MOST = 64  # values; what has more is a photograph or a map of instances


def recognises(root: Path) -> bool:
    """Whether images/ and masks/ lie in `root`, or in its part train."""
    return bool(listing.twins(root, IMAGES, MASKS))


def read(root: Path, classes: Sequence[str] | None = None, void: int | None = None) -> Splits:
    """Images with masks, whose sizes must agree.

    classes  of the pixel values 0, 1, …; of two, the second may be written as 255. Without them,
             every mask is looked at, and its values become background, class1, …
    void     the pixel value that counts for nothing; found by looking, 255 beside 0, 1, … k is

    Raises DataError for an image without a mask and the reverse, sizes that differ, values that
    are no classes.
    """
    found = pairs(root)
    if classes is None:
        values = _values([root / mask for part in found.values() for _, mask in part])
        codes, names = _codes(root, values, void)
    else:
        codes, names = _given(classes, void), list(classes)
    sets = {}
    for part, both in found.items():
        masks = FileMasks(Paths(root, [mask for _, mask in both]), codes)
        sets[part] = FileDataset(root, [image for image, _ in both], Truths(masks=masks), names)
    return Splits.of(sets)


def pairs(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Image and mask by part, relative to `root`. Raises DataError as `read` does."""
    folders = listing.twins(root, IMAGES, MASKS)
    if not folders:
        raise DataError(f"{root}: no images/ beside masks/")
    return {part: _pairs(root, *both) for part, both in folders.items()}


def _pairs(root: Path, left: Path, right: Path) -> list[tuple[str, str]]:
    """Image and mask, relative to `root`; their sizes by their headers."""
    found = [(left / ours, right / theirs) for ours, theirs in listing.paired(left, right, ENDING)]
    for image, mask in found:
        ours, theirs = images.size(image), images.size(mask)
        if ours != theirs:
            raise DataError(
                f"{mask}: {theirs[1]}x{theirs[0]} pixels, its image {ours[1]}x{ours[0]}"
            )
    return [(listing.below(root, image), listing.below(root, mask)) for image, mask in found]


def _values(paths: list[Path]) -> list[int]:
    """Every value that a pixel of these masks takes."""

    def look(path: Path) -> NDArray[np.bool_]:
        found = np.bincount(images.read_mask(path).ravel(), minlength=256) > 0
        if found.sum() > MOST:
            raise DataError(f"{path}: {found.sum()} values; a mask of classes has {MOST} at most")
        return found

    seen = np.zeros(256, bool)
    for found in spread(look, paths):
        seen |= found
    return np.flatnonzero(seen).tolist()


def _codes(root: Path, values: list[int], void: int | None) -> tuple[NDArray[np.int16], list[str]]:
    """The class of each pixel value, and the classes' names, by the values that were found."""
    rest = [value for value in values if value != void]
    if not set(rest) - {0}:
        raise DataError(f"{root}: its masks hold {rest} only; expected two classes or more")
    if (
        void is None
        and rest[-1] == VOID
        and len(rest) > 2
        and rest[:-1] == list(range(rest[-2] + 1))
    ):
        rest, void = rest[:-1], VOID
    if set(rest) <= {0, VOID}:
        order = [0, VOID]
    elif rest[-1] < MOST:
        order = list(range(rest[-1] + 1))  # indices as they are, met or not
    else:
        order = sorted({0, *rest})
    if len(order) > MOST:
        raise DataError(f"{root}: {len(order)} values in its masks; expected {MOST} at most")
    codes = np.full(256, -1, np.int16)
    codes[order] = np.arange(len(order))
    return _with_void(codes, void), [
        "background",
        *(f"class{number}" for number in range(1, len(order))),
    ]


def _given(classes: Sequence[str], void: int | None) -> NDArray[np.int16]:
    if not 2 <= len(classes) < VOID:
        raise DataError(f"{len(classes)} classes of masks; expected 2 to {VOID - 1}")
    codes = np.full(256, -1, np.int16)
    codes[: len(classes)] = np.arange(len(classes))
    if len(classes) == 2:
        codes[VOID] = 1
    return _with_void(codes, void)


def _with_void(codes: NDArray[np.int16], void: int | None) -> NDArray[np.int16]:
    if void is not None:
        if not 0 <= void < len(codes):
            raise DataError(f"void is {void}; expected a pixel value, 0 to 255")
        codes[void] = VOID
    return codes
