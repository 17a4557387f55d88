"""What learners take: a table of features, a column of labels, and errors that say both shapes."""

import numpy as np


def as_matrix(X: np.ndarray, features: int | None = None) -> np.ndarray:
    """X as float64 of shape (n, features), values as they are: bytes stay 0 to 255.

    A ValueError says the shape that was expected and the one that came.
    """
    X = np.asarray(X)
    wanted = f"(n, {'features' if features is None else features})"
    if X.ndim != 2 or (features is not None and X.shape[1] != features):
        raise ValueError(f"X has shape {X.shape}; expected {wanted}")
    if X.dtype.kind not in "fuib":
        raise ValueError(f"X has dtype {X.dtype}; expected numbers")
    return X.astype(np.float64)


def as_labels(y: np.ndarray, n: int) -> np.ndarray:
    """y as int64 of shape (n,), classes counted from 0; ValueError for anything else."""
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"y has shape {y.shape}; expected ({n},), one label a row of X")
    if y.dtype.kind not in "uib" or n == 0 or y.min() < 0:
        raise ValueError(
            f"y holds {y.dtype} values; expected whole numbers from 0 up, at least one"
        )
    return y.astype(np.int64)


def as_binary(y: np.ndarray, n: int) -> np.ndarray:
    """y as int64 of shape (n,), every label 0 or 1; ValueError for anything else."""
    y = as_labels(y, n)
    if y.max() > 1:
        raise ValueError(f"y goes up to {y.max()}; expected the two classes 0 and 1")
    return y


def one_hot(y: np.ndarray, classes: int) -> np.ndarray:
    """(n,) labels to (n, classes) of zeros with a one at the label."""
    return np.eye(classes)[y]


def accuracy(predicted: np.ndarray, y: np.ndarray) -> float:
    """Share of labels that are right, 0 to 1."""
    return float(np.mean(predicted == as_labels(y, len(predicted))))
