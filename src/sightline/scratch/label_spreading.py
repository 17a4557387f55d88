"""Label spreading and label propagation: a few labels walk along the edges of a graph.

Zhou et al., 2004; Zhu and Ghahramani, 2002; Starter book, chapter 4 (semi-supervised learning).
W (n, n) says how near rows are; D holds its row sums; Y (n, classes) is one-hot for rows with a
label and 0 for the others, whose label is -1.

    spreading      S = D^-1/2 W D^-1/2,  W without its diagonal;  F <- alpha S F + (1 - alpha) Y
    propagation    T = D^-1 W;  F <- T F, then the known rows are set back to their label

A row's answer is where its F is largest. Spreading lets the crowd outvote a wrong label, the more
so the nearer alpha is to 1; propagation never doubts one.

What it shows: where rows of one class hang together, a few labels do for all of it.
"""

import numpy as np


def closeness(X: np.ndarray, gamma: float) -> np.ndarray:
    """exp(-gamma |a - b|^2) of all rows (n, features) with one another, (n, n)."""
    lengths = (X**2).sum(axis=1)
    squares = lengths[:, None] + lengths - 2 * X @ X.T
    return np.exp(-gamma * np.maximum(squares, 0))


def neighborhood(X: np.ndarray, k: int) -> np.ndarray:
    """1 where one of two rows is among the k nearest of the other, else 0; (n, n), symmetric."""
    if not 1 <= k < len(X):
        raise ValueError(f"k is {k}; expected 1 to {len(X) - 1}, the other rows")
    lengths = (X**2).sum(axis=1)
    squares = lengths[:, None] + lengths - 2 * X @ X.T
    np.fill_diagonal(squares, np.inf)
    nearest = np.argpartition(squares, k - 1, axis=1)[:, :k]  # (n, k)
    W = np.zeros((len(X), len(X)))
    np.put_along_axis(W, nearest, 1, axis=1)
    return np.maximum(W, W.T)


def one_hot_of_known(labels: np.ndarray, n: int) -> np.ndarray:
    """(n,) labels, -1 where unknown, to (n, classes) with rows of 0 for the unknown. ValueError
    for another shape, a label below -1, or none that is known."""
    if labels.shape != (n,) or labels.dtype.kind != "i":
        raise ValueError(f"labels are {labels.dtype} {labels.shape}; expected whole numbers ({n},)")
    if labels.min() < -1 or labels.max() < 0:
        low, high = labels.min(), labels.max()
        raise ValueError(f"labels are {low} to {high}; expected -1 (unknown) and 0 up")
    Y = np.zeros((n, int(labels.max()) + 1))
    known = labels >= 0
    Y[known, labels[known]] = 1
    return Y


def spread(
    W: np.ndarray, labels: np.ndarray, alpha: float = 0.9, rounds: int = 1000, least: float = 1e-6
) -> np.ndarray:
    """Shares of the classes for every row, (n, classes); a row that no label reaches is all 0.

    W (n, n) symmetric; labels (n,), -1 unknown; alpha above 0, below 1. Ends after `rounds`, or
    when F changes by less than `least` in all.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected above 0 and below 1")
    Y = one_hot_of_known(labels, len(W))
    W = W.copy()
    np.fill_diagonal(W, 0)
    degrees = W.sum(axis=1)
    roots = np.divide(1, np.sqrt(degrees), out=np.zeros(len(W)), where=degrees > 0)
    S = roots[:, None] * W * roots
    F = Y
    for _ in range(rounds):
        moved = alpha * S @ F + (1 - alpha) * Y
        change = np.abs(moved - F).sum()
        F = moved
        if change < least:
            break
    return shares(F)


def propagate(
    W: np.ndarray, labels: np.ndarray, rounds: int = 1000, least: float = 1e-6
) -> np.ndarray:
    """As `spread`, but known rows keep their label."""
    Y = one_hot_of_known(labels, len(W))
    known = labels >= 0
    T = W / np.maximum(W.sum(axis=1, keepdims=True), 1e-300)
    F = Y
    for _ in range(rounds):
        moved = shares(T @ F)
        moved[known] = Y[known]
        change = np.abs(moved - F).sum()
        F = moved
        if change < least:
            break
    return F


def shares(F: np.ndarray) -> np.ndarray:
    """Rows that add up to 1; rows of 0 stay."""
    sums = F.sum(axis=1, keepdims=True)
    return np.divide(F, sums, out=np.zeros_like(F), where=sums > 0)
