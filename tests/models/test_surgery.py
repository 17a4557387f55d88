"""Heads replaced, parts frozen with their statistics, features at any layer."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from sightline import models
from sightline.errors import RecipeError, UnknownName
from sightline.models import Network
from sightline.models.layers import Normalize
from sightline.models.surgery import (
    features,
    freeze,
    layers,
    replace_head,
    take_weights,
    train_from,
    trained_parts,
    unfreeze,
)


def resnet9() -> Network:
    torch.manual_seed(0)
    return models.build("resnet9", 5, 3, (16, 16), {"width": 4, "dropout": 0.5})


def wrapped(body: nn.Module, heads: tuple[str, ...] = ("fc",)) -> Network:
    return Network(Normalize([0.0] * 3, [1.0] * 3), body, heads)


def plain() -> nn.Sequential:
    """Convolution and batch norm twice, then a head; ReLU works in place."""
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(
            low=nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
            high=nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
            pool=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            fc=nn.Linear(4, 2),
        )
    )


X = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def train_once(network: nn.Module) -> None:
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.1)
    network.train()
    network(X).square().sum().backward()
    optimizer.step()


def state(network: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


def changed(before: dict[str, Tensor], network: nn.Module) -> set[str]:
    after = network.state_dict()
    return {key for key, value in before.items() if not torch.equal(value, after[key])}


def test_another_head_gives_other_outputs_and_leaves_the_rest() -> None:
    network = resnet9()
    before = state(network)
    assert replace_head(network, 3) is network
    assert network.eval()(X).shape == (8, 3)
    assert network.body.fc.bias.abs().max() == 0
    kept = {key for key in before if not key.startswith("body.fc.")}
    assert all(torch.equal(before[key], network.state_dict()[key]) for key in kept)


def test_a_convolution_and_auxiliary_heads_are_replaced_too() -> None:
    squeeze = models.build("squeezenet1_0", 5, 3, (32, 32), {"width": 4})
    assert replace_head(squeeze, 7).eval()(X.repeat(1, 1, 2, 2)).shape == (8, 7)
    google = models.build("googlenet", 5, 3, (32, 32), {"width": 8, "auxiliary": True})
    answer = replace_head(google, 7).train()(X.repeat(1, 1, 2, 2))
    assert {output.shape for output in (answer.outputs, *answer.others)} == {(8, 7)}
    alone = models.build("googlenet", 5, 3, (32, 32), {"width": 8})
    assert replace_head(alone, 7).train()(X.repeat(1, 1, 2, 2)).shape == (8, 7)


def test_a_head_that_is_no_layer_of_weights_is_refused() -> None:
    with pytest.raises(RecipeError, match="pool is AdaptiveAvgPool2d"):
        replace_head(wrapped(plain(), ("pool",)), 3)


def test_a_frozen_part_keeps_weights_and_statistics_in_training() -> None:
    network = wrapped(plain())
    freeze(network, "low")
    before = state(network)
    for _ in range(3):
        train_once(network)
    moved = changed(before, network)
    assert not any(key.startswith("body.low") for key in moved)
    assert "body.high.1.running_mean" in moved
    assert {"body.high.0.weight", "body.fc.weight"} <= moved


def test_a_frozen_norm_normalizes_by_what_it_has_learned() -> None:
    network = wrapped(plain())
    train_once(network)
    freeze(network, "body")
    network.eval()
    expected = network(X)
    network.train()
    assert torch.equal(network(X), expected)


def test_statistics_stay_still_after_every_call_of_train() -> None:
    network = wrapped(plain())
    freeze(network, "low.1")
    for _ in range(2):
        network.eval()
        network.train()
        assert not network.body.low[1].training
        assert network.body.high[1].training
        assert network.body.low[0].training
    assert nn.ModuleDict({"a": network}).train() is not None
    assert not network.body.low[1].training


def test_a_norm_without_weights_is_frozen_like_the_others() -> None:
    body = plain()
    body.low[1] = nn.BatchNorm2d(4, affine=False)
    network = wrapped(body)
    freeze(network, "low")
    before = state(network)
    train_once(network)
    assert "body.low.1.running_mean" not in changed(before, network)


def test_freed_parts_train_and_learn_again() -> None:
    network = wrapped(plain())
    freeze(network, "body")
    unfreeze(network, "high")
    before = state(network)
    train_once(network)
    moved = changed(before, network)
    assert {"body.high.0.weight", "body.high.1.running_mean", "body.fc.weight"} <= moved
    assert not any(key.startswith("body.low") for key in moved)
    unfreeze(network, "body")
    assert all(p.requires_grad for p in network.parameters())
    assert network.still == frozenset()


def test_a_part_is_a_name_and_what_is_below_it_alone() -> None:
    network = resnet9()
    freeze(network, "features.1")
    frozen = {name for name, p in network.body.named_parameters() if not p.requires_grad}
    assert frozen
    assert all(name.startswith("features.1.") for name in frozen)
    freeze(network, "head")
    assert not network.body.fc.weight.requires_grad
    unfreeze(network, "head", "body")
    freeze(network, "fc.bias")
    assert network.body.fc.weight.requires_grad
    assert not network.body.fc.bias.requires_grad


def test_a_part_that_is_not_there_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown part 'featurs'; did you mean features"):
        freeze(resnet9(), "featurs")


def test_training_from_a_layer_on_frees_it_and_all_after_it() -> None:
    network = models.build("resnet9", 3, 3, (16, 16), {"width": 4})
    train_from(network, "features.2")
    trains = {n.removeprefix("body.") for n, p in network.named_parameters() if p.requires_grad}
    every = [name.removeprefix("body.") for name, _ in network.named_parameters()]
    assert trains == {n for n in every if not n.startswith(("features.0.", "features.1."))}
    train_from(network, "head")
    assert [p.name for p in trained_parts(network) if p.trained] == ["fc"]
    train_from(network, "all")
    assert all(p.requires_grad for p in network.parameters())
    assert not network.still


def test_weights_taken_leave_the_head_or_bring_it_along() -> None:
    one, two = (models.build("lenet", outputs, 1, (28, 28)) for outputs in (3, 5))
    for parameter in two.parameters():  # biases, too, are otherwise
        nn.init.normal_(parameter)
    before = {name: value.clone() for name, value in one.body.state_dict().items()}
    take_weights(one, two)
    after, donor = one.body.state_dict(), two.body.state_dict()
    kept = {name for name in after if torch.equal(after[name], before[name])}
    assert kept == {f"{one.heads[0]}.weight", f"{one.heads[0]}.bias"}
    assert all(torch.equal(after[name], donor[name]) for name in after.keys() - kept)
    with pytest.raises(RecipeError, match="not alike"):
        take_weights(one, two, head=True)
    with pytest.raises(RecipeError, match="not alike"):
        take_weights(one, models.build("lenet5", 3, 1, (32, 32)))


def test_what_trains_is_counted_part_by_part() -> None:
    network = wrapped(plain())
    rows = {part.name: (part.trained, part.parameters) for part in trained_parts(network)}
    assert rows == {"low": (120, 120), "high": (156, 156), "fc": (10, 10)}
    freeze(network, "body")
    rows = {part.name: (part.trained, part.parameters) for part in trained_parts(network)}
    assert rows == {"low": (0, 120), "high": (0, 156), "fc": (10, 10)}
    assert models.count_parameters(network) == 10


def hooked(network: Network, layer: str) -> Tensor:
    """What a hook sees: the oracle."""
    seen: list[Tensor] = []
    module = network.body.get_submodule(layer)
    hook = module.register_forward_hook(lambda _, __, answer: seen.append(answer.clone()))
    training = network.training
    with torch.no_grad():
        network.eval()(X)
    network.train(training)
    hook.remove()
    return seen[-1]


@pytest.mark.parametrize("layer", ["low.0", "low.1", "low.2", "low", "high", "pool", "flat", "fc"])
def test_features_are_what_a_hook_would_see(layer: str) -> None:
    network = wrapped(plain())
    train_once(network)
    assert torch.equal(features(network, layer)(X), hooked(network, layer))


def test_features_of_every_layer_of_a_residual_network() -> None:
    network = resnet9()
    for layer in layers(network):
        assert torch.equal(features(network, layer)(X), hooked(network, layer)), layer


def test_of_a_layer_used_twice_the_last_answer_counts() -> None:
    network = models.build("resnet18", 5, 3, (32, 32), {"width": 4})
    for layer in ("layer1.0.relu", "layer2.0", "layer4", "avgpool"):
        assert torch.equal(features(network, layer)(X), hooked(network, layer)), layer


def test_features_stop_at_their_layer_and_share_its_weights() -> None:
    network = wrapped(plain())
    taken = features(network, "low")
    assert {p.shape for p in taken.parameters()} == {(4, 3, 3, 3), (4,)}
    with torch.no_grad():
        network.body.low[0].weight.zero_()
    assert taken(X).std((0, 2, 3)).max() == 0


def test_features_are_those_of_evaluation_whatever_the_network_does() -> None:
    network = resnet9().train()
    taken = features(network, "dropout")
    assert network.training
    assert network.body.dropout.training
    assert torch.equal(taken(X), taken(X))
    before = state(network)
    taken(X)
    assert changed(before, network) == set()
    taken.train()
    assert network.eval().body.dropout.training is False


def test_gradients_flow_into_features_and_inputs() -> None:
    network, inputs = wrapped(plain()), X.clone().requires_grad_()
    features(network, "low.0")(inputs).square().sum().backward()
    assert network.body.low[0].weight.grad.abs().max() > 0
    assert inputs.grad.abs().max() > 0


class Asking(nn.Module):
    """A forward pass that depends on values, so that it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if x.mean() > -1e9:
            x = self.relu(x)
        return self.fc(x.mean((2, 3)))


