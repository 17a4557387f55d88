"""Optimizers: torch's own, by the field's words, with decay on weights alone."""

import pytest
import torch
from torch import nn

from sightline.errors import RecipeError, UnknownName
from sightline.training.optim import OPTIMIZERS, optimizer


def network() -> nn.Sequential:
    torch.manual_seed(0)  # no bias before the norm: its gradient would be nothing but rounding
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)
    )


def stepped(model: nn.Module, ours: torch.optim.Optimizer, steps: int = 3) -> list[torch.Tensor]:
    torch.manual_seed(1)
    for _ in range(steps):
        ours.zero_grad()
        model(torch.rand(5, 1, 3, 3)).square().sum().backward()
        ours.step()
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.parametrize(
    ("name", "settings", "theirs", "keywords"),
    [
        ("sgd", {"rate": 0.1}, torch.optim.SGD, {"lr": 0.1}),
        (
            "sgd",
            {"rate": 0.1, "momentum": 0.9, "nesterov": True},
            torch.optim.SGD,
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        ),
        ("adam", {"rate": 0.01}, torch.optim.Adam, {"lr": 0.01}),
        (
            "adamw",
            {"rate": 0.01, "betas": (0.8, 0.9)},
            torch.optim.AdamW,
            {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.0},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_optimizer_is_torchs(name: str, settings: dict, theirs: type, keywords: dict) -> None:
    one, two = network(), network()
    got = stepped(one, optimizer(one, name, **settings))
    expected = stepped(two, theirs(two.parameters(), **keywords))
    for a, b in zip(got, expected, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_falls_on_weights_and_not_on_biases_and_norms(name: str) -> None:
    model = network()
    ours = optimizer(model, name, rate=0.1, decay=0.25)
    of = {id(p): group["weight_decay"] for group in ours.param_groups for p in group["params"]}
    for key, parameter in model.named_parameters():
        assert of.pop(id(parameter)) == (0.25 if parameter.ndim > 1 else 0.0), key
    assert not of
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = [p.detach().clone() for p in model.parameters()]
    ours.step()
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new) == (old.ndim <= 1)


def test_decoupled_decay_shrinks_weights_by_rate_times_decay() -> None:
    model = nn.Linear(3, 3, bias=False)
    model.weight.grad = torch.zeros_like(model.weight)
    before = model.weight.detach().clone()
    optimizer(model, "adamw", rate=0.1, decay=0.5).step()
    assert torch.allclose(model.weight, before * 0.95)


def test_without_decay_named_there_is_none() -> None:
    """torch's AdamW has one of its own."""
    groups = optimizer(network(), "adamw", rate=0.1).param_groups
    assert [group["weight_decay"] for group in groups] == [0.0, 0.0]


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    model[0].requires_grad_(False)
    ours = optimizer(model, "sgd", rate=0.1)
    assert sum(len(group["params"]) for group in ours.param_groups) == 4
    model[1].requires_grad_(False)
    model[3].bias.requires_grad_(False)
    assert len(optimizer(model, "sgd", rate=0.1).param_groups) == 1


def test_an_optimizer_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown optimizer 'AdamX'; did you mean adam?"):
        optimizer(network(), "AdamX", rate=0.1)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("sgd", {"rate": 0.1, "momentun": 0.9}, "momentun"),
        ("sgd", {"rate": 0.1, "nesterov": True}, "Nesterov"),
        ("sgd", {"rate": 0.1, "momentum": -1.0}, "momentum"),
        ("sgd", {"rate": 0.1, "momentum": "much"}, ""),
        ("adam", {"rate": 0.1, "betas": (2.0, 0.9)}, "beta"),
        ("adamw", {"rate": -0.1}, "learning rate"),
        ("adamw", {"rate": 0.1, "decay": -0.1}, "weight_decay"),
    ],
    ids=str,
)
def test_settings_torch_refuses_are_a_recipes_mistake(name: str, settings: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=rf"train\.optimizer \({name}\): .*{said}") as caught:
        optimizer(network(), name, **settings)
    assert "\n" not in str(caught.value)


def test_a_part_with_nothing_to_train_is_a_recipes_mistake() -> None:
    with pytest.raises(RecipeError, match="empty"):
        optimizer(nn.ReLU(), "sgd", rate=0.1)
