"""The parts of the error against least squares' own formulas."""

import numpy as np
import pytest

from sightline.lab import bias_variance
from sightline.scratch.polynomial import powers


@pytest.mark.parametrize("degree", [1, 3, 6])
def test_bias_and_variance_are_those_of_the_formulas(degree: int) -> None:
    found = bias_variance.run(sets=4000, noise=0.4, count=15, degrees=degree).tables[0].rows
    A, B = (powers(x, degree) for x in (np.linspace(-1, 1, 15), bias_variance.AT))
    solve = np.linalg.solve(A.T @ A, A.T)
    mean = B @ solve @ bias_variance.truth(np.linspace(-1, 1, 15))
    _, bias, variance, noise, total, measured = found[degree]
    assert variance == pytest.approx(0.16 * ((B @ solve) ** 2).sum(axis=1).mean(), rel=0.03)
    off = ((mean - bias_variance.truth(bias_variance.AT)) ** 2).mean()
    assert bias == pytest.approx(off, abs=0.001)
    assert (noise, total) == (pytest.approx(0.16), pytest.approx(bias + variance + noise))
    assert measured == pytest.approx(total, rel=0.01)
