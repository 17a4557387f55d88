import numpy as np
import pytest
import torch

from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.penalties import PENALTIES, SMOOTH, elastic_net, l1, l1_gradient, l2, shrink

W = np.random.default_rng(0).normal(size=(4, 3))


def test_penalties_by_hand() -> None:
    weights = np.array([[1.0, -2.0], [0.0, 3.0]])
    assert (l1(weights), l2(weights), elastic_net(weights, 0.25)) == (6, 14, 9.5)
    assert PENALTIES["none"][0](weights) == 0
    assert PENALTIES["l1"][1](weights).tolist() == [[1, -1], [0, 1]]


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_agree_with_central_differences(name: str) -> None:
    penalty, gradient = PENALTIES[name]
    weights = W.copy()
    slope = numerical_gradient(lambda: penalty(weights), weights)
    assert relative_difference(slope, gradient(weights)) < 1e-7


def test_elastic_net_agrees_with_torch() -> None:
    weights = torch.tensor(W, requires_grad=True)
    (0.5 * (weights**2).sum() + weights.abs().sum()).backward()
    assert weights.grad is not None
    np.testing.assert_allclose(PENALTIES["elastic-net"][1](W), weights.grad.numpy())


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_is_its_smooth_part_and_perhaps_absolute_values(name: str) -> None:
    shrinks, gradient = SMOOTH[name]
    np.testing.assert_allclose(gradient(W) + shrinks * l1_gradient(W), PENALTIES[name][1](W))


def test_shrinking_stops_at_0_and_is_the_least_of_its_two_costs() -> None:
    assert shrink(np.array([3.0, -3.0, 0.5, -0.5, 0.0]), 1.0).tolist() == [2, -2, 0, 0, 0]
    places = np.linspace(-4, 4, 8001)
    for weight in (-2.5, -0.7, 0.2, 1.9):
        costs = 0.5 * (places - weight) ** 2 + np.abs(places)
        assert shrink(np.array(weight), 1.0) == pytest.approx(places[costs.argmin()], abs=1e-3)
