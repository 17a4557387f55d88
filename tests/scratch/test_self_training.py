"""Self-training against scikit-learn's, and what it may not do."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from sightline.scratch.self_training import self_trained


def few_labels(a_class: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    X, y = X[:400] / 16, y[:400]
    labels = np.full(400, -1)
    for label in range(10):
        labels[np.flatnonzero(y == label)[:a_class]] = label
    return X, y, labels


def test_it_is_scikit_learns() -> None:
    X, _, labels = few_labels(3)
    oracle = SelfTrainingClassifier(LogisticRegression(), threshold=0.6, max_iter=4)
    oracle.fit(X, labels)
    learner, known = self_trained(LogisticRegression, X, labels, threshold=0.6, rounds=4)
    np.testing.assert_array_equal(known, oracle.transduction_)
    np.testing.assert_array_equal(learner.predict(X), oracle.predict(X))


def test_given_labels_are_kept_and_the_callers_array_is_left_alone() -> None:
    X, _, labels = few_labels(2)
    before = labels.copy()
    _, known = self_trained(LogisticRegression, X, labels, threshold=0.5)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(known[before >= 0], before[before >= 0])


def test_an_unreachable_threshold_adds_nothing() -> None:
    X, _, labels = few_labels(2)
    _, known = self_trained(LogisticRegression, X, labels, threshold=1.1)
    np.testing.assert_array_equal(known, labels)


def test_no_label_at_all_is_refused() -> None:
    X, _, labels = few_labels(2)
    with pytest.raises(ValueError, match="some of them 0 or more"):
        self_trained(LogisticRegression, X, np.full_like(labels, -1))
