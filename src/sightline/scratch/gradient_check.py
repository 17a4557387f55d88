"""Gradient checking: the analytic gradient beside the slope of the loss itself.

Course notes 1.7; Starter book, equation 9.1. For each parameter t,

    d_approx = (J(t + e) - J(t - e)) / 2e,     difference = |d_approx - d| / (|d_approx| + |d|)

with Euclidean lengths over all parameters. About 1e-7 is good, above 1e-3 is a bug. Check with the
penalty in the loss and dropout off, then switch the check off: it costs two losses a parameter.
"""

from collections.abc import Callable

import numpy as np


def numerical_gradient(
    loss: Callable[[], float], parameter: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Central differences of loss() by every entry of parameter, which is moved and put back."""
    gradient = np.zeros_like(parameter)
    for place in np.ndindex(parameter.shape):
        kept = parameter[place]
        parameter[place] = kept + step
        above = loss()
        parameter[place] = kept - step
        below = loss()
        parameter[place] = kept
        gradient[place] = (above - below) / (2 * step)
    return gradient


def relative_difference(approximate: np.ndarray, exact: np.ndarray) -> float:
    """|a - b| / (|a| + |b|) from 0, alike, to 1; 0 where both are zero."""
    total = float(np.linalg.norm(approximate) + np.linalg.norm(exact))
    return float(np.linalg.norm(approximate - exact)) / total if total else 0.0


def check_gradients(
    loss: Callable[[], float],
    parameters: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
    step: float = 1e-5,
) -> dict[str, float]:
    """Relative difference of every parameter's gradient; loss() reads the arrays themselves."""
    return {
        name: relative_difference(numerical_gradient(loss, parameter, step), gradients[name])
        for name, parameter in parameters.items()
    }
