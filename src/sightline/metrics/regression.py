"""Regression: how far the values are off."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from sightline.metrics.meter import Meter
from sightline.types import Annotation


class RegressionMeter(Meter):
    """Mean absolute error, root mean squared error, and R squared, over all values.

    With several values a sample, errors are averaged over them and R squared is the mean of theirs
    (scikit-learn's `r2_score`, uniform average). `loss` is the mean squared error in units of
    `deviation`, one a value: what training minimizes.
    """

    def __init__(self, classes: Sequence[str], deviation: Sequence[float] | None = None) -> None:
        self.classes = tuple(classes)
        self.deviation = np.array(deviation or [1.0] * len(classes))
        self._truth: list[np.ndarray] = []
        self._guess: list[np.ndarray] = []
        self._indices: list[int] = []

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        self._truth += [t.values for t in truths if t.values is not None]
        self._guess += [p.values for p in predictions if p.values is not None]
        self._indices += [int(i) for i in indices]

    def merge(self, other: Self) -> None:
        self._truth += other._truth
        self._guess += other._guess
        self._indices += other._indices

    def pairs(self) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """(n, k) truths, (n, k) guesses, and the images' indices."""
        return np.stack(self._truth), np.stack(self._guess), list(self._indices)

    def result(self) -> dict[str, float]:
        truth, guess = (np.stack(x).astype(np.float64) for x in (self._truth, self._guess))
        error = guess - truth
        squares = (error**2).sum(0)
        spread = ((truth - truth.mean(0)) ** 2).sum(0)
        r2 = np.where(spread > 0, 1 - squares / np.where(spread > 0, spread, 1), squares == 0)
        return {
            "mae": float(np.abs(error).mean()),
            "rmse": float(np.sqrt((error**2).mean())),
            "r2": float(r2.mean()),
            "loss": float(((error / self.deviation) ** 2).mean()),
            "images": float(len(truth)),
        }
