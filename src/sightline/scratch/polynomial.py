"""Polynomials of any degree by least squares, with weight decay.

Theory book, learning and capacity.

    y = w_0 + w_1 x + ... + w_d x^d
    w = the smallest w that minimizes |A w - y|^2 + decay (w_1^2 + ... + w_d^2)

A has a row 1, x, ..., x^d an example. The constant is not penalized. With decay 0 and more
coefficients than examples many polynomials pass through all of them: of these it is the one whose
squared coefficients have the smallest sum.

What it shows: the degree is the capacity; the decay takes capacity back without lowering it.
"""

import numpy as np


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    """(n,) numbers to (n, degree + 1): 1, x, x^2, ... Keep x within -1 to 1."""
    return np.vander(x, degree + 1, increasing=True)


def fit(x: np.ndarray, y: np.ndarray, degree: int, decay: float = 0.0) -> np.ndarray:
    """Coefficients (degree + 1,) for x (n,) and y (n,), or (degree + 1, k) for k columns y (n, k)
    at once. ValueError for other shapes, a negative degree or decay."""
    if x.ndim != 1 or len(x) == 0 or y.shape[:1] != x.shape:
        raise ValueError(f"x has shape {x.shape}, y {y.shape}; expected (n,) and (n,) or (n, k)")
    if degree < 0 or decay < 0:
        raise ValueError(f"degree {degree}, decay {decay}; expected 0 or more")
    A = powers(x, degree)
    if decay > 0:  # the penalty as rows more, one a coefficient, whose truth is 0
        A = np.vstack([A, np.sqrt(decay) * np.eye(degree + 1)[1:]])
        y = np.concatenate([y, np.zeros((degree, *y.shape[1:]))])
    solution: np.ndarray = np.linalg.lstsq(A, y, rcond=None)[0]
    return solution


def values(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The polynomial at x (n,): (n,), or (n, k) for (degree + 1, k) coefficients."""
    return powers(x, len(coefficients) - 1) @ coefficients
