"""Intervals and tests against SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sightline.metrics.intervals import bootstrap, bootstrap_mean, holm, mcnemar


def test_the_bootstrap_is_scipys_with_the_same_draws() -> None:
    values = np.random.default_rng(3).normal(0, 1, 80)
    found = bootstrap(80, lambda rows: float(np.median(values[rows])), draws=500, seed=7)
    expected = stats.bootstrap(
        (values,), np.median, n_resamples=500, method="percentile", vectorized=True,
        rng=np.random.default_rng(7),
    ).confidence_interval  # fmt: skip
    assert found == pytest.approx((expected.low, expected.high))


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(100):
        low, high = bootstrap_mean((rng.random(60) < 0.7).astype(float), seed)
        inside += low <= 0.7 <= high
    assert 88 <= inside <= 100


def test_a_seed_gives_the_same_interval_again() -> None:
    values = np.arange(30.0)
    assert bootstrap_mean(values, 4) == bootstrap_mean(values, 4) != bootstrap_mean(values, 5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
def test_mcnemars_test_is_scipys_binomial_test(b: int, c: int, both: int) -> None:
    first = np.array([True] * b + [False] * c + [True] * both, bool)
    second = np.array([False] * b + [True] * c + [True] * both, bool)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (b, c)
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert found.p == pytest.approx(expected)


def test_thousands_of_differences_make_no_trouble() -> None:
    first = np.arange(20_000) < 10_300
    expected = stats.binomtest(10_300, 20_000).pvalue
    assert mcnemar(first, ~first).p == pytest.approx(expected, rel=1e-6)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
