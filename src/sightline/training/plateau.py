"""Rates that depend on more than their schedule's step: on validation, or on the stage."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from sightline.errors import RecipeError

Rate = Callable[[int], float]  # a part's own step -> its learning rate
FALLING = ("loss", "mae", "rmse")  # figures that are better when lower; all others, when higher


@final
@dataclass
class Plateau:
    """rate * factor ** drops, never below `floor`; `see` counts the drops.

    rate       at the start
    warmup     steps of a linear rise
    monitor    the figure of validation that is watched: loss, accuracy, f1, …
    factor     by which the rate is multiplied at each drop
    patience   epochs in a row without a gain, after which it drops: 8 drops after the eighth, as
               Keras counts; torch drops an epoch later
    threshold  a gain must be more than this, in the figure's own unit
    cooldown   epochs after a drop that are not counted
    floor      the lowest rate, before any warm-up
    drops      so far
    """

    rate: float
    warmup: float = 0.0
    monitor: str = "loss"
    factor: float = 0.2
    patience: int = 8
    threshold: float = 1e-3
    cooldown: int = 0
    floor: float = 1e-5
    drops: int = field(default=0, init=False)

    def __call__(self, step: int) -> float:
        lowest = min(self.floor, self.rate)
        return rise(step, self.warmup) * max(self.rate * self.factor**self.drops, lowest)

    def see(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Count the drops anew from the whole history, {"val": {figure: value}} an epoch; so a
        resumed run needs no state. Raises RecipeError where the figure is not there."""
        sign = 1.0 if self.monitor in FALLING else -1.0
        best, waited, resting, drops = math.inf, 0, 0, 0
        for record in history:
            value = sign * self._figure(record)
            if value < best - self.threshold:
                best, waited = value, 0
            else:
                waited += 1
            if resting:
                resting, waited = resting - 1, 0
            if waited >= self.patience:
                drops, resting, waited = drops + 1, self.cooldown, 0
        self.drops = drops

    def _figure(self, record: Mapping[str, Any]) -> float:
        figures = record.get("val") or {}
        if self.monitor in figures:
            return float(figures[self.monitor])
        if not figures:
            raise RecipeError(
                "train.schedule (plateau): it watches validation, and this run has none"
            )
        known = ", ".join(sorted(figures))
        raise RecipeError(f"train.schedule (plateau): monitor is {self.monitor}; there are {known}")


@final
class Staged:
    """The rate of one part through all stages, each with a schedule of its own."""

    def __init__(self, starts: Sequence[int], per_epoch: int, rates: Sequence[Rate]) -> None:
        """starts  the first epoch of each stage, counted from 0, so the first is 0"""
        self.starts, self.rates = list(starts), list(rates)
        self._steps = [start * per_epoch for start in starts]

    def __call__(self, step: int) -> float:
        at = bisect_right(self._steps, step) - 1
        return self.rates[at](step - self._steps[at])

    def see(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Show each stage that watches validation its own epochs."""
        ends = [*self.starts[1:], len(history)]
        for rate, start, end in zip(self.rates, self.starts, ends, strict=True):
            if isinstance(rate, Plateau):
                rate.see(history[start:end])


def see_all(rates: Iterable[Rate], history: Sequence[Mapping[str, Any]]) -> None:
    """Show the history to the rates that depend on it."""
    for rate in rates:
        if isinstance(rate, Plateau | Staged):
            rate.see(history)


def rise(step: int, steps: float) -> float:
    """The share of the rate during a warm-up of so many steps, then 1."""
    return min(1.0, (step + 1) / steps) if steps > 0 else 1.0
