"""Spaces that are made: of a recipe, where none is given, or around another search's best."""

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.study.space import Axis, Choice, Scalar, Space, Span

THIRD = 1 / 3  # of a scale, that is left around the best
QUARTER = 4  # one trial in so many is among the best
EDGE = 0.05  # of a scale, from its end
RATES = 30.0  # times less and more than the recipe's rate: a decade and a half both ways
BETAS = Span(1e-3, 1e-1, log=True, one_minus=True)  # 0.9 to 0.999 (course, 3.14)
MOMENTUM = ("sgd", "muon")
BATCHES = (8, 512)
Values = Mapping[str, Scalar]


def of_recipe(content: Mapping[str, Any], images: int) -> Space:
    """What is searched where no space is given, in the course's order of importance (3.14): the
    rate, momentum, batch and width; then decay. Adam's betas stay as they are.

    images  that train: no batch is more than a quarter of them
    """
    train, model = content.get("train", {}), content.get("model", {})
    tuned = train.get("optimizer", {})
    rate, batch = float(tuned.get("rate", 1e-3)), int(train.get("batch", 32))
    found: Space = {"train.optimizer.rate": Span(rate / RATES, rate * RATES, log=True)}
    if tuned.get("name") in MOMENTUM:
        found["train.optimizer.momentum"] = BETAS
    low, high = BATCHES[0], max(BATCHES[0], min(BATCHES[1], images // 4))
    batches = sorted({min(max(round(batch * by), low), high) for by in (0.25, 0.5, 1, 2, 4)})
    if len(batches) > 1:
        found["train.batch"] = Choice(tuple(batches))
    width = model.get("width")
    if isinstance(width, int) and not isinstance(width, bool) and width >= 2:
        found["model.width"] = Choice((width // 2, width, width * 2))
    decay = tuned.get("decay")
    if isinstance(decay, int | float) and decay > 0:
        found["train.optimizer.decay"] = Span(decay / 10, decay * 10, log=True)
    return found


def around(space: Space, ranked: Sequence[Values]) -> Space:
    """The space narrowed around the best trials of a search of it.

    ranked  what its finished trials had, the best first

    Of a span a third of its scale is left, with the best trial's value in the middle, moved inside
    where it would reach past an end. Of choices those are left that the best quarter of the trials
    had (coarse to fine; course, 3.14).
    """
    best = ranked[0]
    few = ranked[: max(1, len(ranked) // QUARTER)]
    return {
        key: _narrowed(axis, best[key], [values[key] for values in few])
        for key, axis in space.items()
    }


def _narrowed(axis: Axis, best: Scalar, had: Sequence[Scalar]) -> Axis:
    if isinstance(axis, Choice):
        return Choice(tuple(value for value in axis.values if value in had))
    start = min(max(axis.position(best) - THIRD / 2, 0.0), 1 - THIRD)
    ends = axis.at(start), axis.at(start + THIRD)
    low, high = min(ends), max(ends)
    if low == high:  # a grid so coarse that nothing but the best is near
        return axis
    return Span(low, high, axis.log, axis.step, axis.whole, axis.one_minus)


def at_edges(space: Space, best: Values) -> list[str]:
    """Keys whose best value lies at an end of its span, so that better ones may lie beyond."""
    spans = ((key, axis) for key, axis in space.items() if isinstance(axis, Span))
    return [key for key, axis in spans if not EDGE < axis.position(best[key]) < 1 - EDGE]
