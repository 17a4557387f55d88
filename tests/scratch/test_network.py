import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sightline.scratch import network
from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.network import ConvNet, cross_entropy


def small(seed: int = 0) -> tuple[list[network.Layer], np.ndarray, np.ndarray]:
    """A network of every layer in float64, images (3, 2, 6, 5) and labels."""
    rng = np.random.default_rng(seed)
    layers: list[network.Layer] = [
        network.Conv(rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3)),
        network.ReLU(),
        network.MaxPool(),
        network.Flatten(),
        network.Dense(rng.normal(size=(18, 5)), rng.normal(size=5)),
        network.ReLU(),
        network.Dense(rng.normal(size=(5, 4)), rng.normal(size=4)),
    ]
    return layers, rng.normal(size=(3, 2, 6, 5)), np.array([0, 3, 1])


def test_every_layers_gradient_is_that_of_numerical_gradient() -> None:
    layers, x, y = small()

    def loss() -> float:
        return cross_entropy(network.forward(layers, x), y)[0]

    _, slope = cross_entropy(network.forward(layers, x), y)
    by_x = network.backward(layers, slope)
    slopes = [dict(layer.slopes) for layer in layers]
    assert relative_difference(by_x, numerical_gradient(loss, x)) < 1e-7
    for layer, found in zip(layers, slopes, strict=True):
        for name, values in layer.parameters.items():
            assert relative_difference(found[name], numerical_gradient(loss, values)) < 1e-7


def test_every_layers_gradient_is_that_of_torch() -> None:
    layers, x, y = small(1)
    theirs = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(18, 5), nn.ReLU(), nn.Linear(5, 4),
    ).double()  # fmt: skip
    with torch.no_grad():
        for layer, ours in zip(theirs, layers, strict=True):
            for name, tensor in zip(("weight", "bias"), ours.parameters.values(), strict=False):
                flip = isinstance(layer, nn.Linear) and name == "weight"
                getattr(layer, name).copy_(torch.from_numpy(tensor.T if flip else tensor))
    value = nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(y))
    value.backward()
    loss, slope = cross_entropy(network.forward(layers, x), y)
    network.backward(layers, slope)
    assert loss == pytest.approx(value.item(), rel=1e-12)
    for layer, ours in zip(theirs, layers, strict=True):
        for name, found in zip(("weight", "bias"), ours.slopes.values(), strict=False):
            expected = getattr(layer, name).grad.numpy()
            flip = isinstance(layer, nn.Linear) and name == "weight"
            np.testing.assert_allclose(found.T if flip else found, expected, atol=1e-12)


def test_training_is_that_of_torch_step_by_step() -> None:
    """Three epochs of one batch: SGD with momentum from the same weights."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:40] / 16, y[:40]
    settings = {"filters": (4,), "hidden": 8, "batch": 40, "rate": 0.1}
    start = ConvNet(epochs=0, **settings).fit(X, y).state()
    theirs = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10),
    )  # fmt: skip
    with torch.no_grad():
        for place, kind in ((0, "filters"), (4, "weights"), (6, "weights")):
            given = torch.from_numpy(start[f"{place}.{kind}"])
            theirs[place].weight.copy_(given if kind == "filters" else given.T)
            theirs[place].bias.copy_(torch.from_numpy(start[f"{place}.bias"]))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    images = torch.from_numpy(X.astype(np.float32)).reshape(-1, 1, 8, 8)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(images), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert ConvNet(epochs=3, **settings).fit(X, y).losses_ == pytest.approx(losses, rel=1e-4)


def test_digits_are_learned() -> None:
    """Four epochs on four fifths of the digits, shuffled: the last are by other writers."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(16).permutation(len(X))
    X, y = X[order] / 16, y[order]
    ours = ConvNet(epochs=4).fit(X[:1437], y[:1437])
    assert ours.losses_[-1] < ours.losses_[0] / 4
    assert ours.score(X[1437:], y[1437:]) > 0.9


def test_color_rows_are_channel_after_channel() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (12, 3 * 4 * 6)).astype(np.uint8)
    ours = ConvNet(shape=(3, 4, 6), filters=(2,), hidden=4, epochs=1).fit(X, np.arange(12) % 3)
    assert ours.state()["0.filters"].shape == (2, 3, 3, 3)
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


def test_what_does_not_fit_is_said() -> None:
    y = np.array([0, 1])
    with pytest.raises(ValueError, match="of 63 features"):
        ConvNet().fit(np.zeros((2, 63)), y)
    with pytest.raises(ValueError, match=r"expected shape \(n, 48\), got \(2, 64\)"):
        ConvNet(shape=(3, 4, 4)).fit(np.zeros((2, 64)), y)
    with pytest.raises(ValueError, match="expected images of 16 pixels a side or more for 4 pools"):
        ConvNet(filters=(2, 2, 2, 2)).fit(np.zeros((2, 64)), y)
    with pytest.raises(ValueError, match=r"y: expected labels from 0 of shape \(2,\)"):
        ConvNet().fit(np.zeros((2, 64)), np.zeros(3, dtype=int))
    fitted = ConvNet(epochs=0, hidden=8).fit(np.zeros((2, 64)), y)
    with pytest.raises(ValueError, match=r"5\.bias|7\.weights: expected shape"):
        ConvNet(hidden=9).load_state(fitted.state())
