"""Descent by batches against softmax regression's own, and what is counted."""

import numpy as np

from sightline.lab.batches import descent, generated, reaching
from sightline.lab.material import digits
from sightline.scratch.losses import cross_entropy
from sightline.scratch.regression import SoftmaxRegression


def test_all_rows_at_once_is_softmax_regressions_own_descent() -> None:
    X, y, _, _ = digits(60, 0)
    losses, W = descent(X, y, 60, 0.2, np.array([1, 60, 299, 300]), seed=0)
    for epochs, loss in ((0, losses[0]), (1, losses[1]), (4, losses[2]), (5, losses[3])):
        own = SoftmaxRegression(rate=0.2, momentum=0, epochs=epochs).fit(X, y)
        scores = X @ own.weights_ + own.bias_
        np.testing.assert_allclose(loss, cross_entropy(scores, y).mean())
    assert W.shape == (65, 10)


def test_a_loss_is_that_after_so_many_examples() -> None:
    X, y, _, _ = digits(60, 0)
    at = np.array([1, 15, 16, 31, 32, 60, 61, 120])
    some = descent(X, y, 16, 0.2, at, seed=1)[0]
    every = descent(X, y, 16, 0.2, np.arange(1, 121), seed=1)[0]
    np.testing.assert_array_equal(some, every[at - 1])
    np.testing.assert_allclose(some[:2], np.log(10))
    assert some[0] == some[1] != some[2] == some[3] != some[4]


def test_updates_to_a_goal_hardly_depend_on_the_size_of_the_set() -> None:
    counts = [reaching(n, 64, 0.1, 1.0, seed=0) for n in (1000, 8000)]
    assert min(counts) > 0 and max(counts) - min(counts) <= 3
    assert reaching(200, 64, 0.1, 0.1, seed=0) == 0  # never


def test_generated_sets_share_their_centers() -> None:
    (A, a), (B, b) = generated(20_000, 0), generated(10_000, 0)
    np.testing.assert_allclose(A[a == 3].mean(axis=0), B[b == 3].mean(axis=0), atol=0.25)
