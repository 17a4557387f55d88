"""The error of a mean of models: formula, simulation, and measured errors."""

import numpy as np
import pytest

from sightline.lab.bagging import ensembles, formula, moments, simulate


def test_the_formula_is_as_worked_by_hand() -> None:
    assert formula(1.0, 0.0, 4) == 0.25
    assert formula(1.0, 1.0, 4) == 1.0
    assert formula(2.0, 0.5, 2) == pytest.approx(1.25)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 1.0])
def test_drawn_errors_follow_the_formula(correlation: float) -> None:
    found = simulate(correlation, 10, 40_000, np.random.default_rng(0))
    np.testing.assert_allclose(found, formula(1.0, correlation, np.arange(1.0, 11)), rtol=0.05)


def test_the_mean_of_all_models_has_exactly_the_error_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 50)
    chances = rng.dirichlet(np.ones(10), (6, 50))
    errors = chances - np.eye(10)[y]
    squares, wrong = ensembles(chances, errors, y, rng)
    v, c = moments(errors)
    assert v == pytest.approx((errors**2).mean())
    assert squares[-1] == pytest.approx(float(formula(v, c, 6)))
    assert squares[-1] == pytest.approx((errors.mean(axis=0) ** 2).mean())
    assert wrong[-1] == pytest.approx((chances.mean(axis=0).argmax(axis=1) != y).mean())
