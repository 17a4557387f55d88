"""Losses of scores: hinge, squared hinge, softmax cross-entropy, squared error.

Starter book, chapter 8 (equations 8.5 to 8.14); course notes 3.17. A loss of scores (n, k) and
labels (n,) is one number a row; the gradient is of the mean over the rows, with respect to the
scores, shape (n, k).

    hinge           L_i = sum over j != y_i of max(0, s_j - s_y + 1)
    squared hinge   the same, each term squared
    cross-entropy   L_i = -ln(exp(s_y) / sum_j exp(s_j))
    squared error   L_i = sum_j (s_j - t_j)^2 / 2

A hinge loss of 0 asks for a margin of 1: a row may be classified rightly and still cost something.
"""

from collections.abc import Callable

import numpy as np

# Figure 8.5: scores for dog, cat, panda of a dog, a cat and a panda.
HINGE_EXAMPLE = np.array([[4.26, 1.33, -1.01], [3.76, -1.20, -3.81], [-2.37, 1.03, -2.27]])
# Figure 8.6: the same three scores of one panda.
SOFTMAX_EXAMPLE = np.array([[-3.44, 1.16, 3.91]])


def margins(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """max(0, s_j - s_y + 1), (n, k), with 0 at j = y."""
    rows = np.arange(len(y))
    missing = np.maximum(0, scores - scores[rows, y][:, None] + 1)
    missing[rows, y] = 0
    return missing


def hinge(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multi-class SVM loss of each row (8.5), (n,)."""
    return margins(scores, y).sum(axis=1)


def hinge_gradient(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Each class over the margin is pushed down once, the true one up as often. (n, k)"""
    gradient = (margins(scores, y) > 0).astype(scores.dtype)
    gradient[np.arange(len(y)), y] = -gradient.sum(axis=1)
    return gradient / len(y)


def squared_hinge(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Every term of the hinge loss squared (8.7), (n,)."""
    return (margins(scores, y) ** 2).sum(axis=1)


def squared_hinge_gradient(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As hinge, each push weighted by twice its margin. (n, k)"""
    gradient = 2 * margins(scores, y)
    gradient[np.arange(len(y)), y] = -gradient.sum(axis=1)
    return gradient / len(y)


def softmax(scores: np.ndarray) -> np.ndarray:
    """exp(s) / sum exp(s) along the last axis; the largest score is taken off first, so that no
    exponential overflows."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the natural logarithm of the true class's softmax (8.13), (n,)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]


def cross_entropy_gradient(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Probabilities minus the one-hot truth, over n. (n, k)"""
    gradient = softmax(scores)
    gradient[np.arange(len(y)), y] -= 1
    return gradient / len(y)


def squared_error(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Half the squared distance of each row of (n, k) outputs to (n, k) targets, (n,)."""
    if outputs.shape != targets.shape:
        raise ValueError(f"outputs are {outputs.shape}, targets {targets.shape}; expected the same")
    return 0.5 * ((outputs - targets) ** 2).sum(axis=1)


def squared_error_gradient(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(outputs - targets) / n, (n, k)."""
    return (outputs - targets) / len(outputs)


# name: loss of (scores, labels) a row, and gradient of its mean
LOSSES: dict[
    str,
    tuple[
        Callable[[np.ndarray, np.ndarray], np.ndarray],
        Callable[[np.ndarray, np.ndarray], np.ndarray],
    ],
] = {
    "cross-entropy": (cross_entropy, cross_entropy_gradient),
    "hinge": (hinge, hinge_gradient),
    "squared-hinge": (squared_hinge, squared_hinge_gradient),
}
