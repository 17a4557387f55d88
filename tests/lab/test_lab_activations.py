"""The table of activation functions: values, slopes, and where they saturate."""

import math

import numpy as np
import pytest

from sightline.lab.activations import FINE, flat_parts, functions, greatest_slope


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "ReLU", "leaky ReLU", "ELU"])
def test_slopes_are_those_of_the_functions(name: str) -> None:
    of = functions(0.1, 1.3)[name]
    z = np.array([-2.0, -0.3, 0.4, 2.0])
    slopes = (of.function(z + 1e-6) - of.function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(of.derivative(z), slopes, atol=1e-8)


def test_a_sigmoid_is_flat_where_its_slope_falls_below_the_bound() -> None:
    edge = math.log(98.9898)  # g (1 - g) = 0.01
    low, high = flat_parts(functions(0.1, 1.0)["sigmoid"], 0.01)
    assert float(high) == pytest.approx(edge, abs=FINE)
    assert float(low) == -float(high)


def test_what_never_or_always_saturates_is_said_in_words() -> None:
    shown = functions(0.1, 1.0)
    assert flat_parts(shown["leaky ReLU"], 0.01) == ("never", "never")
    assert flat_parts(shown["step"], 0.01) == ("everywhere", "everywhere")
    assert flat_parts(shown["ReLU"], 0.01) == ("0.00", "never")
    assert greatest_slope(shown["sigmoid"]) == 0.25
