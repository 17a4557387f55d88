"""From which probability on the second of two classes is answered: a choice on validation."""

import re

from sightline.errors import RecipeError
from sightline.metrics import curves
from sightline.metrics.curves import Cuts

RULES = "f1, youden, precision=0.95, cost=5 or a number from 0 to 1"
_GIVEN = re.compile(r"(precision|cost)=(\d+\.?\d*|\.\d+)")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")


def require(rule: str) -> None:
    """Raise RecipeError for what is no rule."""
    given = _GIVEN.fullmatch(rule)
    if rule in ("f1", "youden"):
        return
    if given is not None and (float(given[2]) > 0 if given[1] == "cost" else float(given[2]) <= 1):
        return
    if _NUMBER.fullmatch(rule) and float(rule) <= 1:
        return
    raise RecipeError(f"--threshold {rule}: expected {RULES}, or none")


def threshold(rule: str, found: Cuts) -> float:
    """What a rule says of the images of validation.

    f1           the greatest F1
    youden       the greatest recall less fall-out
    precision=P  the greatest recall whose precision is at least P
    cost=C       the least cost, where a positive that is missed costs C false alarms
    0.3          itself

    Raises RecipeError for what is no rule, or a precision that is not reached.
    """
    require(rule)
    if rule == "f1":
        return curves.best_f1(found)
    if rule == "youden":
        return curves.youden(found)
    given = _GIVEN.fullmatch(rule)
    if given is None:
        return float(rule)
    if given[1] == "cost":
        return curves.least_cost(found, float(given[2]))
    at = curves.at_precision(found, float(given[2]))
    if at is None:
        best = float(found.precision.max())
        raise RecipeError(f"--threshold {rule}: the greatest precision on validation is {best:.3f}")
    return at
