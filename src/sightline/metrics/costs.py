"""Mistakes that are not equally bad (Ng's course, 4.6): weights of classes, costs of confusions."""

import numpy as np
from numpy.typing import NDArray


def weighted_accuracy(
    confusion: NDArray[np.integer], weights: NDArray[np.floating] | list[float]
) -> float:
    """The share of images named rightly, each counted as often as its true class weighs.

    confusion  (k, k) truth x guess
    weights    (k,) 0 or more; 10 for what must never be missed

    Raises ValueError for weights that are not k, are negative, or leave nothing to count.
    """
    w = np.asarray(weights, np.float64)
    if w.shape != (len(confusion),) or not (np.isfinite(w).all() and (w >= 0).all()):
        raise ValueError(f"expected {len(confusion)} weights of 0 or more")
    total = float((w * confusion.sum(1)).sum())
    if total <= 0:
        raise ValueError("the weights leave no image to count")
    return float((w * np.diag(confusion)).sum()) / total


def mean_cost(confusion: NDArray[np.integer], costs: NDArray[np.floating]) -> float:
    """What an answer costs on average; costs (k, k) of each truth taken for each guess."""
    costs = np.asarray(costs, np.float64)
    if costs.shape != confusion.shape or not np.isfinite(costs).all():
        raise ValueError(f"expected {confusion.shape[0]} x {confusion.shape[1]} costs")
    return float((confusion * costs).sum() / max(1, int(confusion.sum())))


def cheapest(scores: NDArray[np.floating], costs: NDArray[np.floating]) -> NDArray[np.int64]:
    """(n,) the answers of least expected cost, by probabilities (n, k) and costs (k, k)."""
    return np.argmin(np.asarray(scores, np.float64) @ np.asarray(costs, np.float64), axis=1)
