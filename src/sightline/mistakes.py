"""What is wrong with a recipe, in one line that names its key."""

from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sightline.errors import RecipeError, SightlineError, UnknownName

PLAIN = {  # what pydantic calls in its own words
    "model_type": "expected a table, as {name = value}",
    "dict_type": "expected a table, as {name = value}",
    "string_pattern_mismatch": "expected a figure after + or -, as +accuracy or -loss",
}


def one_line(error: ValidationError, origin: str, model: type[BaseModel]) -> SightlineError:
    """The first thing that is wrong; of a key that is not known, the nearest one that is.

    origin  where the recipe comes from
    model   that it was held against
    """
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        where = f" of {'.'.join(parts[:-1])}" if parts[:-1] else ""
        return UnknownName(f"key{where} in {origin}", parts[-1], _keys(model, parts[:-1]))
    message = PLAIN.get(first["type"], first["msg"].removeprefix("Value error, "))
    what = ".".join(parts) or "recipe"
    return RecipeError(f"{origin}: {what}: {message[0].lower()}{message[1:]}")


def _keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys of a table of the recipe."""
    table: Any = model
    names = iter(path)
    for name in names:
        table = table.model_fields[name].annotation
        given = [kind for kind in get_args(table) if kind is not NoneType]
        if get_origin(table) is dict:  # whose own keys are any names
            next(names, None)
            table = given[1]
        elif len(given) == 1:  # a table, or none
            table = given[0]
    return list(getattr(table, "model_fields", None) or table.__dataclass_fields__)
