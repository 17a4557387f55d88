"""The space of a search: which keys of a recipe vary, between what, and on which scale.

Course, 3.14: draw at random, not from a grid; rates on a log scale; a beta as 1 - 10^r; the rate
first, then momentum, batch and hidden units, then layers and decay. A space is TOML:

    train.optimizer.rate     = { low = 1e-4, high = 1.0, log = true }
    train.optimizer.momentum = { one_minus = [1e-3, 1e-1] }    # 0.9 to 0.999, as 1 - 10^r
    train.batch              = { choices = [32, 64, 128] }
    augment.rotate           = { low = 0, high = 20, step = 5 }
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sightline import recipe
from sightline.errors import RecipeError, UnknownName
from sightline.overrides import Setting

FORMS = ("low", "high", "choices", "one_minus")  # one of which every axis has
KNOWN = (*FORMS, "log", "step")
FIXED = (  # what must be the same in all trials, or their figures could not be compared
    "data", "task", "about", "source", "expect", "train.seed", "train.goal", "train.test",
    "train.device",
)  # fmt: skip
MIDDLE = 0.5
Scalar = bool | int | float | str


@dataclass(frozen=True)
class Span:
    """Numbers from `low` to `high`, both meant; where `one_minus`, it is 1 - value that lies there,
    on a log scale.

    step   from one to the next; None for any
    whole  whole numbers alone
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False
    one_minus: bool = False

    @property
    def ends(self) -> tuple[Scalar, Scalar]:
        """The lowest and the highest value."""
        low, high = self.value(self.low), self.value(self.high)
        return (high, low) if self.one_minus else (low, high)

    def value(self, drawn: float) -> Scalar:
        """What the recipe gets for a drawn number."""
        if self.one_minus:
            return 1 - drawn
        return round(drawn) if self.whole else float(drawn)

    def position(self, value: Scalar) -> float:
        """Where a value lies on its scale, 0 at the low end and 1 at the high one."""
        at = 1 - float(value) if self.one_minus else float(value)
        low, high = self.low, self.high
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(at, self.low / 1e6))
        share = (at - low) / (high - low)
        return 1 - share if self.one_minus else share

    def at(self, share: float) -> float:
        """The number, as it is drawn, at a place on the scale; on the grid where there is one."""
        share = 1 - share if self.one_minus else share
        if self.log:
            found = math.exp(
                math.log(self.low) + share * (math.log(self.high) - math.log(self.low))
            )
        else:
            found = self.low + share * (self.high - self.low)
        if self.step:
            found = self.low + self.step * round((found - self.low) / self.step)
        found = round(found) if self.whole else found
        return min(max(found, self.low), self.high)

    def to_dict(self) -> dict[str, Any]:
        """As a space has it."""
        if self.one_minus:
            return {"one_minus": [self.low, self.high]}
        low, high = self.value(self.low), self.value(self.high)
        found: dict[str, Any] = {"low": low, "high": high}
        if self.log:
            found["log"] = True
        if self.step is not None:
            found["step"] = round(self.step) if self.whole else self.step
        return found

    @property
    def words(self) -> str:
        low, high = (short(end) for end in self.ends)
        scale = " on a log scale" if self.log and not self.one_minus else ""
        scale = " as 1 - 10^r" if self.one_minus else scale
        step = f" in steps of {short(self.step)}" if self.step and self.step != 1 else ""
        return f"{low} to {high}{scale}{step}"


@dataclass(frozen=True)
class Choice:
    """One of several values, in no order."""

    values: tuple[Scalar, ...]

    @property
    def ends(self) -> tuple[Scalar, ...]:
        """All of them."""
        return self.values

    def position(self, value: Scalar) -> float:
        """As for a span; evenly spaced, the first at 0."""
        return self.values.index(value) / max(1, len(self.values) - 1)

    def to_dict(self) -> dict[str, Any]:
        return {"choices": list(self.values)}

    @property
    def words(self) -> str:
        named = [short(value) for value in self.values]
        return " or ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)


Axis = Span | Choice
Space = dict[str, Axis]  # by the key of the recipe


def short(value: Scalar | None) -> str:
    """A value in a few characters: 0.00317, 128, sgd; what is close to 1 keeps its distance."""
    if isinstance(value, bool) or value is None:
        return "–" if value is None else str(value).lower()
    if isinstance(value, str) or (isinstance(value, int) and abs(value) < 10**6):
        return str(value)
    if 0.9 < value < 1:
        return f"{value:.{2 - math.floor(math.log10(1 - value))}f}".rstrip("0")
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")


def read(path: Path) -> Space:
    """The space of a file. Raises RecipeError or UnknownName, which name the key."""
    return parse(recipe.read(path), str(path))


def parse(content: Mapping[str, Any], origin: str) -> Space:
    """The space of TOML's tables; keys may be quoted or nested. Raises as `read`."""
    found = {key: _axis(table, key, origin) for key, table in _flat(content, "", origin)}
    if not found:
        raise RecipeError(f"{origin}: an empty space; for example: {_example()}")
    return found


