"""What a topic of the lab is, and what it finds."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, get_type_hints

from matplotlib.figure import Figure

from sightline.errors import UnknownName
from sightline.lab import TOPICS

Cell = str | int | float


@dataclass(frozen=True)
class Says:
    """What an option of a topic is for, and its range: `Annotated[int, Says("units", 1, 64)]`."""

    words: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers below their heads; floats are shown with four digits, and what is
    a string already as it stands."""

    name: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


@dataclass(frozen=True, eq=False)
class Found:
    """What a topic found.

    pictures  by the name of their file, without a suffix: figures, or the bytes of a GIF
    tables    printed, and written as CSV; none has the name of a picture
    notes     sentences on this very run, with its figures
    """

    pictures: Mapping[str, Figure | bytes]
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Topic:
    """title   a few words
    see     two sentences: what to look at, and why it is so
    source  book and chapter, or the paper
    run     options (keywords with defaults, annotated with `Says`) to what is found; it draws
            within the settings of `plots.styled`, and the same options give the same pictures
    """

    title: str
    see: str
    source: str
    run: Callable[..., Found] = field(repr=False)


@dataclass(frozen=True)
class Option:
    """One option of a topic."""

    name: str
    kind: Any  # its annotation
    default: Any
    says: Says


def topic(name: str) -> Topic:
    """The topic of that name. Raises UnknownName."""
    if name not in TOPICS:
        raise UnknownName("topic", name, TOPICS)
    module = import_module(f"sightline.lab.{name.replace('-', '_')}")
    found = module.TOPIC
    assert isinstance(found, Topic), name
    return found


def options(of: Topic) -> list[Option]:
    """What the topic can be asked, in the order of its arguments."""
    hints = get_type_hints(of.run, include_extras=True)
    return [
        Option(name, hints[name].__origin__, parameter.default, hints[name].__metadata__[0])
        for name, parameter in inspect.signature(of.run).parameters.items()
    ]
