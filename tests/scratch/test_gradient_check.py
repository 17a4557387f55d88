import numpy as np
import pytest

from sightline.scratch.gradient_check import (
    check_gradients,
    numerical_gradient,
    relative_difference,
)


def test_a_right_gradient_passes_and_a_wrong_one_shows() -> None:
    w = np.array([1.0, -2.0, 0.5])
    found = check_gradients(
        lambda: float((w**3).sum()), {"right": w, "wrong": w}, {"right": 3 * w**2, "wrong": w**2}
    )
    assert found["right"] < 1e-7
    assert found["wrong"] == pytest.approx(0.5)  # |3 - 1| / (3 + 1)


def test_the_parameter_is_put_back() -> None:
    w = np.array([[0.1, 0.2]])
    numerical_gradient(lambda: float(w.sum()), w)
    assert w.tolist() == [[0.1, 0.2]]


def test_two_zero_gradients_agree() -> None:
    assert relative_difference(np.zeros(3), np.zeros(3)) == 0
