"""Penalties against autograd and sums by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from sightline.training.optim import optimizer
from sightline.training.penalty import Penalty


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)
    ).double()


PENALTIES = [Penalty(l1=0.3), Penalty(l2=0.2), Penalty(0.3, 0.2), Penalty(0.3, 0.2, True)]


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_the_value_is_the_sum_written_out(penalty: Penalty) -> None:
    model = network()
    meant = [p.detach().numpy() for p in model.parameters() if p.ndim > 1 or penalty.everywhere]
    by_hand = sum(penalty.l1 * np.abs(w).sum() + penalty.l2 * (w**2).sum() for w in meant)
    assert float(penalty.value(model.parameters()).detach()) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_gradients_are_autograds(penalty: Penalty) -> None:
    one, two = network(), network()
    inputs = torch.rand(4, 1, 3, 3, dtype=torch.float64)
    (one(inputs).square().sum() + penalty.value(one.parameters())).backward()
    two(inputs).square().sum().backward()
    penalty.add_to_gradients(two.parameters())
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        assert torch.allclose(a.grad, b.grad, rtol=1e-12)


def test_frozen_weights_and_those_without_a_gradient_are_left_alone() -> None:
    model = network()
    model[0].requires_grad_(False)
    Penalty(l1=1.0, l2=1.0).add_to_gradients(model.parameters())
    assert all(p.grad is None for p in model.parameters())
    rest = model[3].weight.detach()
    value = float(Penalty(l1=1.0).value(model.parameters()).detach())
    assert value == pytest.approx(float(rest.abs().sum()))


def test_no_penalty_is_nothing() -> None:
    model = network()
    assert not Penalty()
    assert float(Penalty().value(model.parameters())) == 0.0
    model(torch.rand(4, 1, 3, 3, dtype=torch.float64)).sum().backward()
    before = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    Penalty().add_to_gradients(model.parameters())
    after = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_twice_the_penalty_is_plain_sgds_decay() -> None:
    one, two = network(), network()
    penalized, decayed = optimizer(one, "sgd", rate=0.1), optimizer(two, "sgd", rate=0.1, decay=0.5)
    for model, ours in ((one, penalized), (two, decayed)):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        if model is one:
            Penalty(l2=0.25).add_to_gradients(model.parameters())
        ours.step()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-12)
