"""Classifiers of scikit-learn under the contract of our learners: fitted there, used in NumPy.

For features of networks: thousands of numbers an image, few images. Practitioner book, feature
extraction: logistic regression, its C by cross-validation over powers of ten.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

GRID = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)  # of C, the book's
FINE = (0.001, 0.01, 0.1, 1.0)  # of support vectors, which take minutes for more and gain nothing
Array = NDArray[np.float64]


def chosen(
    model: Any, C: float, folds: int, seed: int, X: NDArray[Any], y: NDArray[np.int64]
) -> Any:
    """The model fitted with C; where C is 0, with a grid's best by cross-validated accuracy."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    if not 0 <= C < np.inf:
        raise ValueError(f"C: expected above 0, or 0 for cross-validation, got {C}")
    if len(np.unique(y)) < 2:
        raise ValueError("y holds one class; expected two or more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the largest C hardly ever matter
        if C:
            return model.set_params(C=C).fit(X, y)
        least = int(np.bincount(y)[np.bincount(y) > 0].min())
        if min(folds, least) < 2:
            raise ValueError("a class has one row, too few to choose C by; give C")
        cut = StratifiedKFold(min(folds, least), shuffle=True, random_state=seed)
        grid = GRID if hasattr(model, "predict_proba") else FINE
        return GridSearchCV(model, {"C": list(grid)}, cv=cut).fit(X, y).best_estimator_


def linear(model: Any, classes: int) -> tuple[Array, Array]:
    """Weights (features, classes) and biases (classes,) of a fitted model; of two classes it has
    one column, and classes that it never saw get no score."""
    W, b = model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
    if W.shape[1] == 1:
        W, b = np.hstack([np.zeros_like(W), W]), np.array([0.0, b[0]])
    weights, biases = np.zeros((len(W), classes)), np.full(classes, -1e9)
    weights[:, model.classes_], biases[model.classes_] = W, b
    return weights, biases


class Scores:
    """Linear scores of classes, and shares by softmax: what is kept of a fitted classifier."""

    def __init__(self, weights: Array, biases: Array, C: float) -> None:
        if weights.shape[1:] != biases.shape:
            raise ValueError(f"weights {weights.shape} and biases {biases.shape}")
        self.weights, self.biases, self.C = weights, biases, C

    def shares(self, X: NDArray[Any]) -> Array:
        """Rows (n, features) to (n, classes), adding up to 1."""
        scores = np.asarray(X, np.float64) @ self.weights + self.biases
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Array = raised / raised.sum(axis=1, keepdims=True)
        return found


class Linear(ABC):
    """A linear classifier: C, or 0 to choose it by cross-validation. After fit: `scores_`."""

    scores_: Scores

    @abstractmethod
    def fit(self, X: NDArray[Any], y: NDArray[np.int64]) -> Self:
        """Learn from rows (n, features) and labels (n,); ValueError where that cannot be."""

    def predict_proba(self, X: NDArray[Any]) -> Array:
        return self.scores_.shares(X)

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        return self.predict_proba(X).argmax(axis=1)

    def score(self, X: NDArray[Any], y: NDArray[np.int64]) -> float:
        return float(np.mean(self.predict(X) == y))

    def state(self) -> dict[str, Array]:
        kept = self.scores_
        return {"weights": kept.weights, "biases": kept.biases, "C": np.array([kept.C])}

    def load_state(self, state: dict[str, Array]) -> None:
        self.scores_ = Scores(state["weights"], state["biases"], float(state["C"][0]))


@dataclass(eq=False)
class Logistic(Linear):
    """Softmax regression with an L2 penalty of strength 1 / C."""

    C: float = 0.0
    folds: int = 3
    iterations: int = 300
    seed: int = 0

    def fit(self, X: NDArray[Any], y: NDArray[np.int64]) -> Self:
        from sklearn.linear_model import LogisticRegression

        X = np.asarray(X, np.float32)  # a third of the time of float64, the same answers
        model = LogisticRegression(max_iter=self.iterations, random_state=self.seed)
        found = chosen(model, self.C, self.folds, self.seed, X, y)
        self.scores_ = Scores(*linear(found, int(y.max()) + 1), float(found.C))
        return self


@dataclass(eq=False)
class SupportVectors(Linear):
    """A linear support vector machine, one class against the rest. Its shares are a softmax of
    its scores, which it was not trained to make probabilities of."""

    C: float = 0.0
    folds: int = 3
    iterations: int = 2000
    seed: int = 0

    def fit(self, X: NDArray[Any], y: NDArray[np.int64]) -> Self:
        from sklearn.svm import LinearSVC

        X = np.asarray(X, np.float64)  # liblinear has no other
        model = LinearSVC(max_iter=self.iterations, random_state=self.seed)
        found = chosen(model, self.C, self.folds, self.seed, X, y)
        self.scores_ = Scores(*linear(found, int(y.max()) + 1), float(found.C))
        return self


CLASSIFIERS: dict[str, type] = {"logistic": Logistic, "svm": SupportVectors}
