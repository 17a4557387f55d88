"""Penalties on weights: L1, L2, elastic net.

Starter book, chapter 9 (equations 9.8 to 9.16). The whole loss is mean(L_i) + strength * R(W), and
the step is W - rate * (gradient of the loss + strength * gradient of R). Equation 9.13 as printed
adds R(W) itself, which is a slip: what is subtracted is its gradient.

    L1            R = sum |W|                   gradient sign(W), 0 at 0
    L2            R = sum W^2                   gradient 2 W
    elastic net   R = sum (beta W^2 + |W|)      gradient 2 beta W + sign(W)

Biases are never penalized (course notes 1-2).

L1's gradient jumps at 0, so that plain steps carry a weight back and forth across 0 and never end
there. `shrink` takes L1's part of a step exactly: it moves a weight to 0 and no further (a proximal
step; Tsuruoka, Tsujii and Ananiadou, 2009, clip likewise). `SMOOTH` has what else is in R.
"""

from collections.abc import Callable

import numpy as np


def l1(W: np.ndarray) -> float:
    """Sum of absolute weights (9.15)."""
    return float(np.abs(W).sum())


def l1_gradient(W: np.ndarray) -> np.ndarray:
    """sign(W); 0 where a weight is 0."""
    return np.sign(W)


def l2(W: np.ndarray) -> float:
    """Sum of squared weights, without the factor 1/2 that others use (9.14)."""
    return float((W**2).sum())


def l2_gradient(W: np.ndarray) -> np.ndarray:
    """2 W."""
    return 2 * W


def elastic_net(W: np.ndarray, beta: float = 0.5) -> float:
    """beta times L2 plus L1 (9.16)."""
    return beta * l2(W) + l1(W)


def elastic_net_gradient(W: np.ndarray, beta: float = 0.5) -> np.ndarray:
    """2 beta W + sign(W)."""
    return beta * l2_gradient(W) + l1_gradient(W)


def no_penalty(W: np.ndarray) -> float:  # noqa: ARG001 - it is called as the others are
    """0, whatever the weights."""
    return 0.0


# name: R(W) and its gradient
PENALTIES: dict[str, tuple[Callable[[np.ndarray], float], Callable[[np.ndarray], np.ndarray]]] = {
    "elastic-net": (elastic_net, elastic_net_gradient),
    "l1": (l1, l1_gradient),
    "l2": (l2, l2_gradient),
    "none": (no_penalty, np.zeros_like),
}


def shrink(W: np.ndarray, by: float) -> np.ndarray:
    """Every weight nearer to 0 by `by`; those that are within it are 0."""
    return np.sign(W) * np.maximum(np.abs(W) - by, 0)


# name: whether |W| is in R, and the gradient of the rest of R
SMOOTH: dict[str, tuple[bool, Callable[[np.ndarray], np.ndarray]]] = {
    "elastic-net": (True, lambda W: elastic_net_gradient(W) - l1_gradient(W)),
    "l1": (True, np.zeros_like),
    "l2": (False, l2_gradient),
    "none": (False, np.zeros_like),
}
