"""Newcombe's interval of the difference of two shares: his own table, and how often it is right."""

import numpy as np
import pytest
from scipy import stats

from sightline.metrics.intervals import newcombe

TABLE = [  # Newcombe 1998, Statistics in Medicine 17, table II, method 10: first less second
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0),
    ((10, 10), (0, 10), 0.6075, 1.0),
]


@pytest.mark.parametrize(("first", "second", "low", "high"), TABLE)
def test_the_interval_is_that_of_newcombes_table(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(second, first) == pytest.approx((low, high), abs=6e-5)


def test_the_interval_is_made_of_two_of_scipys_wilson_intervals() -> None:
    for (k, n), (j, m) in [((3, 40), (9, 60)), ((0, 269), (4, 269)), ((62, 5400), (8, 600))]:
        a, b = (
            stats.binomtest(count, total).proportion_ci(method="wilson")
            for count, total in ((k, n), (j, m))
        )
        p, q = k / n, j / m
        low = q - p - np.sqrt((q - b.low) ** 2 + (a.high - p) ** 2)
        high = q - p + np.sqrt((b.high - q) ** 2 + (p - a.low) ** 2)
        assert newcombe((k, n), (j, m)) == pytest.approx((low, high), abs=1e-6)


def test_the_interval_holds_the_true_difference_in_about_95_of_100() -> None:
    rng = np.random.default_rng(0)
    for p, q in ((0.02, 0.05), (0.3, 0.3), (0.01, 0.2)):
        pairs = zip(rng.binomial(500, p, 1000), rng.binomial(80, q, 1000), strict=True)
        ranges = [newcombe((int(a), 500), (int(b), 80)) for a, b in pairs]
        held = np.mean([low <= q - p <= high for low, high in ranges])
        assert 0.93 < held < 0.985, (p, q, held)


def test_the_other_way_round_the_interval_is_mirrored() -> None:
    low, high = newcombe((5, 50), (12, 70))
    assert newcombe((12, 70), (5, 50)) == pytest.approx((-high, -low))
