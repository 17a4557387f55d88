"""Optimizers on surfaces: right gradients, and steps that can be counted by hand."""

import numpy as np
import pytest

from sightline.lab.optimizers import LOST, RULES, SURFACES, best, walked
from sightline.scratch.gradient_check import numerical_gradient, relative_difference


@pytest.mark.parametrize("name", SURFACES)
def test_a_surfaces_gradient_is_its_losss_slope_and_its_least_loss_is_zero(name: str) -> None:
    surface = SURFACES[name]
    w = np.array([0.7, -0.4])
    slope = numerical_gradient(lambda: float(surface.loss(w)), w)
    assert relative_difference(slope, surface.gradient(w)) < 1e-8
    for place in surface.least:
        assert surface.loss(np.array(place)) == pytest.approx(0, abs=1e-12)


def test_sgd_in_the_valley_needs_the_steps_that_algebra_says() -> None:
    walk = walked(SURFACES["valley"], "sgd", [1.0, 0.02], 300, 0.01)[1]
    x = -4 * 0.98 ** np.arange(301)
    y = (1 - 0.02 * 90.0) ** np.arange(301)
    np.testing.assert_allclose(walk.places, np.column_stack([x, y]), atol=1e-12)
    assert walk.losses[walk.needed] < 0.01  # the median of starts around is its own here
    assert walk.losses[walk.needed - 1] >= 0.01


def test_a_rate_too_large_runs_off_and_is_never_the_best() -> None:
    (lost,) = walked(SURFACES["valley"], "sgd", [1.0], 50, 0.01)
    assert lost.losses[-1] == LOST and np.isfinite(lost.places).all() and lost.needed > 50
    assert best(SURFACES["valley"], "sgd", (1.0, 0.02), 50, 0.01).rate == 0.02


def test_momentum_beats_plain_descent_in_a_long_valley() -> None:
    needed = {
        rule: best(SURFACES["valley"], rule, (0.005, 0.02), 300, 0.01).needed for rule in RULES
    }
    assert needed["nesterov"] < needed["momentum"] < needed["sgd"]
