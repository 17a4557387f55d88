from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch

from sightline.scratch.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Nadam,
    Optimizer,
    RMSprop,
    optimizer_of,
)

Pair = tuple[Optimizer, Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]]
PAIRS: dict[str, Pair] = {
    "adadelta": (Adadelta(0.5), lambda p: torch.optim.Adadelta(p, 0.5)),
    "adagrad": (Adagrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1)),
    "adam": (Adam(0.05), lambda p: torch.optim.Adam(p, 0.05)),
    "momentum": (SGD(0.01, 0.9), lambda p: torch.optim.SGD(p, 0.01, 0.9)),
    "nadam": (Nadam(0.05), lambda p: torch.optim.NAdam(p, 0.05)),
    "nesterov": (SGD(0.01, 0.9, True), lambda p: torch.optim.SGD(p, 0.01, 0.9, nesterov=True)),
    "rmsprop": (RMSprop(0.01), lambda p: torch.optim.RMSprop(p, 0.01)),
    "sgd": (SGD(0.01), lambda p: torch.optim.SGD(p, 0.01)),
}


def slope_of(W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """A curved loss of two parameters, so that every step's gradient differs."""
    return ((W**2 - 1) ** 2).sum() + (torch.sin(3 * b) + b**2).sum() + (W.sum() * b.sum()) * 0.1


@pytest.mark.parametrize("name", PAIRS)
def test_fifty_steps_are_torchs(name: str) -> None:
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    parameters = {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}
    tensors = [torch.tensor(p, requires_grad=True) for p in parameters.values()]
    reference = theirs(tensors)
    for _ in range(50):
        copies = [torch.tensor(p, requires_grad=True) for p in parameters.values()]
        slope_of(*copies).backward()
        gradients = {n: c.grad.numpy() for n, c in zip(parameters, copies, strict=True)}  # type: ignore[union-attr]
        ours.step(parameters, gradients)
        reference.zero_grad()
        slope_of(*tensors).backward()
        reference.step()
    for array, tensor in zip(parameters.values(), tensors, strict=True):
        np.testing.assert_allclose(array, tensor.detach(), rtol=1e-9, atol=1e-12)


def test_adams_first_step_is_the_rate_long() -> None:
    W = {"W": np.array([1.0, 2.0])}
    Adam(0.1).step(W, {"W": np.array([1e-3, -50.0])})
    np.testing.assert_allclose(W["W"], [0.9, 2.1], atol=1e-5)


def test_adagrads_steps_vanish() -> None:
    W, optimizer = {"W": np.zeros(1)}, Adagrad(1.0)
    positions = []
    for _ in range(100):
        optimizer.step(W, {"W": np.ones(1)})
        positions.append(float(W["W"][0]))
    steps = -np.diff(positions)
    np.testing.assert_allclose(steps, 1 / np.sqrt(np.arange(2, 101)), rtol=1e-8)


@pytest.mark.parametrize("name", PAIRS)
def test_an_optimizer_comes_by_its_name(name: str) -> None:
    assert type(optimizer_of(name, 0.1)) is type(PAIRS[name][0])
    assert optimizer_of(name, 0.1).rate == 0.1


def test_an_unknown_optimizer_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown optimizer 'sdg'; there are adadelta,"):
        optimizer_of("sdg", 0.1)
