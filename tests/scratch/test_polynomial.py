"""Polynomials against NumPy's own and scikit-learn's ridge regression."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sightline.scratch import polynomial


def some_points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 15)
    return x, x**2 + rng.normal(0, 0.2, 15)


@pytest.mark.parametrize("degree", [0, 1, 2, 9])
def test_without_decay_it_is_least_squares(degree: int) -> None:
    x, y = some_points()
    expected = np.polynomial.polynomial.polyfit(x, y, degree)
    np.testing.assert_allclose(polynomial.fit(x, y, degree), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("decay", [1e-3, 0.1, 10.0])
def test_with_decay_it_is_ridge_regression_that_spares_the_constant(decay: float) -> None:
    x, y = some_points()
    oracle = Ridge(alpha=decay).fit(polynomial.powers(x, 9)[:, 1:], y)
    found = polynomial.fit(x, y, 9, decay)
    np.testing.assert_allclose(found, [oracle.intercept_, *oracle.coef_], atol=1e-8)


def test_many_targets_at_once_are_as_one_at_a_time() -> None:
    x, y = some_points()
    both = polynomial.fit(x, np.column_stack([y, 2 - y]), 3, 0.1)
    np.testing.assert_allclose(both[:, 1], polynomial.fit(x, 2 - y, 3, 0.1), atol=1e-12)
    assert polynomial.values(both, x).shape == (15, 2)


def test_more_coefficients_than_points_pass_through_all_of_them() -> None:
    x, y = some_points()
    found = polynomial.values(polynomial.fit(x, y, 20), x)
    np.testing.assert_allclose(found, y, atol=1e-6)


def test_wrong_shapes_and_settings_are_refused() -> None:
    x, y = some_points()
    with pytest.raises(ValueError, match=r"\(14,\).*expected"):
        polynomial.fit(x, y[1:], 2)
    with pytest.raises(ValueError, match="expected 0 or more"):
        polynomial.fit(x, y, 2, -1)