def test_a_network_that_cannot_be_traced_gives_features_all_the_same() -> None:
    torch.manual_seed(0)
    network = wrapped(Asking())
    for layer in ("conv", "relu", "fc"):
        assert torch.equal(features(network, layer)(X), hooked(network, layer))


def test_a_layer_that_is_not_there_or_not_used_is_said() -> None:
    network = models.build("googlenet", 5, 3, (32, 32), {"width": 8, "auxiliary": True})
    with pytest.raises(UnknownName, match="unknown layer 'inception3c'; did you mean inception"):
        features(network, "inception3c")
    with pytest.raises(RecipeError, match="aux1 is not called in evaluation"):
        features(network, "aux1")


@pytest.mark.parametrize("name", ["resnet9", "mobilenet_v2", "squeezenet1_0", "cifar"])
def test_what_a_head_is_given_makes_its_outputs(name: str) -> None:
    torch.manual_seed(0)
    name = "resnet20_cifar" if name == "cifar" else name
    network = models.build(name, 5, 3, (32, 32)).eval()
    x = torch.rand(2, 3, 32, 32)
    given = features(network, None)(x)
    head = network.body.get_submodule(network.heads[0])
    outputs = head(given)
    if outputs.ndim == 4:  # SqueezeNet: convolution, ReLU, mean
        outputs = outputs.relu().mean((2, 3))
    assert torch.allclose(outputs, network(x), atol=1e-5)
