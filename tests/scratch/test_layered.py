from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sightline.scratch.gradient_check import check_gradients
from sightline.scratch.layered import (
    LayeredNetwork,
    backward,
    batches,
    cost,
    forward,
    named,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)), RNG.integers(0, 3, 12)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"activation": "tanh", "initializer": "glorot-normal"},
    "l2": {"activation": "elu", "l2": 0.7},
    "batch norm": {"activation": "sigmoid", "batch_norm": True, "l2": 0.3},
    "no hidden layer": {"hidden": ()},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_of_the_whole_network_passes_the_check(kind: str) -> None:
    network = LayeredNetwork(**{"hidden": (6, 5), **KINDS[kind]})
    layers = network.build([4, *network.hidden, 3], np.random.default_rng(1))
    parameters = named(layers, "parameters")
    found = backward(layers, forward(layers, X, True), Y, network.l2)
    assert found.keys() == parameters.keys()
    differences = check_gradients(
        lambda: cost(forward(layers, X, True), Y, parameters, network.l2), parameters, found
    )
    assert max(differences.values()) < 1e-7


def test_ten_epochs_are_torchs() -> None:
    settings: dict[str, Any] = {"hidden": (6,), "optimizer": "momentum", "rate": 0.05}
    ours = LayeredNetwork(**settings, batch_norm=True, batch_size=12, epochs=10).fit(X, Y)
    layers = LayeredNetwork(**settings, batch_norm=True).build([4, 6, 3], np.random.default_rng(0))
    theirs = nn.Sequential(
        nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)
    ).double()
    with torch.no_grad():
        for parameter, array in zip(
            theirs.parameters(), named(layers, "parameters").values(), strict=True
        ):
            parameter.copy_(torch.tensor(array.T))
    optimizer = torch.optim.SGD(theirs.parameters(), 0.05, 0.9)
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(torch.tensor(X)), torch.tensor(Y))
        loss.backward()
        optimizer.step()
    assert ours.losses_[-1] == pytest.approx(loss.item(), rel=1e-9)
    expected = theirs.eval()(torch.tensor(X)).softmax(1).detach()
    np.testing.assert_allclose(ours.predict_proba(X), expected, atol=1e-9)


def test_xor_is_learned_with_one_hidden_layer_and_not_without() -> None:
    bits, xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    assert LayeredNetwork((8,), "tanh", epochs=200).fit(bits, xor).score(bits, xor) == 1
    assert LayeredNetwork((), epochs=200).fit(bits, xor).score(bits, xor) < 1


def test_equal_weights_stay_equal_and_learn_nothing_apart() -> None:
    network = LayeredNetwork((5,), "tanh", initializer="zeros", epochs=20).fit(X, Y)
    W = network.state()["0.W"]
    assert np.ptp(W, axis=1).max() == 0


def test_batches_hold_every_row_once_and_never_one_alone() -> None:
    parts = batches(65, 32, np.random.default_rng(0))
    assert [len(part) for part in parts] == [32, 33]
    assert sorted(np.concatenate(parts)) == list(range(65))
    assert [len(part) for part in batches(5, 1, np.random.default_rng(0))] == [1] * 5
    assert [len(part) for part in batches(5, 64, np.random.default_rng(0))] == [5]


def test_dropout_batch_norm_l2_and_decay_learn_together_and_the_cost_falls() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 150)
    points = np.eye(3)[y] * 4 + rng.normal(size=(150, 3))
    network = LayeredNetwork(batch_norm=True, keep=0.8, l2=0.1, decay=0.1, epochs=30)
    network.fit(points, y)
    assert network.losses_[-1] < network.losses_[0] / 2
    assert network.score(points, y) > 0.95
    assert np.array_equal(network.predict_proba(points), network.predict_proba(points))


def test_l2_makes_weights_smaller() -> None:
    def size(l2: float) -> float:
        state = LayeredNetwork(l2=l2, epochs=40).fit(X, Y).state()
        return sum(float((state[k] ** 2).sum()) for k in state if k.endswith(".W"))

    assert size(5.0) < size(0.0) / 2


def test_an_unknown_activation_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown name 'rely'; there are elu, identity"):
        LayeredNetwork(activation="rely").fit(X, Y)


def test_fitting_pauses_after_each_epoch_and_ends_where_fit_does() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    network, whole = (LayeredNetwork((4,), epochs=3) for _ in range(2))
    whole.fit(X, y)
    assert [(epoch, len(network.losses_)) for epoch in network.fitting(X, y)] == [
        (0, 1), (1, 2), (2, 3),
    ]  # fmt: skip
    assert network.losses_ == whole.losses_
    np.testing.assert_array_equal(network.predict_proba(X), whole.predict_proba(X))
