"""Logistic and softmax regression: linear scores, cross-entropy, a penalty, gradient descent.

Starter book, chapters 8 and 9; course notes 1-2.

    logistic   p = sigmoid(x w + b),   gradient of the mean loss by the net input: (p - y) / n
    softmax    p = softmax(x W + b),   (p - one-hot y) / n, one column a class
    both       W -= rate (X^T gradient + strength R'(W)),   b -= rate sum(gradient)

Softmax regression of two classes is logistic regression with w = W_1 - W_0. The bias is not
penalized. With `batch_size` None an epoch is one step on all rows; else rows are shuffled.
The |W| of L1 and elastic net is not in R' but taken by shrinking, so that weights become 0.
"""

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np

from sightline.scratch.activations import sigmoid
from sightline.scratch.arrays import accuracy, as_binary, as_labels, as_matrix
from sightline.scratch.losses import cross_entropy_gradient, softmax
from sightline.scratch.optimizers import SGD
from sightline.scratch.penalties import SMOOTH, shrink


class Settings(Protocol):
    """How a linear learner descends: see the head of this file."""

    penalty: str
    strength: float
    rate: float
    momentum: float
    epochs: int
    batch_size: int | None
    seed: int


def descend(
    X: np.ndarray,
    y: np.ndarray,
    parameters: dict[str, np.ndarray],
    settings: Settings,
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    """Change W (features, k) and b (k,) in place.

    y      (n,) labels
    slope  from scores (rows, k) and labels (rows,) to the gradient of their mean loss, (rows, k)
    """
    if settings.penalty not in SMOOTH:
        raise ValueError(f"unknown penalty '{settings.penalty}'; there are {', '.join(SMOOTH)}")
    shrinks, push = SMOOTH[settings.penalty]
    rng = np.random.default_rng(settings.seed)
    optimizer = SGD(settings.rate, settings.momentum)
    W, n, size = parameters["W"], len(X), settings.batch_size or len(X)
    for _ in range(settings.epochs):
        order = np.arange(n) if size >= n else rng.permutation(n)
        for start in range(0, n, size):
            rows = order[start : start + size]
            gradient = slope(X[rows] @ W + parameters["b"], y[rows])
            W_gradient = X[rows].T @ gradient + settings.strength * push(W)
            optimizer.step(parameters, {"W": W_gradient, "b": gradient.sum(axis=0)})
            if shrinks:
                back = shrink(W, settings.rate * settings.strength) - W
                W += back
                optimizer.velocity["W"] += back  # how far W really went


def logistic_slope(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(sigmoid - y) / n of scores (n, 1) of class 1, (n, 1)."""
    return (sigmoid(scores) - y[:, None]) / len(y)


class LogisticRegression:
    """Two classes, 0 and 1. After fit: `weights_` (features,) and `bias_` ()."""

    def __init__(
        self,
        penalty: str = "none",
        strength: float = 1e-4,
        rate: float = 0.1,
        momentum: float = 0.9,
        epochs: int = 100,
        batch_size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.penalty, self.strength, self.rate, self.momentum = penalty, strength, rate, momentum
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels 0 or 1, from zero weights."""
        X = as_matrix(X)
        y = as_binary(y, len(X))
        parameters = {"W": np.zeros((X.shape[1], 1)), "b": np.zeros(1)}
        descend(X, y, parameters, self, logistic_slope)
        self.weights_, self.bias_ = parameters["W"][:, 0], parameters["b"][0]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, 2) probabilities."""
        X = as_matrix(X, len(self.weights_))
        one = sigmoid(X @ self.weights_ + self.bias_)
        return np.column_stack([1 - one, one])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels; a half is class 0."""
        return self.predict_proba(X).argmax(axis=1)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """All that predict needs."""
        return {"weights": self.weights_.copy(), "bias": np.array(self.bias_)}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_, self.bias_ = state["weights"].copy(), state["bias"][()]


class SoftmaxRegression:
    """Any number of classes. After fit: `weights_` (features, classes), `bias_` (classes,)."""

    def __init__(
        self,
        penalty: str = "none",
        strength: float = 1e-4,
        rate: float = 0.1,
        momentum: float = 0.9,
        epochs: int = 100,
        batch_size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.penalty, self.strength, self.rate, self.momentum = penalty, strength, rate, momentum
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels, from zero weights."""
        X = as_matrix(X)
        y = as_labels(y, len(X))
        classes = int(y.max()) + 1
        parameters = {"W": np.zeros((X.shape[1], classes)), "b": np.zeros(classes)}
        descend(X, y, parameters, self, cross_entropy_gradient)
        self.weights_, self.bias_ = parameters["W"], parameters["b"]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes) probabilities."""
        X = as_matrix(X, len(self.weights_))
        return softmax(X @ self.weights_ + self.bias_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels."""
        return self.predict_proba(X).argmax(axis=1)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """All that predict needs."""
        return {"weights": self.weights_.copy(), "bias": self.bias_.copy()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_, self.bias_ = state["weights"].copy(), state["bias"].copy()
