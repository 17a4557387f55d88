"""Batch norm on the digits: where it stands, what it makes useless, which statistics it uses."""

import numpy as np
import pytest

from sightline.lab.batch_norm import (
    KINDS,
    Setting,
    built,
    by_batch,
    digits,
    trained,
    useless_bias,
    wandering,
)
from sightline.scratch.gradient_check import check_gradients
from sightline.scratch.layered import backward, cost, forward, named

X, Y = digits()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_every_placement_pass_the_check(kind: str) -> None:
    rng = np.random.default_rng(0)
    layers = built([6, 5, 4, 3], kind, "tanh", rng)
    rows, labels = rng.normal(size=(9, 6)), rng.integers(0, 3, 9)
    parameters = named(layers, "parameters")
    found = backward(layers, forward(layers, rows, True), labels, 0.0)

    def loss() -> float:
        return cost(forward(layers, rows, True), labels, parameters, 0.0)

    assert max(check_gradients(loss, parameters, found).values()) < 1e-7


def test_a_bias_before_batch_norm_is_useless_and_the_averages_stay() -> None:
    layers = built([64, 8, 8, 10], "before", "sigmoid", np.random.default_rng(0))
    before = named(layers, "averages")
    moved, slope = useless_bias(layers, X[:64], Y[:64])
    assert moved < 1e-12 and slope < 1e-12
    assert named(layers, "averages") is not before
    for name, kept in named(layers, "averages").items():
        np.testing.assert_array_equal(kept, before[name])


def test_with_batch_norm_a_sigmoid_network_learns_at_a_rate_where_plain_it_does_not() -> None:
    setting = Setting("sigmoid", (32, 32, 32), 4, 64, False, 0)
    plain, normed = (trained(X, Y, kind, 0.5, setting) for kind in ("without", "before"))
    assert normed.accuracies[-1] > 0.9
    assert plain.accuracies[-1] < 0.4
    assert len(normed.fed) == 5 and wandering(normed.fed).shape == (5, 5)


def test_a_batch_of_two_is_normalized_to_plus_and_minus_one() -> None:
    layers = built([64, 8, 10], "before", "identity", np.random.default_rng(0))
    by_batch(layers, 100 * X[:2])
    assert np.abs(np.abs(layers[2].input) - 1).max() < 0.01  # type: ignore[attr-defined]
