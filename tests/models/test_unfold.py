"""Folded batch norms opened again: the same answers, and a network that can train."""

import pytest
import torch

from sightline import models
from sightline.models import Network
from sightline.models.unfold import is_folded, unfold


def a_network(name: str = "resnet9") -> Network:
    torch.manual_seed(0)
    network = models.build(name, 5, 3, (32, 32), {"width": 8} if name == "resnet9" else {})
    network.train()
    with torch.no_grad():  # statistics that are not those of a network that was just built
        for _ in range(5):
            network(torch.rand(16, 3, 32, 32))
    return network.eval()


def folded(network: Network) -> Network:
    """As converters for phones leave it: norms that only add and multiply, taken into weights."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            with torch.no_grad():
                scale = module.weight * (module.running_var + module.eps).rsqrt()
                module.bias -= scale * module.running_mean
                module.weight.copy_(scale * (1 + module.eps) ** 0.5)
                module.running_mean.zero_()
                module.running_var.fill_(1)
    return network


def test_a_trained_network_is_not_taken_for_folded() -> None:
    assert not is_folded(a_network())
    assert not is_folded(models.build("lenet", 5, 1, (28, 28)))  # no batch norm at all


@pytest.mark.parametrize("name", ["resnet9", "resnet20_cifar"])
def test_unfolding_leaves_answers_as_they_are(name: str) -> None:
    network = a_network(name)
    inputs = torch.rand(40, 3, 32, 32)
    with torch.no_grad():
        before = network(inputs)
        assert is_folded(folded(network))
        torch.testing.assert_close(network(inputs), before, atol=1e-5, rtol=1e-4)
        unfold(network, [inputs[:16], inputs[16:]])
        torch.testing.assert_close(network(inputs), before, atol=1e-4, rtol=1e-3)
    assert not is_folded(network)
    assert not network.training


def test_in_training_it_answers_as_in_evaluation_where_a_folded_one_does_not() -> None:
    network, inputs = folded(a_network()), torch.rand(64, 3, 32, 32)
    with torch.no_grad():
        right = network(inputs)
        spoilt = (network.train()(inputs) - right).abs().max()
        network = folded(a_network())
        unfold(network, [inputs])
        opened = (network.train()(inputs) - right).abs().max()
    assert opened < 1e-3 < spoilt


def test_a_channel_that_never_changes_stays_finite() -> None:
    network, inputs = folded(a_network()), torch.zeros(8, 3, 32, 32)
    unfold(network, [inputs])
    assert torch.isfinite(network.train()(inputs)).all()
