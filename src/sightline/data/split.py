"""Splits: which images train, which choose, which are scored once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.data.dataset import Dataset, Subset
from sightline.errors import DataError

SMALLEST_CLASS = 3  # one image each for train, val and test


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a set; val and test are None where they are still to be cut."""

    train: Dataset
    val: Dataset | None = None
    test: Dataset | None = None

    @property
    def parts(self) -> dict[str, Dataset]:
        named = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


def stratified(
    groups: NDArray[np.int64] | None, n: int, shares: Sequence[float], seed: int
) -> list[NDArray[np.int64]]:
    """Cut 0..n-1 into the rest and one part a share, each class in proportion.

    groups  (n,) class of each row, or None to draw from all rows alike
    shares  of each part beyond the first; a class of at least 3 gives one image to each part

    Returns sorted rows: the rest first, then the parts. A function of (groups, shares, seed).
    """
    groups = np.zeros(n, np.int64) if groups is None else groups
    parts: list[list[NDArray[np.int64]]] = [[] for _ in range(len(shares) + 1)]
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        rows = rows[chance.permutation(seed, int(group), len(rows), "split")]
        start = 0
        for number, share in enumerate(shares, start=1):
            take = round(len(rows) * share)
            if share > 0 and len(rows) > len(shares):
                later = sum(s > 0 for s in shares[number:]) + 1  # one each, and one that stays
                take = min(max(1, take), len(rows) - start - later)
            parts[number].append(rows[start : start + take])
            start += take
        parts[0].append(rows[start:])
    return [np.sort(np.concatenate(part)) for part in parts]


def cut(splits: Splits, val: float, test: float, seed: int) -> Splits:
    """Cut the missing val and test parts (shares of the whole) from train, stratified by class."""
    train = splits.train
    shares = [val if splits.val is None else 0.0, test if splits.test is None else 0.0]
    if sum(shares) >= 1:
        raise DataError(f"val {val:g} and test {test:g} leave nothing to train on")
    groups = train.truths.label
    if sum(shares) > 0:
        _require_enough(train)
    rest, val_rows, test_rows = stratified(groups, len(train), shares, seed)
    return Splits(
        Subset(train, rest),
        Subset(train, val_rows) if len(val_rows) else splits.val,
        Subset(train, test_rows) if len(test_rows) else splits.test,
    )


def _require_enough(dataset: Dataset) -> None:
    counts = class_counts(dataset)
    few = [
        f"{name} ({count})"
        for name, count in zip(dataset.classes, counts, strict=False)
        if count < SMALLEST_CLASS
    ]
    if few:
        raise DataError(
            f"{dataset.name}: too few images to train, choose and test on: {', '.join(few)}; "
            f"each class needs at least {SMALLEST_CLASS}"
        )


def class_counts(dataset: Dataset) -> list[int]:
    """Images a class; yes-answers a label where an image has many; empty for regression."""
    truths = dataset.truths
    if truths.label is not None:
        return np.bincount(truths.label, minlength=len(dataset.classes)).tolist()
    if truths.labels is not None:
        return (truths.labels == 1).sum(0).tolist()
    return []


def book_split(whole: Dataset, test: float, seed: int) -> Splits:
    """scikit-learn's `train_test_split(test_size=test, random_state=seed)`, as in the books."""
    from sklearn.model_selection import train_test_split

    if not 0 < test < 1 or not 1 <= round(len(whole) * test) < len(whole):
        raise DataError(f"{whole.name}: data.test = {test:g} leaves no part to train or to test on")
    train_rows, test_rows = train_test_split(
        np.arange(len(whole)), test_size=test, random_state=seed
    )
    return Splits(Subset(whole, train_rows), None, Subset(whole, test_rows))
