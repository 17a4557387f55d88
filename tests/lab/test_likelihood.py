"""Likelihood, cross-entropy and KL of the coins by hand."""

import numpy as np
import pytest

from sightline.lab import likelihood


def test_the_three_curves_of_the_coins_are_least_at_the_mean() -> None:
    numbers = np.array([1, 2, 2, 3, 4])
    chances = np.linspace(0.01, 0.99, 981)
    for curve in likelihood.coins(numbers, chances):
        assert likelihood.lowest(chances, curve)[0] == pytest.approx(2.4 / 6, abs=1e-3)


def test_one_throw_is_as_worked_by_hand() -> None:
    # two heads of six at 1/2: 15 / 64; the data are one outcome, whose entropy is 0
    for curve in likelihood.coins(np.array([2]), np.array([0.5])):
        assert curve[0] == pytest.approx(-np.log(15 / 64))


def test_cross_entropy_less_kl_is_the_entropy_of_the_data() -> None:
    _, cross, divergence = likelihood.coins(np.array([0, 1, 1, 1]), np.linspace(0.1, 0.9, 9))
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    np.testing.assert_allclose(cross - divergence, entropy)


def test_search_and_formula_agree_with_and_without_a_prior() -> None:
    rows = {row[0]: row[1] for row in likelihood.run().tables[0].rows}
    assert rows["line: mean squared error"] == pytest.approx(rows["line: least squares"], abs=0.01)
    assert rows["line with prior: negative log posterior"] == pytest.approx(
        rows["line with prior: weight decay"], abs=0.01
    )
