"""Spreading and propagation against scikit-learn's and against the closed form."""

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from sightline.scratch.label_spreading import closeness, neighborhood, propagate, spread


def some_moons() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = make_moons(120, noise=0.08, random_state=0)
    labels = np.full(120, -1)
    for label in (0, 1):
        labels[np.flatnonzero(y == label)[:2]] = label
    return X, y, labels


def test_spreading_is_scikit_learns() -> None:
    X, _, labels = some_moons()
    oracle = LabelSpreading(gamma=15, alpha=0.7, tol=1e-9, max_iter=5000).fit(X, labels)
    found = spread(closeness(X, 15), labels, alpha=0.7, least=1e-9, rounds=5000)
    np.testing.assert_allclose(found, oracle.label_distributions_, atol=1e-7)


def test_propagation_is_scikit_learns() -> None:
    X, _, labels = some_moons()
    oracle = LabelPropagation(gamma=15, tol=1e-9, max_iter=20_000).fit(X, labels)
    found = propagate(closeness(X, 15), labels, least=1e-9, rounds=20_000)
    np.testing.assert_allclose(found, oracle.label_distributions_, atol=1e-6)


def test_spreading_ends_at_the_closed_form() -> None:
    X, _, labels = some_moons()
    W = neighborhood(X, 5)
    roots = 1 / np.sqrt(W.sum(axis=1))
    Y = np.array([[label == 0, label == 1] for label in labels], float)
    F = np.linalg.solve(np.eye(120) - 0.9 * roots[:, None] * W * roots, 0.1 * Y)
    sums = F.sum(axis=1, keepdims=True)
    there = sums[:, 0] > 1e-9
    found = spread(W, labels, least=1e-12, rounds=5000)
    np.testing.assert_allclose(found[there], (F / np.maximum(sums, 1e-12))[there], atol=1e-6)


def test_two_labels_a_moon_do_for_all_of_it() -> None:
    X, y, labels = some_moons()
    assert (spread(neighborhood(X, 6), labels, alpha=0.99).argmax(axis=1) == y).mean() > 0.95


def test_spreading_outvotes_a_wrong_label_and_propagation_keeps_it() -> None:
    X = np.concatenate([np.linspace(0, 1, 20), np.linspace(5, 6, 20)])[:, None]
    labels = np.repeat([0, 1], 20)
    labels[3] = 1
    W = closeness(X, 10)
    assert spread(W, labels, alpha=0.9)[3].argmax() == 0
    assert propagate(W, labels)[3].argmax() == 1


def test_neighborhoods_are_those_of_brute_force() -> None:
    X = np.random.default_rng(1).normal(size=(30, 3))
    W = neighborhood(X, 4)
    distances = np.linalg.norm(X[:, None] - X, axis=2)
    near = np.argsort(distances, axis=1)[:, 1:5]
    expected = np.zeros((30, 30))
    for row, others in enumerate(near):
        expected[row, others] = expected[others, row] = 1
    np.testing.assert_array_equal(W, expected)


def test_wrong_settings_are_refused() -> None:
    W = np.ones((3, 3))
    with pytest.raises(ValueError, match=r"expected whole numbers \(3,\)"):
        spread(W, np.array([0, -1]))
    with pytest.raises(ValueError, match="expected -1"):
        spread(W, np.array([-1, -1, -1]))
    with pytest.raises(ValueError, match="above 0 and below 1"):
        spread(W, np.array([0, 1, -1]), alpha=1)
    with pytest.raises(ValueError, match="1 to 2"):
        neighborhood(np.zeros((3, 1)), 3)
