"""Optimizers: formulas written out in NumPy, and torch's own classes, over twenty steps."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline import models
from sightline.errors import RecipeError, UnknownName
from sightline.training.optim import COMMON, OPTIMIZERS, OWN, optimizer

STEPS = 20
RATE = 0.05
Step = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]


def network() -> nn.Sequential:
    """Filters, a norm, a hidden matrix and a head, float64; no bias before the norm, whose gradient
    would be nothing but rounding."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(3, 5), nn.Linear(5, 2)).double()


def gradients(model: nn.Module, step: int) -> None:
    """The same at every step for any network of one architecture, whatever its weights."""
    generator = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.grad = drawn.to(parameter.dtype)


def run(model: nn.Module, ours: torch.optim.Optimizer, steps: int = STEPS) -> list[Tensor]:
    for step in range(steps):
        gradients(model, step)
        ours.step()
    return [p.detach().clone() for p in model.parameters()]


# W += -a dW and so on: the Practitioner book, 6; course notes, 3.10 to 3.12. t counts from 1.
def sgd(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    return w - RATE * g


def momentum(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0.0) + g
    return w - RATE * s["v"]


def nesterov(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0.0) + g
    return w - RATE * (g + 0.9 * s["v"])


def adagrad(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["cache"] = s.get("cache", 0.0) + g**2
    return w - RATE * g / (1e-10 + np.sqrt(s["cache"]))


def adadelta(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["cache"] = 0.9 * s.get("cache", 0.0) + 0.1 * g**2
    move = np.sqrt(s.get("moves", 0.0) + 1e-6) / np.sqrt(s["cache"] + 1e-6) * g
    s["moves"] = 0.9 * s.get("moves", 0.0) + 0.1 * move**2
    return w - RATE * move


def rmsprop(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["cache"] = 0.99 * s.get("cache", 0.0) + 0.01 * g**2
    return w - RATE * g / (1e-8 + np.sqrt(s["cache"]))


def adam(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g**2
    return w - RATE * (s["m"] / (1 - 0.9**t)) / (1e-8 + np.sqrt(s["v"] / (1 - 0.999**t)))


def nadam(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    """Dozat 2016, with his schedule of the momentum."""
    now, ahead = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * at)) for at in (t, t + 1))
    s["product"] = s.get("product", 1.0) * now
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g**2
    m = ahead * s["m"] / (1 - s["product"] * ahead) + (1 - now) * g / (1 - s["product"])
    return w - RATE * m / (1e-8 + np.sqrt(s["v"] / (1 - 0.999**t)))


CASES: list[tuple[str, dict[str, Any], Step, type, dict[str, Any]]] = [
    ("sgd", {}, sgd, torch.optim.SGD, {}),
    ("sgd", {"momentum": 0.9}, momentum, torch.optim.SGD, {"momentum": 0.9}),
    (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        nesterov,
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    ("adagrad", {}, adagrad, torch.optim.Adagrad, {}),
    ("adadelta", {}, adadelta, torch.optim.Adadelta, {}),
    ("rmsprop", {}, rmsprop, torch.optim.RMSprop, {}),
    ("adam", {}, adam, torch.optim.Adam, {}),
    ("adamw", {}, adam, torch.optim.AdamW, {"weight_decay": 0.0}),
    ("nadam", {}, nadam, torch.optim.NAdam, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join((case[0], *case[1])))
def test_twenty_steps_are_those_of_the_formula_and_of_torch(case: tuple) -> None:
    name, settings, formula, theirs, keywords = case
    one, two = network(), network()
    weights = [p.detach().numpy().copy() for p in one.parameters()]
    got = run(one, optimizer(one, name, rate=RATE, **settings))
    expected = run(two, theirs(two.parameters(), lr=RATE, **keywords))
    states: list[dict[str, Any]] = [{} for _ in weights]
    model = network()
    for step in range(STEPS):
        gradients(model, step)
        for index, parameter in enumerate(model.parameters()):
            assert parameter.grad is not None
            gradient = parameter.grad.numpy()
            weights[index] = formula(weights[index], gradient, states[index], step + 1)
    for ours, torchs, ours_by_hand in zip(got, expected, weights, strict=True):
        assert torch.allclose(ours, torchs, rtol=1e-9, atol=1e-12)
        # torch keeps the product of Nadam's momenta in float32
        np.testing.assert_allclose(ours.numpy(), ours_by_hand, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("everywhere", [False, True])
def test_decay_falls_on_weights_and_on_biases_and_norms_only_if_asked(
    name: str, everywhere: bool
) -> None:
    model = network()
    ours = optimizer(model, name, rate=0.1, decay=0.25, decay_all=everywhere)
    of = {id(p): group["weight_decay"] for group in ours.param_groups for p in group["params"]}
    for key, parameter in model.named_parameters():
        assert of.pop(id(parameter)) == (0.25 if parameter.ndim > 1 or everywhere else 0.0), key
    assert not of
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = [p.detach().clone() for p in model.parameters()]
    ours.step()
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new) == (not old.any() or (old.ndim <= 1 and not everywhere))


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n not in ("adamw", "muon")])
def test_decoupled_decay_shrinks_weights_before_the_step_and_leaves_the_gradient_alone(
    name: str,
) -> None:
    one, two = network(), network()
    ours = optimizer(one, name, rate=RATE, decay=0.5, decoupled=True)
    plain = optimizer(two, name, rate=RATE)
    for step in range(STEPS):
        rate = RATE * 0.9**step
        for built in (ours, plain):
            for group in built.param_groups:
                group["lr"] = rate
        gradients(one, step)
        gradients(two, step)
        with torch.no_grad():
            for parameter in two.parameters():
                parameter.mul_(1 - rate * 0.5 if parameter.ndim > 1 else 1.0)
        ours.step()
        plain.step()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-12)


def test_adam_with_decoupled_decay_is_adamw() -> None:
    one, two = network(), network()
    got = run(one, optimizer(one, "adam", rate=RATE, decay=0.1, decoupled=True))
    expected = run(two, optimizer(two, "adamw", rate=RATE, decay=0.1))
    for a, b in zip(got, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-12)


def lenet() -> models.Network:
    torch.manual_seed(0)
    return models.build("lenet", 5, 1, (12, 12), {"kernel": 3})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_body_moves_at_its_share_of_the_heads_rate(name: str) -> None:
    model = lenet()
    ours = optimizer(model, name, rate=0.1, body=0.25)
    full = optimizer(model, name, rate=0.1)
    of = {id(p): group["scale"] for group in ours.param_groups for p in group["params"]}
    whole = {id(p): group["scale"] for group in full.param_groups for p in group["params"]}
    head = {id(p) for p in model.body.get_submodule(model.heads[0]).parameters()}
    assert len(of) == len(list(model.parameters()))
    for parameter in model.parameters():
        expected = whole[id(parameter)] * (1.0 if id(parameter) in head else 0.25)
        assert of[id(parameter)] == pytest.approx(expected)
    assert all(g["lr"] == pytest.approx(0.1 * g["scale"]) for g in ours.param_groups)


def test_a_body_of_rate_zero_stays_and_the_head_learns() -> None:
    model = lenet()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    ours = optimizer(model, "sgd", rate=0.1, body=0)
    model(torch.rand(3, 1, 12, 12)).square().sum().backward()
    ours.step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {f"body.{model.heads[0]}.{kind}" for kind in ("weight", "bias")}


@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_layers_have_rates_of_their_own_the_longest_name_first(name: str) -> None:
    model = models.build("resnet9", 3, 3, (16, 16), {"width": 4})
    shares = {"features": 0.5, "features.0": 0.01, "features.2.block": 0.1}
    ours = optimizer(model, name, rate=0.2, body=0.25, layers=shares)
    rate = {id(p): group["lr"] for group in ours.param_groups for p in group["params"]}
    assert len(rate) == len(list(model.parameters()))
    expected = {"features.0.0": 0.01, "features.1": 0.5, "features.2": 0.1, "fc": 1.0}
    for part, share in expected.items():
        found = {round(rate[id(p)], 9) for p in model.body.get_submodule(part).parameters()}
        assert name == "muon" or found == {round(0.2 * share, 9)}


def test_a_layer_of_a_rate_that_is_not_there_is_named() -> None:
    model = models.build("lenet", 3, 1, (28, 28))
    with pytest.raises(UnknownName, match=r"layer in train\.optimizer \(sgd\) 'conv9'"):
        optimizer(model, "sgd", rate=0.1, layers={"conv9": 0.1})
    with pytest.raises(RecipeError, match="each 0 to 1"):
        optimizer(model, "sgd", rate=0.1, layers={"body.0": 2})


def test_a_part_without_a_head_has_no_body() -> None:
    with pytest.raises(RecipeError, match="no head"):
        optimizer(network(), "sgd", rate=0.1, body=0.1)
    assert optimizer(network(), "sgd", rate=0.1, body=1.0).param_groups


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_settings_change_no_order_that_state_is_kept_by(name: str) -> None:
    """A checkpoint numbers parameters in the order of the groups."""
    model = lenet()
    orders = [
        [
            id(p)
            for group in optimizer(model, name, rate=0.1, **s).param_groups
            for p in group["params"]
        ]
        for s in ({}, {"body": 0.1}, {"decay": 0.1}, {"decay": 0.1, "decay_all": True})
    ]
    assert all(order == orders[0] for order in orders)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "extra", [{}, {"decay": 0.1, "decoupled": True}], ids=["plain", "decoupled"]
)
def test_state_put_into_a_new_optimizer_goes_on_as_if_never_stopped(name: str, extra: dict) -> None:
    extra = extra | ({"momentum": 0.9} if name in ("sgd", "rmsprop") else {})
    model = network().float()
    ours = optimizer(model, name, rate=RATE, **extra)
    run(model, ours, 5)
    again = copy.deepcopy(model)
    state = ours.state_dict()
    for values in state["state"].values():
        assert all(isinstance(v, Tensor | int | float) for v in values.values())
    other = optimizer(again, name, rate=RATE, **extra)
    other.load_state_dict(copy.deepcopy(state))
    for a, b in zip(run(model, ours, 5), run(again, other, 5), strict=True):
        assert torch.equal(a, b)


def test_momentum_may_be_turned_on_in_a_run_that_goes_on() -> None:
    model = network()
    before = optimizer(model, "rmsprop", rate=RATE)
    run(model, before, 3)
    after = optimizer(model, "rmsprop", rate=RATE, momentum=0.9)
    groups = after.state_dict()["param_groups"]
    after.load_state_dict({"state": before.state_dict()["state"], "param_groups": groups})
    run(model, after, 3)
    assert all("momentum_buffer" in state for state in after.state.values())


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    model[0].requires_grad_(False)
    ours = optimizer(model, "sgd", rate=0.1)
    assert sum(len(group["params"]) for group in ours.param_groups) == 8


def test_names_that_do_not_exist_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown optimizer 'AdamX'; did you mean adam?"):
        optimizer(network(), "AdamX", rate=0.1)
    with pytest.raises(UnknownName, match="of optimizer sgd 'momentun'; did you mean momentum?"):
        optimizer(network(), "sgd", rate=0.1, momentun=0.9)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("sgd", {"nesterov": True}, "nesterov needs momentum"),
        ("sgd", {"momentum": -1.0}, "momentum is -1.0; must be 0 or more and below 1"),
        ("sgd", {"momentum": 1}, "momentum is 1; "),
        ("sgd", {"momentum": "much"}, "momentum is 'much'; "),
        ("sgd", {"momentum": True}, "momentum is true; "),
        ("sgd", {"momentum": 0.9, "nesterov": 1}, "nesterov is 1; must be true or false"),
        ("sgd", {"momentum": float("nan")}, "momentum is nan"),
        ("adam", {"betas": (2.0, 0.9)}, "betas is 2.0, 0.9; must be two numbers"),
        ("adam", {"betas": [0.9]}, "betas is 0.9; must be two numbers"),
        ("adam", {"eps": 0}, "eps is 0; must be a number above 0"),
        ("adam", {"lr": 0.1}, "lr is called rate here"),
        ("adam", {"weight_decay": 0.1}, "weight_decay is called decay here"),
        ("adamw", {"rate": -0.1}, "rate is -0.1; "),
        ("adamw", {"rate": float("inf")}, "rate is inf; "),
        ("adamw", {"rate": 10**400}, "rate is 1000"),
        ("adamw", {"decay": -0.1}, "decay is -0.1; must be a number of 0 or more"),
        ("adamw", {"decoupled": False}, "decoupled always"),
        ("adam", {"body": 1.5}, "body is 1.5; must be 0 to 1"),
        ("muon", {"other": "adam"}, "other is 'adam'; must be adamw or sgd"),
        ("muon", {"steps": 2.5}, "steps is 2.5; must be a whole number, 1 to 20"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_one_line(name: str, settings: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=rf"train\.optimizer \({name}\): .*{said}") as caught:
        optimizer(network(), name, **{"rate": 0.1, **settings})
    assert "\n" not in str(caught.value)


def test_a_part_with_nothing_to_train_is_a_recipes_mistake() -> None:
    with pytest.raises(RecipeError, match="nothing to train"):
        optimizer(nn.ReLU(), "sgd", rate=0.1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(name: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
    )
    inputs = torch.randn(64, 4)
    truth = inputs.prod(1, keepdim=True)
    rates = {"sgd": 0.1, "adagrad": 0.1, "adadelta": 1.0, "muon": 0.02}
    ours = optimizer(model, name, rate=rates.get(name, 0.01))
    losses = []
    for _ in range(60):
        ours.zero_grad()
        loss = (model(inputs) - truth).square().mean()
        loss.backward()
        ours.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_the_docs_know_every_optimizer_and_setting() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    names = {*OPTIMIZERS, *COMMON, *(key for own in OWN.values() for key in own)}
    assert sorted(name for name in names if f"`{name}`" not in text) == []
