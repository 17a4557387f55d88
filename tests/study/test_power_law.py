"""Power laws of learning curves: found again, and drawn on only where they fit."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from sightline.study.power_law import fit, foretold

IMAGES = [100, 200, 400, 700, 1000]


def test_a_law_without_noise_is_found_again() -> None:
    errors = [0.03 + 1.5 * m**-0.5 for m in IMAGES]
    law = fit(IMAGES, errors, 1_000_000)
    assert law is not None
    assert law.good
    assert law.explained > 0.9999
    assert law.rate == pytest.approx(0.5, abs=0.02)
    assert law.at(2000) == pytest.approx(0.03 + 1.5 * 2000**-0.5, abs=2e-4)


def test_the_law_lies_as_near_to_noisy_errors_as_scipys() -> None:
    rng = np.random.default_rng(3)
    n, x = 2000, np.array(IMAGES, float)
    errors = rng.binomial(n, 0.05 + 2 * x**-0.6) / n
    law = fit(IMAGES, errors.tolist(), n)
    assert law is not None
    sigma = np.sqrt(errors * (1 - errors) / n)
    start = (law.floor, law.scale, law.rate)
    best, _ = curve_fit(
        lambda m, a, b, c: a + b * m**-c, x, errors, start, sigma,
        bounds=([0, 0, 0.01], [1, 100, 3]),
    )  # fmt: skip
    theirs = best[0] + best[1] * 2000.0 ** -best[2]
    assert law.at(2000) == pytest.approx(theirs, abs=0.003)


def test_what_is_no_law_is_not_drawn_on() -> None:
    law = fit(IMAGES, [0.2, 0.35, 0.1, 0.3, 0.2], 500)
    assert law is not None
    assert not law.good
    rising = fit(IMAGES, [0.1, 0.12, 0.15, 0.17, 0.18], 500)
    assert rising is not None
    assert not rising.good
    assert fit(IMAGES[:3], [0.3, 0.2, 0.1], 500) is None


def test_the_range_holds_what_comes_in_about_95_of_100() -> None:
    rng = np.random.default_rng(0)
    x, n = np.array(IMAGES, float), 1000
    truth = 0.04 + 2 * 2000**-0.5
    held = 0
    for seed in range(24):
        errors = (rng.binomial(n, 0.04 + 2 * x**-0.5) / n).tolist()
        low, high = foretold(IMAGES, errors, n, 2000, seed)
        held += low <= truth <= high
    assert held >= 20


def test_errors_of_zero_do_not_break_the_law() -> None:
    law = fit(IMAGES, [0.05, 0.02, 0.01, 0.0, 0.0], 100)
    assert law is not None
    assert np.isfinite(law.at(2000))
