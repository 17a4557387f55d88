"""Confident learning: which given labels are likely wrong, in NumPy alone.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70
(2021). It takes probabilities from models that were not trained on the image they answer: those of
a model that was repeat what it learned by heart, wrong labels included.

Shapes: n images, k classes; `labels` (n,) are 0 to k - 1, rows of `probabilities` (n, k) sum to 1.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError

Labels = NDArray[np.int64]
Shares = NDArray[np.floating]
Prune = Literal["both", "class", "noise-rate"]
Order = Literal["margin", "self-confidence"]


@dataclass(frozen=True, eq=False)
class Noise:
    """What was estimated of the labels.

    thresholds  (k,) mean probability of a class over the images so labeled; inf without any
    counts      (k, k) the confident joint: images labeled i that are confidently of class j
    joint       (k, k) shares of all images labeled i that truly are j: `counts` with rows brought
                to the number of each label; sums to 1
    """

    thresholds: NDArray[np.float64]
    counts: NDArray[np.int64]
    joint: NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Estimated share of wrong labels."""
        return float(1 - np.trace(self.joint))

    @property
    def given_truth(self) -> NDArray[np.float64]:
        """(k, k) the noise matrix: of images that truly are j, the share labeled i, at [i, j];
        columns sum to 1, or are 0 for a class that nothing is confidently of."""
        columns = self.joint.sum(0, keepdims=True)
        return np.divide(self.joint, columns, out=np.zeros_like(self.joint), where=columns > 0)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Images by how likely their label is wrong.

    order      (n,) rows: suspects first, the surest before the others; then all others
    suspected  (n,) by row, whether it is among those whose label is taken for wrong
    suggested  (n,) by row, the likeliest class other than the given one
    score      (n,) by row, what the order follows; the lower, the likelier a wrong label
    """

    order: NDArray[np.int64]
    suspected: NDArray[np.bool_]
    suggested: Labels
    score: NDArray[np.float64]


def noise(labels: Labels, probabilities: Shares) -> Noise:
    """Count the confident joint and estimate how labels are mixed up (equations 1 to 3).

    An image counts for the likeliest of the classes whose probability reaches their threshold, and
    not at all where none does. Raises DataError for arrays of other shapes or values.
    """
    _check(labels, probabilities)
    n, k = probabilities.shape
    own = probabilities[np.arange(n), labels].astype(np.float64)
    number = np.bincount(labels, minlength=k)
    sums = np.bincount(labels, own, minlength=k)
    thresholds = np.divide(sums, number, out=np.full(k, np.inf), where=number > 0)
    # the mean of equal numbers may be rounded above them
    reached = probabilities >= thresholds - 1e-9
    sure = reached.any(1)
    truth = np.where(reached, probabilities, -np.inf).argmax(1)
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (labels[sure], truth[sure]), 1)
    rows = counts.sum(1, keepdims=True)
    shares = np.divide(counts, rows, out=np.eye(k), where=rows > 0)
    return Noise(thresholds, counts, shares * number[:, None] / n)


def ranked(
    labels: Labels,
    probabilities: Shares,
    prune: Prune = "both",
    order: Order = "margin",
    found: Noise | None = None,
) -> Ranked:
    """Rank all images by their label, suspects first.

    prune  which labels are taken for wrong, in numbers as the joint estimates them: of each class
           those with the least probability of their label ("class"); of each pair of classes those
           with the largest margin of the other one ("noise-rate"); or what both find ("both", the
           paper's C+NR). An image whose label is its likeliest class is never one of them.
    order  by the probability of the label less that of the likeliest other class ("margin", the
           paper's normalized margin), or by that of the label alone ("self-confidence")
    found  what `noise` gave, where that is at hand

    Of equals the first row comes first.
    """
    found = found or noise(labels, probabilities)
    n = len(labels)
    own = probabilities[np.arange(n), labels].astype(np.float64)
    others = probabilities.astype(np.float64)
    others[np.arange(n), labels] = -np.inf
    suggested = others.argmax(1)
    margin = own - others[np.arange(n), suggested]
    chosen = np.ones(n, np.bool_)
    if prune in ("both", "class"):
        chosen &= _by_class(labels, own, found)
    if prune in ("both", "noise-rate"):
        chosen &= _by_noise_rate(labels, probabilities, found)
    chosen &= margin < 0
    score = margin if order == "margin" else own
    return Ranked(np.lexsort((score, ~chosen)), chosen, suggested, score)


def _by_class(labels: Labels, own: NDArray[np.float64], found: Noise) -> NDArray[np.bool_]:
    chosen = np.zeros(len(labels), np.bool_)
    wrong = len(labels) * (found.joint.sum(1) - np.diag(found.joint))
    for label, number in enumerate(np.rint(wrong).astype(int).tolist()):
        rows = np.flatnonzero(labels == label)
        chosen[rows[np.argsort(own[rows], kind="stable")[:number]]] = True
    return chosen


def _by_noise_rate(labels: Labels, probabilities: Shares, found: Noise) -> NDArray[np.bool_]:
    chosen = np.zeros(len(labels), np.bool_)
    numbers = np.rint(len(labels) * found.joint).astype(int)
    np.fill_diagonal(numbers, 0)
    for label, other in np.argwhere(numbers).tolist():
        rows = np.flatnonzero(labels == label)
        margin = probabilities[rows, label] - probabilities[rows, other]
        chosen[rows[np.argsort(margin, kind="stable")[: numbers[label, other]]]] = True
    return chosen


def _check(labels: Labels, probabilities: Shares) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise DataError(
            f"labels {labels.shape} and probabilities {probabilities.shape}; expected (n,) and "
            "(n, classes)"
        )
    if not 0 <= labels.min() <= labels.max() < probabilities.shape[1]:
        raise DataError(
            f"labels {labels.min()} to {labels.max()}, for {probabilities.shape[1]} classes"
        )
    # NaN fails every comparison
    if not (probabilities.min() >= 0 and np.abs(probabilities.sum(1) - 1).max() < 1e-2):
        raise DataError("probabilities must be at least 0, and each row sum to 1")
