"""Settings as typed, train.epochs=5, and a recipe's content with them applied."""

import tomllib
from collections.abc import Sequence
from typing import Any

from sightline.errors import RecipeError

Setting = tuple[str, Any]  # a dotted key of a recipe, and its value


def setting(text: str) -> Setting:
    """A setting as typed: "train.epochs=5"; the value is TOML, or a plain word."""
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise RecipeError(f"--set {text}: expected key=value, as in train.epochs=5")
    return key.strip(), _value(value.strip())


def override(content: dict[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """The content with each setting applied.

    A table that gets another name (model, optimizer, schedule) loses the settings that belonged to
    the old one, but for an optimizer's rate.
    """
    result = _copied(content)
    for key, value in sorted(settings, key=lambda s: not s[0].endswith(".name")):  # names first
        *tables, last = key.split(".")
        here = result
        for table in tables:
            here = here.setdefault(table, {})
            if not isinstance(here, dict):
                raise RecipeError(f"{key}: {table} is a value, not a table")
        if last == "name" and "name" in here and here["name"] != value:
            kept = {k: v for k, v in here.items() if k == "rate"}
            here.clear()
            here.update(kept)
        here[last] = value
    return result


def _copied(table: dict[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, dict) else v for k, v in table.items()}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError:
        raise RecipeError(f"--set …={text[:20]}…: nested too deeply") from None
    except ValueError:  # no TOML, or a number of thousands of digits
        return text
