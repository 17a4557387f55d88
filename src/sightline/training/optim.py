"""Optimizers by name, one a part: torch's own, and Muon.

Defaults are torch's, but that nothing decays unless asked. Keras's differ in small numbers: see
docs/training.md.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.errors import RecipeError, UnknownName
from sightline.models import Network
from sightline.training.muon import Muon
from sightline.training.settings import (
    BELOW_ONE,
    FLAG,
    PAIR,
    SHARES,
    Rule,
    above,
    at_least,
    between,
    check,
    one_of,
    whole,
)

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "muon": Muon,
}
COMMON: dict[str, Rule] = {  # settings of every optimizer
    "rate": above(0),
    "body": between(0, 1),
    "layers": SHARES,
    "decay": at_least(0),
    "decay_all": FLAG,
    "decoupled": FLAG,
}
ADAM: dict[str, Rule] = {"betas": PAIR, "eps": above(0)}
OWN: dict[str, dict[str, Rule]] = {
    "sgd": {"momentum": BELOW_ONE, "nesterov": FLAG, "dampening": between(0, 1)},
    "adagrad": {"eps": above(0), "initial": at_least(0)},
    "adadelta": {"rho": BELOW_ONE, "eps": above(0)},
    "rmsprop": {"alpha": BELOW_ONE, "eps": above(0), "momentum": BELOW_ONE},
    "adam": ADAM,
    "adamw": ADAM,
    "nadam": ADAM | {"momentum_decay": at_least(0)},
    "muon": ADAM
    | {
        "momentum": BELOW_ONE,
        "nesterov": FLAG,
        "steps": whole(1, 20),
        "adjust": one_of("original", "match_rms_adamw"),
        "other": one_of("adamw", "sgd"),
        "other_rate": above(0),
    },
}
TORCH_NAMES = {"lr": "rate", "weight_decay": "decay", "initial_accumulator_value": "initial"}
DECOUPLED = ("adamw", "muon")  # whose decay always is
# Measured for ResNet9 on a CPU: SGD 1.0 ms a step for all tensors at once, 1.7 fused; Adagrad, Adam
# and AdamW 2 ms fused, 5 and more otherwise. On GPUs torch chooses all at once where not fused.
FUSED = {"cpu": {"adagrad", "adam", "adamw"}, "cuda": {"sgd", "adam", "adamw"}}
FOREACH = {"cpu": {"sgd", "nadam"}}
OTHER_RATE = {"adamw": 0.015, "sgd": 1.0}  # of Muon's: 3e-4 to 0.02, as its author has it


def optimizer(part: nn.Module, name: str, **settings: Any) -> Optimizer:
    """The optimizer `name` over a part's trainable parameters.

    rate       that a schedule moves; each group's own is this times the group's "scale"
    body       the body's rate as a share of the head's, 0 to 1; the head is `Network.heads`
    layers     shares of the rate for layers and all below them, {"features.0": 0.01}: the longest
               name that fits counts, before `body`
    decay      of weights alone, not of biases and norms, unless `decay_all`
    decoupled  decay as AdamW has it: weights times 1 - rate * decay before each step, beside the
               gradient (Loshchilov and Hutter 2019)

    and the optimizer's own (`OWN`), by torch's names. Raises UnknownName or RecipeError.
    """
    where, chosen = f"train.optimizer ({name})", dict(settings)
    _check(where, name, chosen)
    rate, body = float(chosen.pop("rate")), float(chosen.pop("body", 1.0))
    decay, everywhere = float(chosen.pop("decay", 0.0)), chosen.pop("decay_all", False)
    decoupled = chosen.pop("decoupled", False)
    heads, of_layers = _heads(part), _shares(part, chosen.pop("layers", {}), where)
    if body != 1 and not heads:
        raise RecipeError(f"{where}: body is {body:g}, but this part has no head to tell it from")
    if name == "muon":
        rules = _muon_rules(part, heads, chosen, rate, where)
    else:
        rules = [("", 1.0, lambda _: True)]
    groups = []
    usual = {id(p): body if heads and id(p) not in heads else 1.0 for p in part.parameters()}
    shares = usual | of_layers
    order = sorted({(id(p) in heads, shares[id(p)]) for p in part.parameters()})
    for tier in order:
        for rule, scale, belongs in rules:
            members = [
                p
                for p in part.parameters()
                if p.requires_grad and (id(p) in heads, shares[id(p)]) == tier and belongs(p)
            ]
            groups += _by_decay(members, decay, everywhere, scale * tier[1], rule)
    if not groups:
        raise RecipeError(f"{where}: the part has nothing to train")
    if decoupled and name not in DECOUPLED:
        for group in groups:
            group |= {"decoupled": group["weight_decay"], "weight_decay": 0.0}
    built = _built(name, groups, rate, chosen)
    if decoupled and name not in DECOUPLED:
        built.register_step_pre_hook(_shrink)
    return built


Belongs = Callable[[Tensor], bool]


def _by_decay(
    members: Sequence[Tensor], decay: float, everywhere: bool, scale: float, rule: str
) -> list[dict[str, Any]]:
    """Weights, then all others: in one order whatever the settings, for state goes by index."""
    groups = []
    for weights in (True, False):
        kept = [p for p in members if (p.ndim > 1) == weights]
        group: dict[str, Any] = {"params": kept, "scale": scale}
        group["weight_decay"] = decay if weights or everywhere else 0.0
        groups += [group | ({"rule": rule} if rule else {})] if kept else []
    return groups


def _check(where: str, name: str, settings: Mapping[str, Any]) -> None:
    if name not in OPTIMIZERS:
        raise UnknownName("optimizer", name, OPTIMIZERS)
    for key in settings:
        if key in TORCH_NAMES:
            raise RecipeError(f"{where}: {key} is called {TORCH_NAMES[key]} here")
    if "rate" not in settings:
        raise RecipeError(f"{where}: rate is missing")
    check(where, f"optimizer {name}", settings, COMMON | OWN[name])
    if settings.get("nesterov") and name == "sgd":
        if not settings.get("momentum"):
            raise RecipeError(f"{where}: nesterov needs momentum, as in momentum = 0.9")
        if settings.get("dampening"):
            raise RecipeError(f"{where}: nesterov goes without dampening")
    if name in DECOUPLED and settings.get("decoupled") is False:
        raise RecipeError(f"{where}: its decay is decoupled always; adam's is not")


def _heads(part: nn.Module) -> set[int]:
    """The parameters of the layers that give the outputs, by id."""
    if not isinstance(part, Network):
        return set()
    layers = dict(part.body.named_modules())
    return {id(p) for name in part.heads if name in layers for p in layers[name].parameters()}


def _shares(part: nn.Module, layers: Mapping[str, float], where: str) -> dict[int, float]:
    """Shares of the rate by parameter's id."""
    if not layers:
        return {}
    if not isinstance(part, Network):
        raise RecipeError(f"{where}: layers of a part that is no network")
    found: dict[int, float] = {}
    known = dict(part.body.named_modules())
    for name in sorted(layers, key=len):
        if name not in known:
            raise UnknownName(f"layer in {where}", name, [n for n in known if n])
        found |= {id(p): float(layers[name]) for p in known[name].parameters()}
    return found


