"""Capacity: what must hold of the errors, whatever is drawn."""

import numpy as np
import pytest

from sightline.lab import capacity


def test_no_median_on_new_points_is_below_the_noise_and_training_error_only_falls() -> None:
    errors = capacity.medians(np.random.default_rng(0), count=10, noise=0.2, degrees=9, sets=40)
    assert (errors[:, 1] >= 0.04).all()
    assert (np.diff(errors[:, 0]) <= 0).all()
    assert errors[9, 0] == 0 and errors[:, 1].argmin() == 2


def test_the_error_on_new_points_is_that_of_a_large_test_set() -> None:
    rng = np.random.default_rng(1)
    x, y = capacity.drawn(10, 0.2, rng)
    new = rng.uniform(-1, 1, 200_000)
    values = capacity.truth(new) + rng.normal(0, 0.2, len(new))
    fitted = capacity.polynomial.fit(x, y, 1)
    measured = ((capacity.polynomial.values(fitted, new) - values) ** 2).mean()
    assert capacity.error(x, y, 1, 0, 0.2) == pytest.approx(measured, rel=0.02)
