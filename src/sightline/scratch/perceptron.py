"""The perceptron: one unit, a step, and a rule that corrects it when it is wrong.

Starter book, 10.1.2 (Rosenblatt, 1958). What it shows: AND and OR are learned in a few epochs; XOR
never is, for no straight line parts its classes.

    p = step(W . [x, 1]),   if p != y:  W -= alpha (p - y) [x, 1]

W has the features' weights and, last, the bias (the bias trick, 9.3). Rows are seen in their order.
"""

from typing import Self

import numpy as np

from sightline.scratch.arrays import accuracy, as_binary, as_matrix

# Table 10.1: the four points of two bits and what AND, OR and XOR make of them.
BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
BITWISE = {
    "and": np.array([0, 0, 0, 1]),
    "or": np.array([0, 1, 1, 1]),
    "xor": np.array([0, 1, 1, 0]),
}


def with_ones(X: np.ndarray) -> np.ndarray:
    """(n, d) to (n, d + 1): a last column of ones, so that the bias is a weight."""
    return np.column_stack([X, np.ones(len(X))])


class Perceptron:
    """A binary classifier of labels 0 and 1.

    `patience`: stop after so many epochs with the same number of mistakes; None as in the book.
    After fit: `weights_` (features + 1,), `mistakes_` one count an epoch, and `separable_`, whether
    an epoch passed without a mistake. False proves nothing, but hints that no line parts the data.
    """

    def __init__(
        self, alpha: float = 0.1, epochs: int = 20, patience: int | None = None, seed: int = 0
    ) -> None:
        self.alpha, self.epochs, self.patience, self.seed = alpha, epochs, patience, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels 0 or 1."""
        X = as_matrix(X)
        y = as_binary(y, len(X))
        features = X.shape[1]
        rng = np.random.default_rng(self.seed)
        self.weights_ = rng.standard_normal(features + 1) / np.sqrt(features)
        self.mistakes_: list[int] = []
        self.separable_ = False
        rows = with_ones(X)  # (n, features + 1)
        for _ in range(self.epochs):
            self.mistakes_.append(self.fit_epoch(rows, y))
            if self.mistakes_[-1] == 0:
                self.separable_ = True
                break  # nothing would change any more
            recent = self.mistakes_[-1 - (self.patience or 0) :]
            if self.patience and len(recent) > self.patience and len(set(recent)) == 1:
                break
        return self

    def fit_epoch(self, rows: np.ndarray, y: np.ndarray) -> int:
        """Show every row once; how many were wrong when shown."""
        wrong = 0
        for x, target in zip(rows, y, strict=True):
            p = int(x @ self.weights_ > 0)
            if p != target:
                self.weights_ -= self.alpha * (p - target) * x
                wrong += 1
        return wrong

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels; the net input 0 is class 0."""
        X = as_matrix(X, len(self.weights_) - 1)
        return (with_ones(X) @ self.weights_ > 0).astype(np.int64)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def line(self) -> tuple[float, float, float]:
        """(a, b, c) with a x + b y + c = 0 where two features are parted."""
        if len(self.weights_) != 3:
            raise ValueError(f"a line parts 2 features; there are {len(self.weights_) - 1}")
        a, b, c = self.weights_.tolist()
        return a, b, c

    def state(self) -> dict[str, np.ndarray]:
        """All that predict needs."""
        return {"weights": self.weights_.copy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_ = state["weights"].copy()
