"""Points and digits that several topics learn from, all of them installed with scikit-learn."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_moons

from sightline.lab.pictures import Array

Labels = NDArray[np.int64]


def moons(n: int, noise: float, seed: int) -> tuple[Array, Labels]:
    """Two half moons that reach into one another: points (n, 2) and labels 0 or 1."""
    X, y = make_moons(n, noise=noise, random_state=seed)
    return X, y.astype(np.int64)


def digits(train: int, seed: int) -> tuple[Array, Labels, Array, Labels]:
    """Scikit-learn's 1,797 digits of 8 x 8, values 0 to 1, mixed: `train` to learn from, with as
    many of each class as can be, and the others to test on."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    turn = np.empty(len(X), np.int64)  # the how-manieth of its class each example is
    for label in range(10):
        mine = order[y[order] == label]
        turn[mine] = np.arange(len(mine))
    order = order[np.argsort(turn[order], kind="stable")]
    X, y = X[order] / 16, y[order].astype(np.int64)
    return X[:train], y[:train], X[train:], y[train:]
