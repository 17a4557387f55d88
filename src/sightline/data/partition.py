"""Rows into parts: by shares or folds, each class in proportion, groups whole."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.data.dataset import Dataset
from sightline.data.truths import Truths
from sightline.errors import DataError

Rows = NDArray[np.int64]
QUANTILES = 10  # of a value to regress, within which rows are drawn
FEWEST = 10  # rows of a stratum that is no class; smaller ones are drawn from together


def strata(dataset: Dataset) -> Rows | None:
    """What is drawn in proportion: a number a row, or None where rows are drawn alike.

    a class an image  its class
    many labels       the label among its yes-answers that the fewest images have
    boxes             the class among its boxes that the fewest images have
    landmarks         the landmark among its visible ones that the fewest images show
    values            the tenth of the set that its value lies in; of several, their mean rank

    An image without labels, boxes or visible landmarks is of a stratum of its own. Masks and
    targets are drawn alike.
    """
    truths = dataset.truths
    if truths.label is not None:
        return truths.label
    if truths.values is not None:
        return _quantiles(truths.values)
    pairs = classes_met(truths)
    return None if pairs is None else _rarest(*pairs, len(dataset))


def classes_met(truths: Truths) -> tuple[Rows, Rows] | None:
    """(image, class) of every class that an image has, or landmark that it shows, once each; None
    where it has one label or none. Images ascend."""
    if truths.labels is not None:
        image, label = np.nonzero(truths.labels == 1)
        return image, label
    if truths.landmarks is not None and truths.boxes is None:
        image, label = np.nonzero(np.isfinite(truths.landmarks).all(2))
        return image, label
    if truths.boxes is None:
        return None
    found = np.unique(np.stack([truths.boxes.images, truths.boxes.classes]), axis=1)
    return found[0], found[1]


def _rarest(image: Rows, label: Rows, n: int) -> Rows:
    counts = np.bincount(label, minlength=1)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")  # 0 is the rarest class
    out = np.full(n, len(counts))
    np.minimum.at(out, image, rank[label])
    sizes = np.bincount(out, minlength=len(counts) + 1)
    return np.where(sizes[out] < FEWEST, -1, out)


def _quantiles(values: NDArray[np.float32]) -> Rows:
    """(n, k) -> (n,) 0 to 9; fewer of a set below 100 rows."""
    n = len(values)
    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    rank = np.argsort(np.argsort(ranks.sum(1), kind="stable"), kind="stable")
    return rank * min(QUANTILES, max(1, n // FEWEST)) // max(1, n)


def stratified(groups: Rows | None, n: int, shares: Sequence[float], seed: int) -> list[Rows]:
    """Cut 0..n-1 into the rest and one part a share, each class in proportion.

    groups  (n,) class of each row, or None to draw from all rows alike
    shares  of each part beyond the first; a class of more rows than parts gives one to each

    Returns sorted rows: the rest first, then the parts. A function of (groups, shares, seed).
    """
    groups = np.zeros(n, np.int64) if groups is None else groups
    parts: list[list[Rows]] = [[] for _ in range(len(shares) + 1)]
    for group in np.unique(groups):
        rows = _shuffled(groups, int(group), seed)
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


def folds(groups: Rows | None, n: int, k: int, seed: int) -> Rows:
    """The fold of each row, (n,) 1 to k: sizes differ by one at most, and those of a class too.

    groups  (n,) class of each row, or None to draw from all rows alike
    """
    groups = np.zeros(n, np.int64) if groups is None else groups
    order = [_shuffled(groups, int(group), seed) for group in np.unique(groups)]
    out = np.empty(n, np.int64)
    out[np.concatenate(order)] = np.arange(n) % k + 1  # dealt like cards, class after class
    return out


def _shuffled(groups: Rows, group: int, seed: int) -> Rows:
    rows = np.flatnonzero(groups == group)
    return rows[chance.permutation(seed, group, len(rows), "split")]


def grouped(owners: Rows, groups: Rows | None, shares: Sequence[float], seed: int) -> Rows:
    """The part of each row, (n,) 0 to len(shares) - 1; rows of one owner stay together.

    owners  (n,) the person, patient or place of each row
    groups  (n,) class of each row, or None
    shares  of every part; they sum to 1

    Greedy: the largest owner first, to the part that lacks most of its classes among those with
    room for half of it, else to that with the most room. Owners of one size come in an order drawn
    by seed. No part is left empty. Raises DataError for fewer owners than parts.
    """
    classes = np.unique(np.zeros(len(owners)) if groups is None else groups, return_inverse=True)[1]
    _, owner, sizes = np.unique(owners, return_inverse=True, return_counts=True)
    if len(sizes) < len(shares):
        raise DataError(f"{len(sizes)} groups are too few for {len(shares)} parts")
    rows = np.split(np.argsort(owner, kind="stable"), np.cumsum(sizes)[:-1])
    wanted = np.outer(shares, np.bincount(classes))  # (parts, classes)
    have = np.zeros_like(wanted)
    order = np.lexsort((chance.bits(seed, 0, np.arange(len(sizes)), "group"), -sizes))
    out = np.empty(len(owners), np.int64)
    for left, number in zip(range(len(sizes), 0, -1), order.tolist(), strict=True):
        counts = np.bincount(classes[rows[number]], minlength=wanted.shape[1])
        part = _part_for(counts, have, wanted, left)
        have[part] += counts
        out[rows[number]] = part
    return out


def _part_for(
    counts: Rows, have: NDArray[np.float64], wanted: NDArray[np.float64], left: int
) -> int:
    """The part of an owner of so many rows of each class; `left` owners have none yet."""
    room, size = wanted.sum(1) - have.sum(1), counts.sum()
    empty = have.sum(1) == 0
    if left <= empty.sum():
        return int(np.argmax(np.where(empty, room, -np.inf)))
    fits = room >= size / 2
    if not fits.any():
        return int(np.argmax(room))
    lacking = (1 - have / wanted) @ counts + size * room / wanted.sum(1)
    return int(np.argmax(np.where(fits, lacking.round(9), -np.inf)))
