"""Gradients, plain and guided, against torch and against hooks on every ReLU."""

import pytest
import torch
from torch import nn

from by_hand import Cam, Rectified, artifact_of
from sightline.models import Network
from sightline.study.explaining.grad_cam import grad_cam, last_with_places
from sightline.study.explaining.slopes import gradients, guided_gradients
from sightline.study.explaining.subject import network_of

INPUTS = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def network(body: nn.Module) -> Network:
    return network_of(artifact_of(body), "test")


def test_gradients_are_those_of_autograd() -> None:
    net = network(Rectified())
    x = INPUTS.clone().requires_grad_(True)
    net(x)[0, 2].backward()
    assert torch.equal(gradients(net, INPUTS, 2), x.grad)  # type: ignore[arg-type]


def test_guided_gradients_without_any_relu_are_the_plain_ones() -> None:
    net = network(Cam())
    assert torch.equal(guided_gradients(net, INPUTS, 1), gradients(net, INPUTS, 1))


def test_guided_gradients_are_those_that_hooks_on_relus_give() -> None:
    class Chain(nn.Sequential):
        pass

    def chain() -> Chain:
        return Chain(
            nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.ReLU6(), nn.Flatten(),
            nn.Linear(4 * 64, 3),
        )  # fmt: skip

    net = network(chain())
    found = guided_gradients(net, INPUTS, 0)
    for module in net.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.register_full_backward_hook(lambda _m, into, out: (into[0].clamp(min=0),))
    # a ReLU's own gradient is 0 where its input is not positive: what is left is the guided rule
    torch.testing.assert_close(found, gradients(net, INPUTS, 0))
    assert not torch.equal(found, torch.zeros_like(found))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_relus_in_place_are_guided_as_others_are(label: int) -> None:
    in_place, other = network(Rectified(True)), network(Rectified(False))
    other.load_state_dict(in_place.state_dict())
    found = guided_gradients(in_place, INPUTS, label)
    torch.testing.assert_close(found, guided_gradients(other, INPUTS, label))
    assert not torch.equal(found, gradients(in_place, INPUTS, label))


def test_the_network_is_left_as_it_was() -> None:
    net = network(Rectified())
    net.train()
    net.body.norm.eval()  # frozen
    net.body.first.weight.requires_grad_(False)
    modes = [module.training for module in net.modules()]
    trained = [p.requires_grad for p in net.parameters()]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    first = guided_gradients(net, INPUTS, 1)
    gradients(net, INPUTS, 1)
    grad_cam(net, INPUTS, 1, last_with_places(net, INPUTS))
    assert [module.training for module in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == trained
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    hooks = [h for m in net.modules() for h in (m._forward_hooks, m._backward_hooks)]
    assert not any(hooks)
    assert torch.equal(first, guided_gradients(net, INPUTS, 1))  # and the answer is the same again
