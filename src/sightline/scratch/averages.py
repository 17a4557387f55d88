"""Exponentially weighted averages.

Course notes 3.9:  V_t = b V_(t-1) + (1 - b) x_t,  V_0 = 0,  about the mean of the last 1 / (1 - b)
samples. Begun at 0 it is too small at first; V_t / (1 - b^t) corrects that.
"""

import numpy as np


def weighted_averages(x: np.ndarray, beta: float, corrected: bool = True) -> np.ndarray:
    """Running averages along the first axis, the shape of x; 0 <= beta < 1."""
    if not 0 <= beta < 1:
        raise ValueError(f"beta is {beta}; expected 0 up to but not 1")
    x = np.asarray(x, dtype=np.float64)
    averages, V = np.empty_like(x), np.zeros(x.shape[1:])
    for t, value in enumerate(x, start=1):
        V = beta * V + (1 - beta) * value
        averages[t - 1] = V / (1 - beta**t) if corrected else V
    return averages


def samples_averaged(beta: float) -> float:
    """About how many of the last samples count, 1 / (1 - beta): older ones weigh under 1/e."""
    return 1 / (1 - beta)
