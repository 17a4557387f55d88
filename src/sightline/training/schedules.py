"""Learning rates by name, each a function of the step alone: nothing to save, easy to plot.

A factory takes (rate, total steps, steps an epoch, its own settings) and gives step -> rate.
"""

import math
from collections.abc import Callable
from inspect import signature
from typing import Any

from sightline.errors import RecipeError, UnknownName

Rate = Callable[[int], float]


def constant(rate: float, total: int, per_epoch: int) -> Rate:  # noqa: ARG001
    """The same rate throughout."""
    return lambda _: rate


def time(rate: float, total: int, per_epoch: int, decay: float) -> Rate:  # noqa: ARG001
    """rate / (1 + decay * step), counted in updates as Keras 2 did (Starter book, 16)."""
    return lambda step: rate / (1 + decay * step)


def step(  # the field's name for it
    rate: float,
    total: int,  # noqa: ARG001
    per_epoch: int,
    factor: float = 0.5,
    every: int = 5,
) -> Rate:
    """rate * factor ** floor((1 + epoch) / every), epochs from 0 (Starter book, 16)."""
    return lambda step: rate * factor ** ((1 + step // per_epoch) // every)


def cosine(rate: float, total: int, per_epoch: int, warmup: float = 0.0) -> Rate:  # noqa: ARG001
    """Half a cosine to zero (Loshchilov and Hutter 2017) after a linear rise over `warmup`."""

    def at(step: int) -> float:
        rise = warmup * total
        if step < rise:
            return rate * min(1.0, (step + 1) / rise)
        progress = (step - rise) / max(1.0, total - rise)
        return rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return at


def onecycle(
    rate: float,
    total: int,
    per_epoch: int,  # noqa: ARG001
    warmup: float = 0.25,
    start: float = 0.04,
) -> Rate:
    """Cosine up from rate * start to rate over `warmup` of the steps, cosine down to nearly zero.

    Smith and Topin 2018, with the shape of torch's OneCycleLR.
    """
    peak = max(1, round(total * warmup))

    def at(step: int) -> float:
        if step < peak:
            low, high, progress = rate * start, rate, step / peak
        else:
            low, high, progress = rate, rate * start * 1e-3, (step - peak) / max(1, total - peak)
        return low + (high - low) * 0.5 * (1 - math.cos(math.pi * min(1.0, progress)))

    return at


SCHEDULES: dict[str, Callable[..., Rate]] = {
    "constant": constant,
    "time": time,
    "step": step,
    "cosine": cosine,
    "onecycle": onecycle,
}


LIMITS = {  # of every setting above
    "decay": (0.0, 1e6),
    "factor": (0.0, 1.0),
    "every": (1, 10**9),
    "warmup": (0.0, 1.0),
    "start": (0.0, 1.0),
}


def schedule(
    name: str, rate: float, total: int, per_epoch: int, settings: dict[str, Any] | None = None
) -> Rate:
    """The schedule `name`. Raises UnknownName or RecipeError."""
    if name not in SCHEDULES:
        raise UnknownName("schedule", name, SCHEDULES)
    known = set(signature(SCHEDULES[name]).parameters) - {"rate", "total", "per_epoch"}
    for key in settings or {}:
        if key not in known:
            raise UnknownName(f"setting of schedule {name}", key, known)
    for key, value in (settings or {}).items():
        low, high = LIMITS[key]
        if not isinstance(value, int | float) or not low <= value <= high:
            raise RecipeError(f"train.schedule.{key} = {value!r}: must be {low:g} to {high:g}")
    try:
        return SCHEDULES[name](rate, total, per_epoch, **(settings or {}))
    except TypeError as error:
        raise RecipeError(f"train.schedule ({name}): {error}") from None
