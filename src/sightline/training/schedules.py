"""Learning rates by name, each a function of the step alone: nothing to save, easy to plot.

A factory takes the span of a training and its own settings, and gives step -> rate. Epochs are
counted from 0 in the formulas. `plateau` alone also looks at the history.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any, Literal

from sightline.errors import RecipeError, UnknownName
from sightline.training.plateau import Plateau, Rate, rise
from sightline.training.settings import (
    Rule,
    above,
    at_least,
    between,
    check,
    numbers,
    one_of,
    share,
    whole,
)

Per = Literal["update", "epoch"]


@dataclass(frozen=True)
class Span:
    """rate  asked for; total steps; steps an epoch"""

    rate: float
    total: int
    per_epoch: int

    @property
    def epochs(self) -> float:
        return self.total / self.per_epoch

    def elapsed(self, step: int, per: Per) -> float:
        """Epochs gone by at a step: whole ones, or with the share of the one that runs."""
        return step // self.per_epoch if per == "epoch" else step / self.per_epoch


def constant(span: Span) -> Rate:
    """The same rate throughout."""
    return lambda _: span.rate


def time(
    span: Span, decay: float | None = None, per: Literal["update", "epoch", "compound"] = "update"
) -> Rate:
    """rate / (1 + decay * n), n counted in updates as Keras 2 did, or in epochs (course, 3.13).

    "compound" is the Starter book's equation 16.1, which Keras never computed: each epoch e divides
    the rate of the one before by 1 + decay * e. The book's rule of thumb, rate / epochs, is the
    decay where none is given.
    """
    d = span.rate / span.epochs if decay is None else decay
    if per == "update":
        return lambda step: span.rate / (1 + d * step)
    if per == "epoch":
        return lambda step: span.rate / (1 + d * (step // span.per_epoch))

    @cache
    def of_epoch(epoch: int) -> float:
        return span.rate * math.exp(-sum(math.log1p(d * e) for e in range(1, epoch + 1)))

    return lambda step: of_epoch(step // span.per_epoch)


def staircase(span: Span, decay: float = 1.0, interval: int = 10) -> Rate:
    """rate / (1 + decay * floor(epoch / interval)) (course, 3.13)."""
    return lambda step: span.rate / (1 + decay * (step // span.per_epoch // interval))


def step(span: Span, factor: float = 0.5, every: int = 5) -> Rate:  # the field's name for it
    """rate * factor ** floor((1 + epoch) / every) (the Starter book's code, 16: the first drop
    comes an epoch early; its equation 16.3 has no floor)."""
    return lambda step: span.rate * factor ** ((1 + step // span.per_epoch) // every)


def piecewise(
    span: Span,
    epochs: Sequence[float] | None = None,
    factors: Sequence[float] | None = None,
    rates: Sequence[float] | None = None,
) -> Rate:
    """A rate for each stretch: from `epochs[i]` on it is `rates[i]`, or rate * `factors[i]`.

    Without settings a tenth from the half on and a hundredth from three quarters on, as for the
    CIFAR networks of He et al. 2015.
    """
    edges = [span.epochs * 0.5, span.epochs * 0.75] if epochs is None else list(epochs)
    if factors is not None and rates is not None:
        raise RecipeError("train.schedule (piecewise): give factors or rates, not both")
    if factors is None and rates is None:
        factors = [0.1 ** (i + 1) for i in range(len(edges))]
    values = [span.rate * f for f in factors] if factors is not None else list(rates or ())
    if len(values) != len(edges):
        name = "factors" if factors is not None else "rates"
        raise RecipeError(
            f"train.schedule (piecewise): {len(edges)} epochs, but {len(values)} {name}; "
            "one for each epoch from which it holds"
        )
    starts = [round(edge * span.per_epoch) for edge in edges]

    def at(step: int) -> float:
        passed = sum(start <= step for start in starts)
        return values[passed - 1] if passed else span.rate

    return at


def linear(span: Span, end: float = 0.0, per: Per = "epoch") -> Rate:
    """A straight line to the share `end` of the rate: polynomial of power 1."""
    return polynomial(span, 1.0, end, per)


def polynomial(span: Span, power: float = 2.0, end: float = 0.0, per: Per = "epoch") -> Rate:
    """rate * (end + (1 - end) * (1 - n / epochs) ** power) (Practitioner book)."""

    def at(step: int) -> float:
        left = max(0.0, 1 - span.elapsed(step, per) / span.epochs)
        return span.rate * (end + (1 - end) * left**power)

    return at


def exponential(span: Span, factor: float = 0.95, per: Per = "epoch") -> Rate:
    """rate * factor ** epoch (course, 3.13)."""
    return lambda step: span.rate * factor ** span.elapsed(step, per)


def inverse_root(span: Span, k: float = 1.0, per: Per = "epoch") -> Rate:
    """rate * k / sqrt(epoch), here alone the epoch is counted from 1 (course, 3.13)."""
    return lambda step: span.rate * k / math.sqrt(1 + span.elapsed(step, per))


def cosine(span: Span, end: float = 0.0, per: Per = "update") -> Rate:
    """Half a cosine to the share `end` of the rate (Loshchilov and Hutter 2017)."""

    def at(step: int) -> float:
        progress = min(1.0, span.elapsed(step, per) / span.epochs)
        return span.rate * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * progress)))

    return at


def onecycle(span: Span, rise: float = 0.25, start: float = 0.04) -> Rate:
    """Cosine up from rate * start to rate over `rise` of the steps, cosine down to nearly zero.

    Smith and Topin 2018, with the shape of torch's OneCycleLR.
    """
    peak = max(1, round(span.total * rise))

    def at(step: int) -> float:
        if step < peak:
            low, high, progress = span.rate * start, span.rate, step / peak
        else:
            low, high = span.rate, span.rate * start * 1e-3
            progress = (step - peak) / max(1, span.total - peak)
        return low + (high - low) * 0.5 * (1 - math.cos(math.pi * min(1.0, progress)))

    return at


def plateau(span: Span, **settings: Any) -> Plateau:
    """See `Plateau`; its defaults are the object detection book's."""
    return Plateau(span.rate, **settings)


