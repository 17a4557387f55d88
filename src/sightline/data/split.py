"""Splits: which images train, which choose, which are scored once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sightline.data import partition
from sightline.data.dataset import Dataset, Subset
from sightline.data.partition import Rows
from sightline.errors import DataError

PART_NAMES = ("train", "train-dev", "val", "test")
SMALLEST_CLASS = 3  # one image each for train, val and test
Owners = Callable[[Dataset], Rows]  # (n,) the person or place of each row, by number


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a set; None where they are still to be cut, or not wanted.

    train_dev  images like those of train that are not trained on: between train and it lies the
               variance, between it and val the difference of their sources
    """

    train: Dataset
    val: Dataset | None = None
    test: Dataset | None = None
    train_dev: Dataset | None = None

    @property
    def parts(self) -> dict[str, Dataset]:
        """Those that are there, by name, in the order of PART_NAMES."""
        found = (self.train, self.train_dev, self.val, self.test)
        named = zip(PART_NAMES, found, strict=True)
        return {name: part for name, part in named if part is not None}

    def __len__(self) -> int:
        """Images in all parts."""
        return sum(map(len, self.parts.values()))

    @staticmethod
    def of(parts: Mapping[str, Dataset]) -> "Splits":
        """From sets by name, as `parts` gives them; train is there."""
        others = {name.replace("-", "_"): parts.get(name) for name in PART_NAMES[1:]}
        return Splits(parts["train"], **others)


def cut(
    splits: Splits,
    val: float,
    test: float,
    seed: int,
    train_dev: float = 0.0,
    owners: Owners | None = None,
) -> Splits:
    """Cut the missing parts (shares of the whole) from train, in proportion by `partition.strata`.

    owners  keeps the rows of one person or place in one part
    """
    train = splits.train
    wanted = {"val": val, "test": test, "train-dev": train_dev}
    shares = {name: s for name, s in wanted.items() if s > 0 and name not in splits.parts}
    if sum(shares.values()) >= 1:
        said = " and ".join(f"{name} {share:g}" for name, share in shares.items())
        raise DataError(f"{said} leave nothing to train on")
    rows = _rows(train, list(shares.values()), seed, owners if shares else None)
    named = zip(shares, rows[1:], strict=True)
    found = {name: Subset(train, chosen) for name, chosen in named if len(chosen)}
    return Splits.of(splits.parts | {"train": Subset(train, rows[0])} | found)


def _rows(train: Dataset, shares: list[float], seed: int, owners: Owners | None) -> list[Rows]:
    """Sorted rows of what stays, then of each share."""
    classes = partition.strata(train)
    if owners is None:
        if shares:
            _require_enough(train, max(SMALLEST_CLASS, len(shares) + 1))
        return partition.stratified(classes, len(train), shares, seed)
    numbers = partition.grouped(owners(train), classes, [1 - sum(shares), *shares], seed)
    return [np.flatnonzero(numbers == number) for number in range(len(shares) + 1)]


def folded(
    splits: Splits,
    k: int,
    test: float,
    seed: int,
    train_dev: float = 0.0,
    owners: Owners | None = None,
) -> tuple[Splits, Rows]:
    """Train in k folds, once a missing test and train-dev part is cut from it.

    A validation part that the set brings is left out: a fold takes its place. Returns the parts,
    and the fold of each row of their train, (n,) 1 to k.
    """
    parted = cut(replace(splits, val=None), 0.0, test, seed, train_dev, owners)
    train = parted.train
    if k > len(train):
        raise DataError(f"{train.name}: {k} folds of {len(train)} images")
    classes = partition.strata(train)
    if owners is not None:
        return parted, partition.grouped(owners(train), classes, [1 / k] * k, seed) + 1
    _require_enough(train, 2)
    return parted, partition.folds(classes, len(train), k, seed)


def fold(parted: Splits, numbers: Rows, number: int) -> Splits:
    """One fold as validation, the others as train; as `folded` gives them."""
    rest, chosen = np.flatnonzero(numbers != number), np.flatnonzero(numbers == number)
    return replace(parted, train=Subset(parted.train, rest), val=Subset(parted.train, chosen))


def _require_enough(dataset: Dataset, needed: int) -> None:
    truths = dataset.truths
    if truths.boxes is not None or truths.task == "landmarks":  # rare ones are drawn from together
        return
    counts = class_counts(dataset)
    few = [
        f"{name} ({count})"
        for name, count in zip(dataset.classes, counts, strict=False)
        if count < needed
    ]
    if few:
        raise DataError(
            f"{dataset.name}: too few images to train, choose and test on: {', '.join(few)}; "
            f"each class needs at least {needed}"
        )


def class_counts(dataset: Dataset) -> list[int]:
    """In how many images each class is, or each landmark visible; empty where there are none to
    count."""
    label = dataset.truths.label
    if label is None:
        pairs = partition.classes_met(dataset.truths)
        if pairs is None:
            return []
        _, label = pairs
    return np.bincount(label, minlength=len(dataset.classes)).tolist()


def book_split(splits: Splits, test: float, seed: int) -> Splits:
    """A test part cut from train as in the books, by scikit-learn's
    `train_test_split(test_size=test, random_state=seed)`."""
    from sklearn.model_selection import train_test_split

    whole = splits.train
    if not 0 < test < 1 or not 1 <= round(len(whole) * test) < len(whole):
        raise DataError(f"{whole.name}: data.test = {test:g} leaves no part to train or to test on")
    train_rows, test_rows = train_test_split(
        np.arange(len(whole)), test_size=test, random_state=seed
    )
    return replace(splits, train=Subset(whole, train_rows), test=Subset(whole, test_rows))
