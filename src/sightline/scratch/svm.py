"""The linear support vector machine of many classes: linear scores, hinge loss, a penalty, SGD.

Starter book, 8.2 (equations 8.5 to 8.7) and 9 (9.11); the loss is Weston and Watkins's (1999).

    J = mean over rows of sum over j != y of max(0, s_j - s_y + 1)^p + strength R(W),  s = x W + b

p is 1 for hinge and 2 for squared hinge; the bias is not penalized. Of two classes, w = W_1 - W_0
is the ordinary machine of two classes: with L2, R(W) is |w|^2 / 2.

What it shows: a row past the margin of 1 asks for nothing more, so the line is drawn by the rows
near it. At a constant rate the hinge's steps never vanish and J ends a little above its least.
"""

from typing import Self

import numpy as np

from sightline.scratch.arrays import accuracy, as_labels, as_matrix
from sightline.scratch.losses import LOSSES
from sightline.scratch.penalties import PENALTIES
from sightline.scratch.regression import descend

HINGES = ("hinge", "squared-hinge")


class LinearSVM:
    """Any number of classes. After fit: `weights_` (features, classes), `bias_` (classes,)."""

    momentum = 0.0

    def __init__(
        self,
        loss: str = "hinge",
        penalty: str = "l2",
        strength: float = 1e-4,
        rate: float = 0.01,
        epochs: int = 100,
        batch_size: int | None = 32,
        seed: int = 0,
    ) -> None:
        self.loss, self.penalty, self.strength, self.rate = loss, penalty, strength, rate
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels, from zero weights."""
        X = as_matrix(X)
        y = as_labels(y, len(X))
        if self.loss not in HINGES:
            raise ValueError(f"unknown loss '{self.loss}'; there are {', '.join(HINGES)}")
        classes = int(y.max()) + 1
        parameters = {"W": np.zeros((X.shape[1], classes)), "b": np.zeros(classes)}
        descend(X, y, parameters, self, LOSSES[self.loss][1])
        self.weights_, self.bias_ = parameters["W"], parameters["b"]
        return self

    def scores(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes) scores, which are no probabilities."""
        return as_matrix(X, len(self.weights_)) @ self.weights_ + self.bias_

    def objective(self, X: np.ndarray, y: np.ndarray) -> float:
        """J, the mean loss and the penalty, of these rows."""
        found = self.scores(X)
        loss = LOSSES[self.loss][0](found, as_labels(y, len(found))).mean()
        return float(loss) + self.strength * PENALTIES[self.penalty][0](self.weights_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels: the highest score."""
        return self.scores(X).argmax(axis=1)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """All that predict needs."""
        return {"weights": self.weights_.copy(), "bias": self.bias_.copy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_, self.bias_ = state["weights"].copy(), state["bias"].copy()
