"""Gradient descent on all points, and in mini-batches: the two scripts of chapter 9.

Starter book, chapter 9 (gradient_descent.py, sgd.py), two blobs of 1,000 points. As there:

    p = sigmoid([x, 1] W),  e = p - y,  W -= alpha X^T e          sums, not means, over the rows

X^T e is the gradient of the cross-entropy, while the loss that is shown is the sum of e^2: the
book leaves out the sigmoid's slope on purpose. Its two losses are not alike: gradient descent's is
a sum over 500 points, SGD's the mean over batches of sums of at most 32, so "an order of magnitude
lower" is no comparison; `errors_`, the mean of e^2 a row, is one. The book's sgd.py also learns
from all 1,000 points, the 500 it tests on among them, and never shuffles: fit on the training half
with `shuffle=True` for an honest figure.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

from sightline.scratch.activations import sigmoid
from sightline.scratch.arrays import accuracy, as_binary, as_matrix


def next_batch(X: np.ndarray, y: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and labels in slices of `size`, in order; the last may be smaller."""
    for start in range(0, len(X), size):
        yield X[start : start + size], y[start : start + size]


class DescentClassifier:
    """A sigmoid unit for labels 0 and 1.

    `batch_size` None takes all rows at once, as gradient_descent.py; 32 is sgd.py's. After fit:
    `weights_` (features + 1,), the bias last; one number an epoch, measured before each step:
    `losses_`, the book's (mean over batches of summed squared errors), and `errors_`, the mean
    squared error a row.
    """

    def __init__(
        self,
        alpha: float = 0.01,
        epochs: int = 100,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        self.alpha, self.epochs, self.batch_size = alpha, epochs, batch_size
        self.shuffle, self.seed = shuffle, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels 0 or 1, from standard normal weights."""
        X = as_matrix(X)
        y = as_binary(y, len(X))
        rng = np.random.default_rng(self.seed)
        rows = np.column_stack([X, np.ones(len(X))])  # (n, features + 1)
        self.weights_: np.ndarray = rng.standard_normal((rows.shape[1],))
        self.losses_: list[float] = []
        self.errors_: list[float] = []
        for _ in range(self.epochs):
            order = rng.permutation(len(X)) if self.shuffle else np.arange(len(X))
            sums = self.fit_epoch(rows[order], y[order])
            self.losses_.append(float(np.mean(sums)))
            self.errors_.append(float(np.sum(sums)) / len(X))
        return self

    def fit_epoch(self, rows: np.ndarray, y: np.ndarray) -> list[float]:
        """A step a batch; the sum of squared errors of each."""
        sums = []
        for batch, truth in next_batch(rows, y, self.batch_size or len(rows)):
            error = sigmoid(batch @ self.weights_) - truth  # (rows,)
            sums.append(float(error @ error))
            self.weights_ -= self.alpha * batch.T @ error
        return sums

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, 2) probabilities."""
        X = as_matrix(X, len(self.weights_) - 1)
        one = sigmoid(np.column_stack([X, np.ones(len(X))]) @ self.weights_)
        return np.column_stack([1 - one, one])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels; a half is class 0."""
        return self.predict_proba(X).argmax(axis=1)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """All that predict needs."""
        return {"weights": self.weights_.copy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_ = state["weights"].copy()
