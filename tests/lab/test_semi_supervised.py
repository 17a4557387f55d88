"""Few labels: how they are drawn, and the book's table."""

import numpy as np

from sightline.lab import semi_supervised
from sightline.lab.material import digits, moons


def test_so_many_labels_of_each_class_are_kept() -> None:
    _, y, _, _ = digits(300, 0)
    kept = semi_supervised.some_labels(y, 4, seed=2)
    assert (np.bincount(kept[kept >= 0]) == 4).all()
    assert (kept[kept >= 0] == y[kept >= 0]).all()


def test_table_4_3_keeps_the_labels_that_are_given() -> None:
    answers = semi_supervised.animals()
    given = semi_supervised.GIVEN
    assert (answers[given >= 0] == given[given >= 0]).all()
    assert list(np.flatnonzero(given < 0) + 1) == [2, 3, 5]


def test_spreading_beats_one_nearest_neighbor_on_moons_and_digits() -> None:
    X, y, _, _ = digits(400, 0)
    for rows, labels in ((X, y), moons(300, 0.08, 0)):
        right = semi_supervised.accuracies(rows, labels, 2, 2, (5, 0.95, 0.8), seed=0)
        assert right[1] > right[0] + 0.03
