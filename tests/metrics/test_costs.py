"""Mistakes that are not equally bad, by hand and by scikit-learn's sample weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix

from sightline.metrics.costs import cheapest, mean_cost, weighted_accuracy

TABLE = np.array([[8, 2], [1, 9]])


def test_a_class_that_weighs_ten_times_counts_ten_times() -> None:
    assert weighted_accuracy(TABLE, [1, 1]) == pytest.approx(17 / 20)
    assert weighted_accuracy(TABLE, [1, 10]) == pytest.approx((8 + 90) / (10 + 100))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.lists(st.floats(0.1, 50), min_size=4, max_size=4))
def test_it_is_scikit_learns_accuracy_with_sample_weights(seed: int, weights: list[float]) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(0, 4, (2, 50))
    table = confusion_matrix(truth, guess, labels=range(4))
    expected = accuracy_score(truth, guess, sample_weight=np.array(weights)[truth])
    assert weighted_accuracy(table, weights) == pytest.approx(expected)


def test_the_mean_cost_is_added_up_image_by_image() -> None:
    costs = np.array([[0.0, 1.0], [50.0, 0.0]])
    assert mean_cost(TABLE, costs) == pytest.approx((2 * 1 + 1 * 50) / 20)
    assert mean_cost(TABLE, 1 - np.eye(2)) == pytest.approx(1 - 17 / 20)


def test_a_dear_miss_is_avoided_although_it_is_less_likely() -> None:
    costs = np.array([[0.0, 1.0], [50.0, 0.0]])
    scores = np.array([[0.9, 0.1], [0.99, 0.01]])
    assert cheapest(scores, costs).tolist() == [1, 0]
    assert cheapest(scores, 1 - np.eye(2)).tolist() == [0, 0]


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, np.nan]])
def test_weights_that_count_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        weighted_accuracy(TABLE, weights)


def test_costs_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 x 2 costs"):
        mean_cost(TABLE, np.zeros((3, 3)))
