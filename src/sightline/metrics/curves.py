"""Two classes and a threshold: ROC and precision-recall curves, areas, and where to cut.

An image is said to be positive where its score is at least the threshold. Scores may be any
numbers; equal scores are one point of a curve, as scikit-learn has it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Cuts:
    """Every threshold that matters, from the highest score down; arrays are (m,).

    true, false  positives and negatives that are said to be positive at each
    positives    and negatives: how many there are
    """

    thresholds: Floats
    true: NDArray[np.int64]
    false: NDArray[np.int64]
    positives: int
    negatives: int

    @property
    def recall(self) -> Floats:
        """True positive rate: the share of the positives that are found."""
        found: Floats = self.true / self.positives
        return found

    @property
    def precision(self) -> Floats:
        """The share of those said to be positive that are."""
        found: Floats = self.true / (self.true + self.false)
        return found

    @property
    def fall_out(self) -> Floats:
        """False positive rate: the share of the negatives that are said to be positive."""
        found: Floats = self.false / self.negatives
        return found

    @property
    def f1(self) -> Floats:
        found: Floats = 2 * self.true / (self.true + self.false + self.positives)
        return found

    @property
    def roc(self) -> tuple[Floats, Floats]:
        """False and true positive rates (m + 1,), from (0, 0) to (1, 1)."""
        return np.append(0.0, self.fall_out), np.append(0.0, self.recall)

    @property
    def roc_area(self) -> float:
        """The area below: the chance that a positive scores above a negative, ties half."""
        x, y = self.roc
        return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())

    @property
    def average_precision(self) -> float:
        """Precision, each weighed by the recall that its threshold adds; no interpolation."""
        gained = np.diff(np.append(0.0, self.recall))
        return float((gained * self.precision).sum())

    def at(self, threshold: float) -> dict[str, float]:
        """Figures at any threshold; precision is 0 where nothing is said to be positive."""
        index = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        true, false = (0, 0) if index < 0 else (int(self.true[index]), int(self.false[index]))
        return {
            "threshold": float(threshold),
            "precision": true / max(1, true + false),
            "recall": true / self.positives,
            "fall_out": false / self.negatives,
            "f1": 2 * true / (true + false + self.positives),
            "accuracy": (true + self.negatives - false) / (self.positives + self.negatives),
        }


def cuts(truth: Truth, score: NDArray[np.floating]) -> Cuts:
    """The thresholds of scores (n,), by the truths (n,), 1 for positive.

    Raises DataError where there are not both positives and negatives.
    """
    positive = np.asarray(truth).astype(bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        raise DataError("curves of two classes need images of both")
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    falling = np.asarray(score, np.float64)[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)  # of equal scores
    true = np.cumsum(positive[order])[last]
    return Cuts(falling[last], true, last + 1 - true, positives, negatives)


def best_f1(found: Cuts) -> float:
    """The threshold of the greatest F1; of equals the highest."""
    return float(found.thresholds[int(np.argmax(found.f1))])


def youden(found: Cuts) -> float:
    """The threshold of the greatest recall less fall-out (Youden's index, 1950)."""
    return float(found.thresholds[int(np.argmax(found.recall - found.fall_out))])


def least_cost(found: Cuts, cost: float) -> float:
    """The threshold of the least cost, where a positive that is missed costs as much as so many
    negatives that are said to be positive; of equals the highest."""
    missed = found.positives - found.true
    return float(found.thresholds[int(np.argmin(cost * missed + found.false))])


def at_precision(found: Cuts, precision: float) -> float | None:
    """The threshold of the greatest recall whose precision is at least that; None where none is."""
    good = found.precision >= precision
    if not good.any():
        return None
    return float(found.thresholds[int(np.flatnonzero(good)[-1])])
