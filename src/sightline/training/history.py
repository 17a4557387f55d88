"""A history as arrays: losses, figures and rates of the epochs, ready to be judged."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Facts:
    """What a recipe says that curves alone do not.

    goal         the figure to be bettered, after + (higher) or - (lower)
    classes      of a classification by cross-entropy, whose loss of guessing is ln(classes); else 0
    smoothing    of labels: a floor that the training loss cannot go below (Szegedy et al. 2016)
    regularizers what makes training harder than validation, as words: "augmentation", "dropout"
    mixed        images are blended in training, so that its loss says little of itself
    epochs       planned; 0 where the history is all there will be
    """

    goal: str = "+accuracy"
    classes: int = 0
    smoothing: float = 0.0
    regularizers: tuple[str, ...] = ()
    mixed: bool = False
    epochs: int = 0

    @property
    def floor(self) -> float:
        """The cross-entropy of a smoothed label with itself."""
        if not 0 < self.smoothing < 1 or self.classes < 2:
            return 0.0
        rest = self.smoothing / self.classes
        first = 1 - self.smoothing + rest
        return -first * math.log(first) - (self.classes - 1) * rest * math.log(rest)


@dataclass(frozen=True)
class Curves:
    """Epochs whose training loss is finite, each array (n,); nan where there is no value.

    train, val  losses as they were
    level       training loss between the floor (0) and that of guessing (1); where that is not
                known, and of other losses, as a share of the first
    height      validation loss likewise, from 0
    goal        the figure to be bettered on validation, signed so that higher is better
    own         the same figure in training
    rate        of the first part
    """

    epoch: NDArray[np.int64]
    train: Floats
    val: Floats
    level: Floats
    height: Floats
    goal: Floats
    own: Floats
    rate: Floats

    def __len__(self) -> int:
        return len(self.epoch)

    @property
    def validated(self) -> bool:
        """Whether most epochs have a validation loss."""
        return len(self) > 0 and bool(np.isfinite(self.val).mean() > 0.5)


def read(history: History, facts: Facts) -> Curves:
    """The curves of a history."""
    epoch = np.array([int(entry["epoch"]) for entry in history], np.int64)
    name, sign = facts.goal[1:], -1.0 if facts.goal[0] == "-" else 1.0
    train, own = _column(history, "train", "loss"), sign * _column(history, "train", name)
    val, goal = _column(history, "val", "loss"), sign * _column(history, "val", name)
    rate = np.array([_first(entry.get("rate")) for entry in history], np.float64)
    kept = np.isfinite(train)
    if not kept.any():
        empty = np.empty(0)
        return Curves(epoch[kept], *[empty] * 7)
    floor = facts.floor
    guess = math.log(facts.classes) if facts.classes > 1 else float(train[kept][0])
    span = guess - floor if guess > floor else 1.0
    level = np.maximum(train[kept] - floor, 0) / span if guess > 0 else np.ones(kept.sum())
    height = val[kept] / guess if guess > 0 else np.full(kept.sum(), np.nan)
    return Curves(
        epoch[kept], train[kept], val[kept], level, height, goal[kept], own[kept], rate[kept]
    )


def _column(history: History, part: str, name: str) -> Floats:
    values = [_number((entry.get(part) or {}).get(name)) for entry in history]
    return np.array(values, np.float64)


def _first(rates: Any) -> float:
    return _number(next(iter(rates.values()), None)) if isinstance(rates, Mapping) else math.nan


def _number(value: Any) -> float:
    """nan for what is no number, or too large to be reckoned with."""
    good = isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e100
    return float(value) if good else math.nan


def calm(values: Floats) -> Floats:
    """The running median of three, (n,): single leaps are gone, ends stay."""
    if len(values) < 3:
        return values
    inner = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return np.concatenate([values[:1], inner, values[-1:]])


def steadiness(values: Floats) -> float:
    """How much of the way went in one direction: 1 falls all the time, -1 rises, 0 to and fro."""
    steps = np.diff(values[np.isfinite(values)])
    way = float(np.abs(steps).sum())
    return -float(steps.sum()) / way if way > 0 else 0.0
