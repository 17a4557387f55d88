"""Image pairs to restore by: input/ beside target/, matched by stem; or photographs alone."""

from pathlib import Path

from sightline.data.dataset import FileDataset
from sightline.data.paths import Paths
from sightline.data.readers import listing
from sightline.data.split import Splits
from sightline.data.truths import FileImages, Truths
from sightline.errors import DataError

INPUTS = ("input", "inputs")
TARGETS = ("target", "targets")


def recognises(root: Path) -> bool:
    """Whether input/ and target/ lie in `root`, or in its part train.

    A folder of photographs alone is not told from others; `read` takes it all the same.
    """
    return bool(listing.twins(root, INPUTS, TARGETS))


def read(root: Path) -> Splits:
    """Pairs of `root` or of its parts; photographs alone are the targets of themselves.

    Sizes of a pair may differ: a target may be larger by the factor to be learned. Raises
    DataError for a picture without its partner.
    """
    folders = listing.twins(root, INPUTS, TARGETS)
    if folders:
        return Splits.of({part: _pairs(root, *both) for part, both in folders.items()})
    alone = listing.child(root, (*INPUTS, *TARGETS))
    if alone:
        raise DataError(f"{alone}: expected input/ beside target/")
    places = listing.parts(root) or {"train": root}
    return Splits.of({part: _photographs(root, place) for part, place in places.items()})


def _pairs(root: Path, left: Path, right: Path) -> FileDataset:
    pairs = listing.paired(left, right)
    inputs = [listing.below(root, left / ours) for ours, _ in pairs]
    return _set(root, inputs, [listing.below(root, right / theirs) for _, theirs in pairs])


def _photographs(root: Path, folder: Path) -> FileDataset:
    names = [listing.below(root, folder / name) for name in listing.pictures(folder)]
    if not names:
        raise DataError(f"{folder}: no pictures")
    return _set(root, names, names)


def _set(root: Path, inputs: list[str], targets: list[str]) -> FileDataset:
    truths = Truths(targets=FileImages(Paths(root, targets)))
    return FileDataset(root, inputs, truths, ())
