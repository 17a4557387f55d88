"""Classification: one class an image, or many labels.

Precision, recall and F1 as scikit-learn's `precision_recall_fscore_support` with
`zero_division=0`; macro averages are over the classes that occur in truth or prediction.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.calibration import TINY, Reliability, likelier, reliability
from sightline.metrics.meter import Meter
from sightline.types import Annotation


@dataclass(frozen=True)
class ClassRow:
    """One line of the table by class."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class ClassificationMeter(Meter):
    """Accuracy, loss (mean negative log probability of the truth), macro figures, confusion.

    Keeps for each image its index, truth, guess and confidence: a mistake is shown by reading it
    again.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.confusion = np.zeros((len(classes), len(classes)), np.int64)  # truth x guess
        self._nll = 0.0
        self._ranks = np.zeros(len(classes), np.int64)  # of the truth among the scores, from 0
        self._rows: list[tuple[int, int, int, float]] = []

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        scores = np.stack([p.scores for p in predictions if p.scores is not None])
        truth = np.array([t.label for t in truths], np.int64)
        guess = np.array([p.label for p in predictions], np.int64)
        np.add.at(self.confusion, (truth, guess), 1)
        of_truth = scores[np.arange(len(truth)), truth].astype(np.float64)
        self._nll -= float(np.log(np.maximum(of_truth, TINY)).sum())
        np.add.at(self._ranks, ranks(scores, truth) - 1, 1)
        confidence = scores[np.arange(len(guess)), guess].tolist()
        self._rows += zip(
            (int(i) for i in indices), truth.tolist(), guess.tolist(), confidence, strict=True
        )

    def merge(self, other: Self) -> None:
        self.confusion += other.confusion
        self._nll += other._nll
        self._ranks += other._ranks
        self._rows += other._rows

    @property
    def count(self) -> int:
        return int(self.confusion.sum())

    @property
    def rows(self) -> list[tuple[int, int, int, float]]:
        """(index, truth, guess, confidence) of every image, in the order taken in."""
        return list(self._rows)

    def top(self, k: int) -> float:
        """Rank-k accuracy: the share of images whose truth is among the k most probable."""
        return float(self._ranks[:k].sum()) / max(1, self.count)

    def calibration(self) -> Reliability:
        """How far the probabilities of the likeliest classes can be believed."""
        table = np.array(self._rows, np.float64).reshape(-1, 4)
        right = table[:, 1] == table[:, 2]
        return reliability(*likelier(table[:, 3], right, len(self.classes)))

    def table(self) -> list[ClassRow]:
        """Precision, recall, F1 and support, a row a class."""
        return class_table(self.confusion, self.classes)

    def result(self) -> dict[str, float]:
        n = self.count
        rows = class_table(self.confusion, self.classes)
        occur = (self.confusion.sum(0) + self.confusion.sum(1)) > 0
        kept = [row for row, there in zip(rows, occur, strict=True) if there]
        out = {
            "accuracy": float(np.trace(self.confusion)) / n,
            "loss": self._nll / n,
            "precision": sum(r.precision for r in kept) / len(kept),
            "recall": sum(r.recall for r in kept) / len(kept),
            "f1": sum(r.f1 for r in kept) / len(kept),
        }
        if len(self.classes) > 5:
            out["top5"] = self.top(5)
        return out | {"images": float(n)}


def ranks(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) places of the truth (n,) among the scores (n, k), from 1; of equals, the first class
    comes first."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.argmax(order == truth[:, None], axis=1) + 1


def class_table(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[ClassRow]:
    """Precision, recall, F1 and support from a (truth x guess) table of counts."""
    right, guessed, support = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    precision = right / np.maximum(guessed, 1)
    recall = right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(guessed + support, 1)
    return [
        ClassRow(name, float(p), float(r), float(f), int(s))
        for name, p, r, f, s in zip(classes, precision, recall, f1, support, strict=True)
    ]


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval for a share (1927); z 1.96 is 95 %."""
    if n == 0:
        return 0.0, 1.0
    share = right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if right == 0 else middle - reach  # exact at the ends, where rounding is not
    high = 1.0 if right == n else middle + reach
    return low, high


class MultilabelMeter(Meter):
    """Many labels an image; unknown ones are left out of every count.

    accuracy  share of known labels answered rightly at a threshold of 0.5
    f1        mean over labels of F1, as scikit-learn's macro average with zero_division=0
    exact     share of images whose known labels are all right
    loss      mean binary cross-entropy of the known labels
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        # truth x guess, a label
        self.counts = np.zeros((len(classes), 2, 2), np.int64)
        self._exact = self._images = 0
        self._nll = 0.0

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],  # noqa: ARG002
    ) -> None:
        scores = np.stack([p.scores for p in predictions if p.scores is not None])
        truth = np.stack([t.labels for t in truths if t.labels is not None])
        known = truth >= 0
        guess = scores >= 0.5
        for t in (0, 1):
            for g in (0, 1):
                self.counts[:, t, g] += ((truth == t) & (guess == g)).sum(0)
        of_truth = np.where(truth == 1, scores, 1 - scores).astype(np.float64)
        self._nll -= float(np.log(np.maximum(of_truth, TINY))[known].sum())
        self._exact += int((((truth == 1) == guess) | ~known).all(1).sum())
        self._images += len(truth)

    def merge(self, other: Self) -> None:
        self.counts += other.counts
        self._nll += other._nll
        self._exact += other._exact
        self._images += other._images

    def table(self) -> list[ClassRow]:
        """Precision, recall, F1 and support (known yes), a row a label."""
        right, support = self.counts[:, 1, 1], self.counts[:, 1].sum(1)
        guessed = self.counts[:, :, 1].sum(1)
        return [
            ClassRow(name, r / max(g, 1), r / max(s, 1), 2 * r / max(g + s, 1), int(s))
            for name, r, g, s in zip(
                self.classes, right.tolist(), guessed.tolist(), support.tolist(), strict=True
            )
        ]

    def result(self) -> dict[str, float]:
        known = max(1, int(self.counts.sum()))
        right = int(self.counts[:, 0, 0].sum() + self.counts[:, 1, 1].sum())
        rows = self.table()
        return {
            "accuracy": right / known,
            "loss": self._nll / known,
            "f1": sum(r.f1 for r in rows) / len(rows),
            "exact": self._exact / max(1, self._images),
            "images": float(self._images),
        }
