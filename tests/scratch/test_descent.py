import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split

from sightline.scratch.descent import DescentClassifier, next_batch

X, Y = make_blobs(n_samples=1000, n_features=2, centers=2, cluster_std=1.5, random_state=1)
TRAIN_X, TEST_X, TRAIN_Y, TEST_Y = train_test_split(X, Y, test_size=0.5, random_state=42)


def test_the_books_halves_have_250_of_each_class() -> None:
    assert np.bincount(TEST_Y).tolist() == [250, 250]


@pytest.mark.parametrize("seed", range(3))
def test_gradient_descent_ends_in_the_books_range(seed: int) -> None:
    learner = DescentClassifier(seed=seed).fit(TRAIN_X, TRAIN_Y)
    assert 0.001 < learner.losses_[-1] < 0.1  # book .0214
    assert learner.score(TEST_X, TEST_Y) >= 0.99
    assert learner.errors_[-1] == pytest.approx(learner.losses_[-1] / 500)


@pytest.mark.parametrize("seed", range(3))
def test_the_books_sgd_sees_all_points_in_32_batches(seed: int) -> None:
    assert [len(y) for _, y in next_batch(X, Y, 32)] == [32] * 31 + [8]
    learner = DescentClassifier(batch_size=32, seed=seed).fit(X, Y)
    assert 0.001 < learner.losses_[-1] < 0.02  # book .0037
    assert learner.errors_[-1] == pytest.approx(learner.losses_[-1] * 32 / 1000)
    assert learner.score(TEST_X, TEST_Y) >= 0.99


def test_the_honest_run_learns_from_the_training_half_shuffled() -> None:
    learner = DescentClassifier(batch_size=32, shuffle=True).fit(TRAIN_X, TRAIN_Y)
    assert learner.score(TEST_X, TEST_Y) >= 0.99
    assert learner.errors_[-1] < 1e-3


def test_one_step_by_hand() -> None:
    learner = DescentClassifier(alpha=0.5)
    learner.weights_ = np.zeros(2)
    sums = learner.fit_epoch(np.array([[2.0, 1.0], [-1.0, 1.0]]), np.array([1, 0]))
    assert sums == [0.5]  # two errors of a half
    assert learner.weights_.tolist() == [0.75, 0.0]  # .5 * (.5 * 2 + .5 * 1)
