import numpy as np
import pytest
import torch

from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.layers import Activate, BatchNorm, Dense, Dropout, Layer

RNG = np.random.default_rng(0)
A = RNG.normal(1, 2, (8, 5))


def dense(bias: bool = True) -> Dense:
    layer = Dense(np.random.default_rng(1).normal(size=(5, 3)), bias)
    for name in layer.parameters.keys() - {"W"}:
        layer.parameters[name] += 0.3
    return layer


def norm() -> BatchNorm:
    layer = BatchNorm(5)
    rng = np.random.default_rng(2)
    layer.parameters = {"gamma": rng.normal(1, 0.3, 5), "beta": rng.normal(size=5)}
    return layer


class SameMask(Dropout):
    """Dropout that draws the same mask each time, so that differences can be taken."""

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:
        self.rng = np.random.default_rng(4)
        return super().forward(A, training)


LAYERS = {
    "dense": dense,
    "dense without bias": lambda: dense(bias=False),
    "relu": lambda: Activate("relu"),
    "tanh": lambda: Activate("tanh"),
    "sigmoid": lambda: Activate("sigmoid"),
    "batch norm": norm,
    "dropout": lambda: SameMask(0.6, np.random.default_rng(4)),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_agree_with_central_differences(name: str, training: bool) -> None:
    layer: Layer = LAYERS[name]()
    x = A.copy()
    kept = layer.averages
    pull = np.random.default_rng(3).normal(size=layer.forward(x, training).shape)

    def loss() -> float:
        layer.averages = kept
        return float((layer.forward(x, training) * pull).sum())

    loss()
    dA = layer.backward(pull)
    assert relative_difference(numerical_gradient(loss, x), dA) < 1e-7
    assert layer.gradients.keys() == layer.parameters.keys()
    for key, parameter in layer.parameters.items():
        slope = numerical_gradient(loss, parameter)
        assert relative_difference(slope, layer.gradients[key]) < 1e-7


def test_batch_norm_is_torchs_forward_backward_and_average() -> None:
    ours, theirs = norm(), torch.nn.BatchNorm1d(5).double()
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(ours.parameters["gamma"]))
        theirs.bias.copy_(torch.tensor(ours.parameters["beta"]))
    x, pull = torch.tensor(A, requires_grad=True), np.cos(A)
    for _ in range(3):
        found, expected = ours.forward(A, True), theirs(x)
    np.testing.assert_allclose(found, expected.detach(), atol=1e-12)
    (expected * torch.tensor(pull)).sum().backward()
    np.testing.assert_allclose(ours.backward(pull), x.grad, atol=1e-12)
    np.testing.assert_allclose(ours.gradients["gamma"], theirs.weight.grad, atol=1e-12)
    np.testing.assert_allclose(ours.averages["mean"], theirs.running_mean)
    np.testing.assert_allclose(ours.averages["variance"], theirs.running_var)
    np.testing.assert_allclose(ours.forward(A, False), theirs.eval()(x).detach(), atol=1e-12)


def test_a_bias_before_batch_norm_changes_nothing() -> None:
    layer = BatchNorm(5)
    np.testing.assert_allclose(layer.forward(A, True), layer.forward(A + 7, True), atol=1e-12)


def test_batch_norm_refuses_to_train_on_one_row() -> None:
    with pytest.raises(ValueError, match="expected 2 rows or more"):
        BatchNorm(5).forward(A[:1], True)


def test_dropout_keeps_the_mean_and_rests_outside_training() -> None:
    layer = Dropout(0.8, np.random.default_rng(0))
    ones = np.ones((1000, 100))
    out = layer.forward(ones, True)
    assert np.unique(out).tolist() == [0, 1.25]
    assert out.mean() == pytest.approx(1, abs=0.01)
    assert (layer.backward(ones) == out).all()  # the same mask and scale
    assert (layer.forward(ones, False) == 1).all()
    with pytest.raises(ValueError, match="keep is 0"):
        Dropout(0, np.random.default_rng(0))
