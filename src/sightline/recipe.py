"""Recipes: one experiment as data. TOML on disk, a validated model in memory.

A recipe stops at `experiment`: below it, functions take ordinary arguments.
"""

import tomllib
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w
from pydantic import ValidationError

from sightline.data.augment import Augment
from sightline.data.canvas import Canvas
from sightline.errors import RecipeError, UnknownName
from sightline.mistakes import one_line
from sightline.tables import (
    Data,
    Expect,
    Features,
    Learner,
    Open,
    Pretrained,
    Section,
    Train,
    ViewSettings,
)


class Experiment(Section):
    """What every recipe says, of a network or of a learner."""

    about: str = ""
    source: str = ""
    task: str = "classification"
    data: Data
    canvas: Canvas
    view: ViewSettings = ViewSettings()
    expect: Expect = Expect()


class Recipe(Experiment):
    """A network and how it is trained.

    normalize  by mean and deviation of the training part, by those of its pretrained weights (auto,
               where it has such), or not at all
    """

    augment: Augment = Augment()
    normalize: Literal["auto", "training", "none"] = "auto"
    model: Open
    pretrained: Pretrained | None = None
    train: Train


class LearnerRecipe(Experiment):
    """A learner, which is fitted at once; on features, canvas and view are the network's."""

    canvas: Canvas = Canvas((32, 32))
    learner: Learner
    features: Features | None = None


class DataOnly(Section):
    """The one table that must be known before the rest is planned."""

    data: Data


class FeaturesOnly(Section):
    features: Features


class PretrainedOnly(Section):
    pretrained: Pretrained


R = TypeVar("R", Recipe, LearnerRecipe, DataOnly, FeaturesOnly, PretrainedOnly)


def from_dict(content: dict[str, Any], origin: str, model: type[R]) -> R:
    """Validate; the first thing that is wrong becomes one line that names its key."""
    if model is Recipe and "learner" in content:
        raise RecipeError(f"{origin} is for a learner, which is fitted at once: there are no steps")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise one_line(error, origin, Recipe if model is DataOnly else model) from None


def of_either(content: dict[str, Any], origin: str) -> Recipe | LearnerRecipe:
    """Validate as what it is: of a learner where it names one."""
    if "learner" in content:
        return from_dict(content, origin, LearnerRecipe)
    return from_dict(content, origin, Recipe)


@cache
def names() -> tuple[str, ...]:
    """The recipes that come with sightline, sorted."""
    folder = package_files("sightline") / "recipes"
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    )


def named(name: str) -> dict[str, Any]:
    """The content of a recipe that comes with sightline."""
    if name not in names():
        raise UnknownName("recipe", name, names())
    text = (package_files("sightline") / "recipes" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def from_text(text: str, origin: str) -> Recipe | LearnerRecipe:
    """The recipe an artifact carries."""
    try:
        return of_either(tomllib.loads(text), origin)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{origin}: its recipe cannot be read ({error})") from None


def read(path: Path) -> dict[str, Any]:
    """The content of a recipe file, not yet validated."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: {error}") from None


def to_toml(recipe: Experiment) -> str:
    """The recipe as TOML, every value that differs from nothing written out."""
    return tomli_w.dumps(_without_none(recipe.model_dump(mode="json")))


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {key: _kept(value) for key, value in table.items() if value is not None and value != {}}


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_none(value)
    return [_kept(part) for part in value] if isinstance(value, list) else value


def to_toml_text(content: dict[str, Any]) -> str:
    """A recipe's content, not validated, as TOML."""
    return tomli_w.dumps(content)