SCHEDULES: dict[str, Callable[..., Rate]] = {
    "constant": constant,
    "time": time,
    "staircase": staircase,
    "step": step,
    "piecewise": piecewise,
    "linear": linear,
    "polynomial": polynomial,
    "exponential": exponential,
    "inverse_root": inverse_root,
    "cosine": cosine,
    "onecycle": onecycle,
    "plateau": plateau,
}
PLATEAU: dict[str, Rule] = {
    "monitor": Rule(lambda value: isinstance(value, str) and value != "", "a figure's name"),
    "factor": Rule(lambda value: share().holds(value) and value < 1, "above 0 and below 1"),
    "patience": whole(1),
    "threshold": at_least(0),
    "cooldown": whole(0),
    "floor": at_least(0),
}
RULES: dict[str, Rule] = {  # of every setting above, wherever it occurs
    "decay": at_least(0),
    "interval": whole(1),
    "every": whole(1),
    "factor": share(),
    "epochs": numbers(above(0), rising=True),
    "factors": numbers(above(0)),
    "rates": numbers(above(0)),
    "end": between(0, 1),
    "power": above(0),
    "k": share(),
    "rise": between(0, 1),
    "start": share(),
    "per": one_of("update", "epoch"),
}
WARMUP = at_least(0)


def rules(name: str) -> dict[str, Rule]:
    """The settings of a schedule. Raises UnknownName."""
    if name not in SCHEDULES:
        raise UnknownName("schedule", name, SCHEDULES)
    if name == "plateau":
        return PLATEAU | {"warmup": WARMUP}
    known = {key: RULES[key] for key in list(signature(SCHEDULES[name]).parameters)[1:]}
    if name == "time":
        known["per"] = one_of("update", "epoch", "compound")
    return known if name == "onecycle" else known | {"warmup": WARMUP}


def schedule(
    name: str,
    rate: float,
    total: int,
    per_epoch: int,
    settings: Mapping[str, Any] | None = None,
) -> Rate:
    """The schedule `name` over `total` steps, `per_epoch` of them an epoch.

    `warmup`, in epochs, goes before any but onecycle, which has a rise of its own: the schedule
    runs from the first step, and in the warm-up its value is multiplied by (step + 1) / steps.

    Raises UnknownName or RecipeError.
    """
    chosen, where = dict(settings or {}), f"train.schedule ({name})"
    if name == "onecycle" and "warmup" in chosen:
        raise RecipeError(f"{where}: its rise is its warm-up; set rise, a share of all steps")
    check(where, f"schedule {name}", chosen, rules(name))
    steps = chosen.pop("warmup", 0.0) * per_epoch
    made = SCHEDULES[name](Span(rate, max(1, total), max(1, per_epoch)), **chosen)
    if isinstance(made, Plateau):
        made.warmup = steps
        return made
    return made if steps == 0 else lambda step: rise(step, steps) * made(step)
