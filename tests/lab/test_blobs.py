"""Gradient descent and SGD on the book's two blobs."""

import numpy as np
import pytest

from sightline.lab.blobs import BOOK, drawn, error_of, learned, run

HALVES = drawn()


def test_the_books_test_half_has_250_points_of_each_class() -> None:
    assert np.bincount(HALVES.test[1]).tolist() == [250, 250]
    assert len(HALVES.whole[1]) == 1000 and len(HALVES.train[1]) == 500


def test_the_books_two_losses_are_turned_about_when_they_are_counted_a_point() -> None:
    book = BOOK["gd"][100] / 500, BOOK["sgd"][100] * 32 / 1000
    assert book == pytest.approx((4.3e-5, 1.2e-4), rel=0.05)
    for seed in range(5):
        found = learned(HALVES, 0.01, 100, 32, seed)
        assert found["sgd"].losses_[-1] < found["gd"].losses_[-1]
        assert found["sgd"].errors_[-1] > found["gd"].errors_[-1]


def test_the_error_after_training_is_the_mean_square_of_what_is_missing() -> None:
    learner = learned(HALVES, 0.01, 3, 32, 0)["honest"]
    X, y = HALVES.test
    z = np.column_stack([X, np.ones(500)]) @ learner.weights_
    assert error_of(learner, X, y) == pytest.approx(np.mean((1 / (1 + np.exp(-z)) - y) ** 2))


def test_the_tables_say_250_of_each_and_keep_to_the_epochs_there_are() -> None:
    compared, logs = run(epochs=30, seeds=1).tables
    assert [row[-1] for row in compared.rows] == ["250/250"] * 3
    assert [row[0] for row in logs.rows] == [1, 10, 25]
