"""Features of a set, from a request to a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline import recipe
from sightline.errors import RecipeError
from sightline.learners import features
from sightline.overrides import Setting, override
from sightline.prepare import open_data, split_data
from sightline.processes import joined
from sightline.provenance import data_facts, require_same
from sightline.recipe import DataOnly, FeaturesOnly
from sightline.request import Request, ask
from sightline.talk import Silent, Talk, stepping
from sightline.wording import size_in_words


@dataclass(frozen=True)
class Taken:
    """Where features lie: so many images by part, so many numbers an image."""

    to: Path
    images: dict[str, int]
    width: int

    def to_dict(self) -> dict[str, Any]:
        return {"to": str(self.to), "images": self.images, "features": self.width}

    def sentence(self) -> str:
        counts = ", ".join(f"{name} {n:,}" for name, n in self.images.items())
        size = size_in_words(self.to.stat().st_size)
        return f"{self.to}  {size}, {self.width:,} numbers an image, {counts} images"


def take(
    what: str,
    table: dict[str, Any],
    settings: Sequence[Setting],
    to: Path,
    device: str,
    talk: Talk,
) -> Taken | None:
    """Write the features of a set, in the parts that it brings; on the first of several processes,
    where they lie. How it is split is written down, and may be changed when they are used.

    table     of a recipe's features
    settings  of its data: data.seed=1
    Raises SightlineError, and OutputError where `to` is taken.
    """
    given = recipe.from_dict({"features": _said(table)}, "the command line", FeaturesOnly).features
    with joined() as processes:
        talk = talk if processes.first else Silent()
        request = _set(ask(what, talk))
        content = override(request.content, settings)
        other = sorted(content.keys() - {"data"})
        if other:
            raise RecipeError(f"--set {other[0]}: features know data.* alone, as in data.seed=1")
        data = recipe.from_dict(content, request.name, DataOnly).data
        opened = processes.in_turn(lambda: open_data(data, talk, request.planned))
        split_data(opened, data)  # a wrong rule is said now
        splits = opened.splits
        if splits.train.truths.task != "classification":
            raise RecipeError(f"{splits.train.name} is for {splits.train.truths.task}, not classes")
        facts = data_facts(splits)
        require_same(processes, facts["fingerprint"], splits.train.name)
        source = features.open_source(given, device, talk)
        about = features.about(data, given, facts, source)
        with stepping(talk, "taking features", len(splits)) as tick:
            again, width = features.write(to, about, source, splits, tick, processes)
        if again:
            talk.say("an earlier attempt was taken up where it was")
    if not processes.first:
        return None
    return Taken(to, {name: len(part) for name, part in splits.parts.items()}, width)


def _said(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _set(request: Request) -> Request:
    if not request.planned:
        raise RecipeError(f"{request.name} is a recipe; features are taken of a set")
    return request