def _muon_rules(
    part: nn.Module, heads: set[int], chosen: dict[str, Any], rate: float, where: str
) -> list[tuple[str, float, Belongs]]:
    """Hidden weights by Muon; the first layer, the head, biases and norms by the other rule, which
    is how its author uses it."""
    weights = [id(p) for p in part.parameters() if p.ndim > 1]
    outside = {*weights[:1], *(heads or weights[-1:])}
    hidden = {
        id(p) for p in part.parameters() if p.requires_grad and id(p) in set(weights) - outside
    }
    if not hidden:
        raise RecipeError(f"{where}: no weights between the first layer and the head; try adamw")
    other = chosen.pop("other", "adamw")
    scale = chosen.pop("other_rate", rate * OTHER_RATE[other]) / rate
    return [
        ("muon", 1.0, lambda p: id(p) in hidden),
        (other, scale, lambda p: id(p) not in hidden),
    ]


def _built(
    name: str, groups: list[dict[str, Any]], rate: float, chosen: dict[str, Any]
) -> Optimizer:
    for group in groups:
        group["lr"] = rate * group["scale"]
    if "betas" in chosen:
        chosen["betas"] = tuple(chosen["betas"])
    if "initial" in chosen:
        chosen["initial_accumulator_value"] = chosen.pop("initial")
    device = groups[0]["params"][0].device.type
    if name in FUSED.get(device, ()):
        chosen["fused"] = True
    elif name in FOREACH.get(device, ()):
        chosen["foreach"] = True
    built = OPTIMIZERS[name](groups, lr=rate, **chosen)
    if name == "rmsprop":
        built.register_load_state_dict_post_hook(_add_momentum)
    return built


def _shrink(of: Optimizer, *_: Any) -> None:
    """Decoupled decay, before a step."""
    with torch.no_grad():
        for group in of.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if group["decoupled"] and moved:
                torch._foreach_mul_(moved, 1 - group["lr"] * group["decoupled"])


def _add_momentum(of: Optimizer) -> None:
    """A run that is resumed with momentum had none before; torch's RMSprop asks for the tensor."""
    for parameter, state in of.state.items():
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
