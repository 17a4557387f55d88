"""Central differences, the oracle of every gradient."""

from collections.abc import Callable

import numpy as np


def central_differences(
    loss: Callable[[], float], at: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Slope of `loss` by every number of the float64 array `at`, which is moved and put back."""
    found = np.empty_like(at)
    for place in np.ndindex(at.shape):
        kept = at[place]
        at[place] = kept + step
        above = loss()
        at[place] = kept - step
        below = loss()
        at[place] = kept
        found[place] = (above - below) / (2 * step)
    return found


def relative_error(ours: np.ndarray, expected: np.ndarray) -> float:
    """|a - b| / (|a| + |b|), course 1.7."""
    gap = np.linalg.norm(ours - expected)
    return float(gap / (np.linalg.norm(ours) + np.linalg.norm(expected)))
