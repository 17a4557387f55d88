"""The topic's planted bugs, and the V of the right gradient."""

import numpy as np
import pytest

from sightline.lab.gradient_check import differences, penalty_forgotten, verdict

STEPS = 10.0 ** np.array([-11.0, -5.0, -2.0])


def test_a_right_gradient_passes_at_a_middling_step_and_bugs_at_none() -> None:
    found = differences(STEPS, "tanh", 0.5, 16, "float64", 0)
    right = found.pop("right")
    assert verdict(right[1]) == "good" and right[0] > 1e3 * right[1] < right[2]
    assert all(verdict(d) == "bug" for of in found.values() for d in of)


def test_the_error_of_a_long_step_grows_with_its_square() -> None:
    right = differences(np.array([1e-3, 1e-2]), "sigmoid", 0.5, 16, "float64", 1)["right"]
    assert right[1] / right[0] == pytest.approx(100, rel=0.05)


def test_without_a_penalty_there_is_none_to_forget_and_a_mean_of_n_is_n_times_too_large() -> None:
    found = differences(STEPS[1:2], "tanh", 0.0, 9, "float64", 0)
    assert found["penalty forgotten"] == found["right"]
    assert found["mean forgotten"][0] == pytest.approx((9 - 1) / (9 + 1), rel=1e-6)
    weights = {"0.W": np.full((2, 2), 3.0)}
    less = penalty_forgotten({"0.W": np.ones((2, 2)), "0.b": np.ones(2)}, weights, 6, 0.5)
    assert less["0.W"][0, 0] == pytest.approx(1 - 0.25) and less["0.b"][0] == 1


def test_half_the_digits_leave_a_shallower_v() -> None:
    single = differences(STEPS, "tanh", 0.5, 16, "float32", 0)["right"]
    assert single.min() > 1e-6
