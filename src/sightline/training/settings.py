"""What a setting of a recipe's open tables may be, and the line that says where it is not."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from sightline.errors import RecipeError, UnknownName

LARGEST = 1e300


class Rule(NamedTuple):
    """words  end the sentence "momentum is 2; must be …" """

    holds: Callable[[Any], bool]
    words: str


def _is_number(value: Any) -> bool:
    """Finite; integers too long for a float are no numbers here."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and -LARGEST <= value <= LARGEST


def at_least(low: float) -> Rule:
    return Rule(lambda value: _is_number(value) and value >= low, f"a number of {low:g} or more")


def above(low: float) -> Rule:
    return Rule(lambda value: _is_number(value) and value > low, f"a number above {low:g}")


def between(low: float, high: float) -> Rule:
    """From `low` to `high`, both meant."""
    return Rule(lambda value: _is_number(value) and low <= value <= high, f"{low:g} to {high:g}")


def share(of: str = "") -> Rule:
    """Above 0, at most 1."""
    words = "above 0 and at most 1" + (f", a share of {of}" if of else "")
    return Rule(lambda value: _is_number(value) and 0 < value <= 1, words)


def _is_below_one(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


BELOW_ONE = Rule(_is_below_one, "0 or more and below 1")
FLAG = Rule(lambda value: isinstance(value, bool), "true or false")
PAIR = Rule(
    lambda value: (
        isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_below_one, value))
    ),
    "two numbers, each 0 or more and below 1",
)

SHARES = Rule(
    lambda value: isinstance(value, dict) and all(map(between(0, 1).holds, value.values())),
    "a table of names and shares, each 0 to 1",
)


def whole(low: int, high: int = 10**9) -> Rule:
    return Rule(
        lambda value: (
            isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        ),
        f"a whole number of {low} or more" if high == 10**9 else f"a whole number, {low} to {high}",
    )


def one_of(*names: str) -> Rule:
    return Rule(lambda value: isinstance(value, str) and value in names, " or ".join(names))


def numbers(each: Rule, rising: bool = False) -> Rule:
    """A list, not empty, of what `each` allows."""

    def holds(values: Any) -> bool:
        if not isinstance(values, list | tuple) or not values or not all(map(each.holds, values)):
            return False
        return not rising or all(a < b for a, b in pairwise(values))

    return Rule(holds, f"a {'rising ' if rising else ''}list, each {each.words}")


def check(where: str, kind: str, settings: Mapping[str, Any], known: Mapping[str, Rule]) -> None:
    """Hold settings against their rules.

    where  as the recipe has it: train.optimizer (sgd)
    kind   in words: optimizer sgd

    Raises UnknownName for a setting that is not known, RecipeError for a value that cannot be.
    """
    for key in settings:
        if key not in known:
            raise UnknownName(f"setting of {kind}", key, known)
    for key, value in settings.items():
        rule = known[key]
        if not rule.holds(value):
            raise RecipeError(f"{where}: {key} is {_shown(value)}; must be {rule.words}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    kept = text if len(text) <= 40 else f"{text[:39]}…"
    return repr(kept) if isinstance(value, str) else kept
