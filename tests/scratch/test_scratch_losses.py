import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.losses import (
    HINGE_EXAMPLE,
    LOSSES,
    SOFTMAX_EXAMPLE,
    cross_entropy,
    hinge,
    softmax,
    squared_error,
    squared_error_gradient,
    squared_hinge,
)

SCORES = np.random.default_rng(0).normal(0, 3, (7, 5))
Y = np.array([0, 4, 2, 2, 1, 3, 0])


def test_the_books_three_pictures_cost_0_and_5_96_and_5_2() -> None:
    losses = hinge(HINGE_EXAMPLE, np.arange(3))
    np.testing.assert_allclose(losses, [0, 5.96, 5.2], atol=1e-12)
    assert losses.mean() == pytest.approx(3.72)
    assert HINGE_EXAMPLE.argmax(axis=1).tolist() == [0, 0, 1]


def test_squared_hinge_of_the_same_pictures() -> None:
    losses = squared_hinge(HINGE_EXAMPLE, np.arange(3))
    np.testing.assert_allclose(losses, [0, 35.5216, 19.30], atol=5e-4)
    assert losses.mean() == pytest.approx(18.2739, abs=1e-4)


def test_the_books_panda_has_0_9393_and_costs_0_0626() -> None:
    exact = [0.000604, 0.060050, 0.939346]
    np.testing.assert_allclose(softmax(SOFTMAX_EXAMPLE)[0], exact, atol=5e-7)
    np.testing.assert_allclose(np.exp(SOFTMAX_EXAMPLE)[0], [0.0321, 3.1899, 49.8990], atol=5e-5)
    assert round(float(softmax(SOFTMAX_EXAMPLE)[0, 2]), 4) == 0.9393
    assert round(float(cross_entropy(SOFTMAX_EXAMPLE, np.array([2]))[0]), 4) == 0.0626


def test_a_right_answer_inside_the_margin_still_costs() -> None:
    assert hinge(np.array([[1.0, 0.5]]), np.array([0]))[0] == 0.5


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_central_differences(name: str) -> None:
    loss, gradient = LOSSES[name]
    scores = SCORES.copy()
    slope = numerical_gradient(lambda: float(loss(scores, Y).mean()), scores)
    assert relative_difference(slope, gradient(scores, Y)) < 1e-7


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_agree_with_torch(name: str) -> None:
    scores, y = torch.tensor(SCORES, requires_grad=True), torch.tensor(Y)
    k = SCORES.shape[1]  # torch's margin losses divide by the number of classes
    reference = {
        "cross-entropy": lambda: F.cross_entropy(scores, y),
        "hinge": lambda: k * F.multi_margin_loss(scores, y),
        "squared-hinge": lambda: k * F.multi_margin_loss(scores, y, p=2),
    }[name]()
    reference.backward()
    loss, gradient = LOSSES[name]
    assert loss(SCORES, Y).mean() == pytest.approx(reference.item(), rel=1e-12)
    assert scores.grad is not None
    np.testing.assert_allclose(gradient(SCORES, Y), scores.grad.numpy(), atol=1e-12)


def test_squared_error_agrees_with_differences_and_torch() -> None:
    targets = np.random.default_rng(1).normal(size=SCORES.shape)
    outputs = SCORES.copy()
    slope = numerical_gradient(lambda: float(squared_error(outputs, targets).mean()), outputs)
    assert relative_difference(slope, squared_error_gradient(outputs, targets)) < 1e-7
    expected = 0.5 * F.mse_loss(torch.tensor(SCORES), torch.tensor(targets), reduction="sum") / 7
    assert squared_error(SCORES, targets).mean() == pytest.approx(expected.item())


def test_squared_error_refuses_a_flat_target_that_would_broadcast() -> None:
    with pytest.raises(ValueError, match=r"\(4, 1\), targets \(4,\)"):
        squared_error(np.zeros((4, 1)), np.zeros(4))


def test_large_scores_do_not_overflow() -> None:
    assert cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))[0] == 2e4
    assert softmax(np.array([1e4, -1e4])).tolist() == [1, 0]
