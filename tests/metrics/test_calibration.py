"""Calibration against brute force, scikit-learn, SciPy and torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import brier_score_loss, log_loss

from sightline.metrics.calibration import (
    Reliability,
    brier,
    fitted_temperature,
    negative_log_likelihood,
    reliability,
    tempered,
)

Table = tuple[np.ndarray, np.ndarray]


def answers(n: int = 400, classes: int = 5, sure: float = 3.0, seed: int = 0) -> Table:
    """Logits (n, k) that are `sure` times too large, and truths drawn by the right ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    shares = torch.softmax(torch.from_numpy(logits), 1).numpy()
    truth = np.array([rng.choice(classes, p=row) for row in shares])
    return sure * logits, truth


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits), 1).numpy()


def ece_by_hand(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Guo et al. 2017, equation 3, bin by bin."""
    total = 0.0
    for m in range(bins):
        low, high = m / bins, (m + 1) / bins
        inside = (confidence > low) & (confidence <= high) | (confidence == 0) & (m == 0)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            total += inside.sum() / len(right) * gap
    return total


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_the_calibration_error_is_that_of_bins_made_by_hand(bins: int) -> None:
    logits, truth = answers()
    scores = softmax(logits)
    confidence, right = scores.max(1), scores.argmax(1) == truth
    found = reliability(confidence, right, bins)
    assert found.ece == pytest.approx(ece_by_hand(confidence, right, bins))
    assert found.count.sum() == len(truth)
    assert found.mce > found.ece or bins == 1


def test_a_hand_table_of_bins() -> None:
    found = reliability(np.array([0.55, 0.6, 0.95, 1.0]), np.array([True, False, True, True]), 10)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]  # 0.6 closes its bin
    assert found.accuracy[[5, 9]].tolist() == [0.5, 1.0]
    assert found.ece == pytest.approx(0.5 * 0.075 + 0.5 * 0.025)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_every_answer_is_in_one_bin_and_the_error_is_a_share(
    rows: list[tuple[float, bool]], bins: int
) -> None:
    confidence, right = (np.array(column) for column in zip(*rows, strict=True))
    found = reliability(confidence, right, bins)
    assert found.count.sum() == len(rows)
    assert 0 <= found.ece <= found.mce + 1e-12 <= 1 + 1e-9
    both = Reliability.from_dict(found.to_dict())
    assert both.ece == found.ece


def test_likelihood_and_brier_are_scikit_learns() -> None:
    logits, truth = answers()
    scores, labels = softmax(logits), list(range(5))
    assert negative_log_likelihood(scores, truth) == pytest.approx(log_loss(truth, scores))
    two = softmax(logits[:, :2])
    half = brier_score_loss((truth > 2).astype(int), two[:, 1])
    assert brier(two, (truth > 2).astype(int)) == pytest.approx(2 * half)
    by_hand = np.mean([(scores[i] - np.eye(5)[truth[i]]) @ (scores[i] - np.eye(5)[truth[i]])
                       for i in range(len(truth))])  # fmt: skip
    assert brier(scores, truth) == pytest.approx(by_hand)
    assert labels == sorted(set(truth.tolist()))


@pytest.mark.parametrize("sure", [0.4, 1.0, 3.0])
def test_the_temperature_is_the_minimum_that_scipy_finds(sure: float) -> None:
    logits, truth = answers(sure=sure)

    def cost(temperature: float) -> float:
        return float(
            torch.nn.functional.cross_entropy(
                torch.from_numpy(logits / temperature), torch.from_numpy(truth)
            )
        )

    expected = minimize_scalar(cost, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9})
    found = fitted_temperature(softmax(logits), truth)
    assert found == pytest.approx(expected.x, rel=1e-4)
    assert found == pytest.approx(sure, rel=0.25)  # what they were made with


def test_where_every_answer_is_right_the_coldest_is_taken() -> None:
    scores = softmax(np.eye(3) * 2)
    assert fitted_temperature(scores, np.arange(3)) == 0.05
    assert fitted_temperature(scores, (np.arange(3) + 1) % 3) == 20.0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_tempered_scores_are_those_of_divided_logits_and_change_no_answer(
    seed: int, temperature: float
) -> None:
    logits = np.random.default_rng(seed).normal(0, 4, (6, 4))
    found = tempered(softmax(logits), temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature), atol=1e-9)
    assert (found.argmax(1) == logits.argmax(1)).all()


def test_shares_of_zero_stay_numbers() -> None:
    votes = np.array([[1.0, 0.0, 0.0], [0.4, 0.6, 0.0]])
    assert np.isfinite(tempered(votes, 5.0)).all()
    assert 0 < fitted_temperature(votes, np.array([1, 1])) <= 20
