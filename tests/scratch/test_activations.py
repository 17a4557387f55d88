import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch.activations import (
    ACTIVATIONS,
    leaky_relu,
    leaky_relu_derivative,
    prelu_alpha_derivative,
    sigmoid,
    softmax,
    softmax_jacobian,
    step,
)
from sightline.scratch.gradient_check import numerical_gradient, relative_difference

Z = np.random.default_rng(0).normal(0, 2, (6, 5))
TORCH = {
    "elu": F.elu,
    "identity": lambda z: z,
    "leaky-relu": F.leaky_relu,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


@pytest.mark.parametrize("name", TORCH)
def test_activations_and_derivatives_agree_with_torch_at_0_too(name: str) -> None:
    values = np.append(Z.ravel(), 0.0)
    z = torch.tensor(values, requires_grad=True)
    out = TORCH[name](z)
    out.sum().backward()
    np.testing.assert_allclose(ACTIVATIONS[name].function(values), out.detach(), atol=1e-14)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(values), z.grad, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_agree_with_central_differences(name: str) -> None:
    z = Z.copy()
    slope = numerical_gradient(lambda: float(ACTIVATIONS[name].function(z).sum()), z)
    assert relative_difference(slope, ACTIVATIONS[name].derivative(z)) < 1e-7


def test_step_is_0_at_0() -> None:
    assert step(np.array([-1.0, 0.0, 1e-9])).tolist() == [0, 0, 1]


def test_prelu_has_a_slope_for_each_unit() -> None:
    slopes = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    z, a = torch.tensor(Z, requires_grad=True), torch.tensor(slopes, requires_grad=True)
    out = F.prelu(z, a)
    out.sum().backward()
    np.testing.assert_allclose(leaky_relu(Z, slopes), out.detach())
    np.testing.assert_allclose(leaky_relu_derivative(Z, slopes), z.grad)
    np.testing.assert_allclose(prelu_alpha_derivative(Z).sum(axis=0), a.grad)


def test_softmax_and_its_jacobian_agree_with_torch() -> None:
    expected = torch.autograd.functional.jacobian(lambda z: z.softmax(0), torch.tensor(Z[0]))
    np.testing.assert_allclose(softmax_jacobian(Z[0]), expected, atol=1e-15)
    np.testing.assert_allclose(softmax(Z).sum(axis=1), 1)


def test_sigmoid_does_not_overflow_and_is_point_symmetric() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(sigmoid(Z) + sigmoid(-Z), 1)


def test_gates_by_hand() -> None:
    points = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])
    gates = {
        "and": ([-30, 20, 20], [0, 0, 0, 1]),
        "nor": ([10, -20, -20], [1, 0, 0, 0]),
        "or": ([-10, 20, 20], [0, 1, 1, 1]),
    }
    for weights, truth in gates.values():
        np.testing.assert_allclose(
            sigmoid(points @ np.array(weights, dtype=float)), truth, atol=5e-5
        )