def _flat(content: Mapping[str, Any], before: str, origin: str) -> list[tuple[str, dict]]:
    found: list[tuple[str, dict]] = []
    for name, table in content.items():
        key = f"{before}{name}"
        if not isinstance(table, dict):
            raise RecipeError(
                f"{origin}: {key}: expected a table, as {{ low = 0.1, high = 1.0 }}; what does not "
                f"vary is given by --set {key}={table}"
            )
        if any(form in table for form in FORMS) or not table:
            found.append((key, table))
        elif misspelt := [word for word in table if get_close_matches(word, KNOWN)]:
            raise UnknownName(f"key of {key} in {origin}", misspelt[0], KNOWN)
        else:
            found += _flat(table, f"{key}.", origin)
    return found


def _example() -> str:
    return "train.optimizer.rate = { low = 1e-4, high = 1.0, log = true }"


def _axis(table: dict[str, Any], key: str, origin: str) -> Axis:
    """One key's axis; says in one line what is wrong with it."""
    where = f"{origin}: {key}"
    fixed = next((name for name in FIXED if key == name or key.startswith(f"{name}.")), None)
    if fixed:
        raise RecipeError(f"{where}: {fixed} is the same in all trials; give it by --set")
    unknown = [name for name in table if name not in KNOWN]
    if unknown:
        raise UnknownName(f"key of {key} in {origin}", unknown[0], KNOWN)
    if "choices" in table or "one_minus" in table:
        form = "choices" if "choices" in table else "one_minus"
        if len(table) > 1:
            other = next(name for name in table if name != form)
            raise RecipeError(f"{where}: {other} does not go with {form}")
        return _choice(table[form], where) if form == "choices" else _one_minus(table[form], where)
    if not ("low" in table and "high" in table):
        missing = "low" if "low" not in table else "high"
        raise RecipeError(f"{where}: {missing} is missing; expected low and high, or choices")
    return _span(table, where)


def _choice(values: Any, where: str) -> Choice:
    if not isinstance(values, list) or not values:
        raise RecipeError(f"{where}: choices must be a list, as [32, 64, 128]")
    for value in values:
        if not isinstance(value, bool | int | float | str):
            raise RecipeError(f"{where}: choices must be numbers, words, true or false")
    if len({(type(value), value) for value in values}) < len(values):
        raise RecipeError(f"{where}: a choice is there twice")
    return Choice(tuple(values))


def _one_minus(ends: Any, where: str) -> Span:
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
        raise RecipeError(f"{where}: one_minus must be two numbers, as [1e-3, 1e-1]")
    if not 0 < ends[0] < ends[1] <= 1:
        raise RecipeError(
            f"{where}: one_minus from {ends[0]:g} to {ends[1]:g}; expected 0 < low < high <= 1"
        )
    return Span(float(ends[0]), float(ends[1]), log=True, one_minus=True)


def _span(table: dict[str, Any], where: str) -> Span:
    low, high, step, log = table["low"], table["high"], table.get("step"), table.get("log", False)
    for name in ("low", "high", "step"):
        if name in table and not _is_number(table[name]):
            raise RecipeError(f"{where}: {name} must be a number")
    if not isinstance(log, bool):
        raise RecipeError(f"{where}: log must be true or false")
    if not low < high:
        raise RecipeError(f"{where}: low {low:g} must be below high {high:g}")
    if log and low <= 0:
        raise RecipeError(f"{where}: low must be above 0 on a log scale")
    if step is not None and (log or not 0 < step <= high - low):
        why = "does not go with log = true" if log else f"must be above 0, at most {high - low:g}"
        raise RecipeError(f"{where}: step {why}")
    whole = all(isinstance(value, int) for value in (low, high, step if step is not None else 0))
    if step is not None:  # the last one on the grid
        high = low + step * math.floor((high - low) / step + 1e-9)
    return Span(float(low), float(high), log, None if step is None else float(step), whole)


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value)


def to_dict(space: Space) -> dict[str, Any]:
    """As `parse` reads it."""
    return {key: axis.to_dict() for key, axis in space.items()}


def settings(values: Mapping[str, Scalar], content: Mapping[str, Any]) -> list[Setting]:
    """What `override` applies to a recipe's content; "….betas.0" is an element of a list there.

    Raises RecipeError where the content has no such list.
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        name, _, last = key.rpartition(".")
        if not last.isdigit():
            found[key] = value
            continue
        whole = found.get(name) or _listed(content, name)
        if whole is None or int(last) >= len(whole):
            raise RecipeError(
                f"{key}: the recipe has no such list; give it by --set {name}=[0.9, 0.999]"
            )
        found[name] = [*whole[: int(last)], value, *whole[int(last) + 1 :]]
    return list(found.items())


def _listed(content: Mapping[str, Any], name: str) -> Sequence[Any] | None:
    here: Any = content
    for part in name.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return here if isinstance(here, list) else None


def middle(space: Space) -> dict[str, Scalar]:
    """The point in the middle of all scales."""
    return {key: _middle(axis) for key, axis in space.items()}


def _middle(axis: Axis) -> Scalar:
    if isinstance(axis, Choice):
        return axis.values[len(axis.values) // 2]
    return axis.value(axis.at(MIDDLE))
