"""Digits and points that topics share."""

import numpy as np

from sightline.lab.material import digits


def test_digits_are_parted_with_as_many_of_each_class_as_can_be() -> None:
    X, y, X_test, y_test = digits(105, 1)
    assert X.shape == (105, 64) and len(X) + len(X_test) == 1797 == len(y) + len(y_test)
    assert set(np.bincount(y)) == {10, 11}
    assert X.min() == 0 and X.max() == 1


def test_no_row_is_in_both_parts_and_a_seed_gives_other_digits() -> None:
    X, _, X_test, _ = digits(200, 0)
    every = np.vstack([X, X_test])
    order = np.lexsort(every.T)
    again = np.vstack(digits(50, 7)[::2])
    np.testing.assert_array_equal(every[order], again[np.lexsort(again.T)])
    assert not np.array_equal(X, digits(200, 1)[0])
