"""Logistic and softmax regression: linear scores, cross-entropy, a penalty, gradient descent.

Starter book, chapters 8 and 9; course notes 1-2.

    logistic   p = sigmoid(x w + b),   gradient of the mean loss by the net input: (p - y) / n
    softmax    p = softmax(x W + b),   (p - one-hot y) / n, one column a class
    both       W -= rate (X^T gradient + strength R'(W)),   b -= rate sum(gradient)

Softmax regression of two classes is logistic regression with w = W_1 - W_0. The bias is not
penalized. With `batch_size` None an epoch is one step on all rows; else rows are shuffled.
"""

from typing import Self

import numpy as np

from sightline.scratch.activations import sigmoid
from sightline.scratch.arrays import accuracy, as_binary, as_labels, as_matrix, one_hot
from sightline.scratch.losses import softmax
from sightline.scratch.optimizers import SGD
from sightline.scratch.penalties import PENALTIES


def descend(
    X: np.ndarray,
    targets: np.ndarray,
    parameters: dict[str, np.ndarray],
    learner: "LogisticRegression | SoftmaxRegression",
) -> None:
    """Change W (features, k) and b (k,) in place by the learner's settings; targets are (n, k)."""
    if learner.penalty not in PENALTIES:
        raise ValueError(f"unknown penalty '{learner.penalty}'; there are {', '.join(PENALTIES)}")
    push = PENALTIES[learner.penalty][1]
    rng = np.random.default_rng(learner.seed)
    optimizer = SGD(learner.rate, learner.momentum)
    n, size = len(X), learner.batch_size or len(X)
    for _ in range(learner.epochs):
        order = np.arange(n) if size >= n else rng.permutation(n)
        for start in range(0, n, size):
            rows = order[start : start + size]
            chances = learner.activate(X[rows] @ parameters["W"] + parameters["b"])  # (rows, k)
            gradient = (chances - targets[rows]) / len(rows)
            W_gradient = X[rows].T @ gradient + learner.strength * push(parameters["W"])
            optimizer.step(parameters, {"W": W_gradient, "b": gradient.sum(axis=0)})


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

    def activate(self, scores: np.ndarray) -> np.ndarray:
        """Scores to probabilities of class 1."""
        return sigmoid(scores)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels 0 or 1, from zero weights."""
        X = as_matrix(X)
        y = as_binary(y, len(X))
        parameters = {"W": np.zeros((X.shape[1], 1)), "b": np.zeros(1)}
        descend(X, y[:, None], parameters, self)
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

    def activate(self, scores: np.ndarray) -> np.ndarray:
        """Scores to probabilities of each class."""
        return softmax(scores)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels, from zero weights."""
        X = as_matrix(X)
        y = as_labels(y, len(X))
        classes = int(y.max()) + 1
        parameters = {"W": np.zeros((X.shape[1], classes)), "b": np.zeros(classes)}
        descend(X, one_hot(y, classes), parameters, self)
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
