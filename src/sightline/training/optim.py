"""Optimizers by name, one a part."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sightline.errors import RecipeError, UnknownName

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
}
TORCH_NAMES = {"rate": "lr", "decay": "weight_decay"}  # ours: the field's words; torch's keywords


def optimizer(part: nn.Module, name: str, **settings: Any) -> Optimizer:
    """The optimizer `name` over a part's trainable parameters.

    `rate` and `decay` are torch's lr and weight_decay; decay falls on weights alone, not on biases
    and norms. Raises UnknownName or RecipeError.
    """
    if name not in OPTIMIZERS:
        raise UnknownName("optimizer", name, OPTIMIZERS)
    for taken in TORCH_NAMES.values():
        if taken in settings:
            ours = next(key for key, value in TORCH_NAMES.items() if value == taken)
            raise RecipeError(f"train.optimizer.{taken}: it is called {ours} here")
    keywords = {TORCH_NAMES.get(key, key): value for key, value in settings.items()}
    decay = keywords.pop("weight_decay", 0.0)
    if not isinstance(decay, int | float) or not 0 <= decay < float("inf"):
        raise RecipeError(
            f"train.optimizer ({name}): decay (torch's weight_decay) is {decay}; must be 0 or more"
        )
    weights = [p for p in part.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in part.parameters() if p.requires_grad and p.ndim <= 1]
    groups: Iterable[dict[str, Any]] = [
        {"params": weights, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
    try:
        return OPTIMIZERS[name]([group for group in groups if group["params"]], **keywords)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise RecipeError(f"train.optimizer ({name}): {error}") from None
