"""Requests: what a user's word asks to train."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightline import recipe
from sightline.data import catalog, opening
from sightline.errors import DataError, UnknownName
from sightline.talk import Talk

Kind = Literal["set", "recipe", "path"]


@dataclass(frozen=True)
class Request:
    """What a user asked to train.

    content  of the recipe; of a set or folder, `data` alone: the rest is planned
    name     of the run folder where no other is given
    """

    content: dict[str, Any]
    name: str
    planned: bool


def ask(what: str, talk: Talk) -> Request:
    """A word as typed: a path has a slash (or a suffix), a bare word is a recipe or a set."""
    kind = kind_of(what)
    if kind == "path":
        path = Path(what)
        if path.suffix == ".toml":
            return Request(_located(recipe.read(path), path), path.stem, planned=False)
        absolute = path.resolve()
        content = {"data": {"path": str(absolute)}}
        name = absolute.name if absolute.is_dir() else absolute.stem
        return Request(content, name or "run", planned=True)
    if Path(what).exists():
        talk.say(f"'{what}' is taken as the {kind} of that name; for the folder write ./{what}")
    if kind == "recipe":
        return Request(recipe.named(what), what, planned=False)
    return Request({"data": {"name": what}}, what, planned=True)


def _located(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """A recipe file's content, its set and split file found from the folder it lies in."""
    data = content.get("data")
    if not isinstance(data, dict):
        return content
    found = {
        key: str((path.parent / value).resolve())
        for key, value in data.items()
        if isinstance(value, str) and (key == "path" or (key == "split" and "." in value))
    }
    return content | {"data": data | found}


def kind_of(what: str) -> Kind:
    """Raises UnknownName for a bare word that is neither a set nor a recipe."""
    if opening.is_path(what):
        return "path"
    if what in recipe.names():
        return "recipe"
    if what in catalog.DATASETS:
        return "set"
    if Path(what).exists():
        raise DataError(f"'{what}' is no set or recipe; for the folder write ./{what}")
    raise UnknownName("set or recipe", what, [*recipe.names(), *catalog.DATASETS])
