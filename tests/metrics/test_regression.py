"""Regression figures against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from sightline.metrics.regression import RegressionMeter
from sightline.types import Annotation


def measured(truth: np.ndarray, guess: np.ndarray, batch: int = 1000) -> RegressionMeter:
    meter = RegressionMeter([f"v{i}" for i in range(truth.shape[1])])
    for start in range(0, len(truth), batch):
        rows = range(start, min(start + batch, len(truth)))
        meter.update(
            [Annotation(values=guess[i]) for i in rows],
            [Annotation(values=truth[i]) for i in rows],
            list(rows),
        )
    return meter


def values(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(20, 5, (n, k)) * 10.0 ** np.arange(k)
    guess = truth + rng.normal(0, 3, (n, k))
    return truth.astype(np.float32), guess.astype(np.float32)


@pytest.mark.parametrize(("n", "k"), [(50, 1), (2, 1), (200, 3)])
@pytest.mark.parametrize("batch", [1000, 1, 7])
def test_figures_are_scikit_learns_in_any_batches(n: int, k: int, batch: int) -> None:
    truth, guess = values(n, k, 0)
    wide, wide_guess = truth.astype(np.float64), guess.astype(np.float64)
    figures = measured(truth, guess, batch).result()
    assert figures["mae"] == pytest.approx(mean_absolute_error(wide, wide_guess))
    assert figures["loss"] == pytest.approx(mean_squared_error(wide, wide_guess))
    assert figures["rmse"] == pytest.approx(mean_squared_error(wide, wide_guess) ** 0.5)
    assert figures["r2"] == pytest.approx(r2_score(wide, wide_guess))
    assert figures["images"] == n


def test_guessing_the_mean_has_an_r2_of_nothing() -> None:
    truth, _ = values(40, 2, 1)
    guess = np.broadcast_to(truth.mean(0), truth.shape)
    assert measured(truth, guess).result()["r2"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_a_constant_truth_has_scikit_learns_r2(off: float) -> None:
    """1 where every guess is right, else 0."""
    truth = np.full((5, 1), 3, np.float32)
    expected = r2_score(truth, truth + off)
    assert measured(truth, truth + np.float32(off)).result()["r2"] == expected


def test_large_values_lose_no_digits() -> None:
    truth = np.array([[1e7], [1e7 + 1], [1e7 + 2]], np.float32)
    figures = measured(truth, truth + 1).result()
    assert figures["mae"] == 1
    assert figures["r2"] == pytest.approx(1 - 3 / 2)


def test_pairs_are_kept_with_their_indices() -> None:
    truth, guess = values(6, 2, 2)
    meter = RegressionMeter(("a", "b"))
    for i in (4, 0, 5):
        meter.update([Annotation(values=guess[i])], [Annotation(values=truth[i])], [np.int64(i)])
    truths, guesses, indices = meter.pairs()
    assert indices == [4, 0, 5]
    assert np.array_equal(truths, truth[indices])
    assert np.array_equal(guesses, guess[indices])
