"""What a user's word means where nothing is trained: a recipe, decided, and its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline import recipe
from sightline.data.loader import Loader
from sightline.data.split import Splits
from sightline.prepare import (
    decided,
    make_plan,
    make_run,
    make_task,
    open_data,
    place,
    split_data,
)
from sightline.provenance import data_facts
from sightline.recipe import DataOnly, Recipe, Setting
from sightline.request import Request, ask
from sightline.talk import Talk
from sightline.training import checkpoint
from sightline.training.run import Run


@dataclass(frozen=True, eq=False)
class Asked:
    """folder  of a run, where the word was one"""

    chosen: Recipe
    splits: Splits
    folder: Path | None


def run_folder(word: str) -> Path | None:
    """The run folder that a word names, if it does."""
    folder = Path(word)
    return folder if (folder / "recipe.toml").is_file() else None


def request_of(word: str, talk: Talk) -> Request:
    """A run's own recipe, or what `sightline train` would make of the word."""
    folder = run_folder(word)
    if folder is not None:
        return Request(recipe.read(folder / "recipe.toml"), str(folder), planned=False)
    return ask(word, talk)


def asked(word: str, settings: Sequence[Setting], talk: Talk) -> Asked:
    """The recipe of a word, planned where it names a set, and the parts of its data.

    Raises SightlineError as training would.
    """
    request = request_of(word, talk)
    content = recipe.override(request.content, settings)
    data = recipe.from_dict({"data": content.get("data", {})}, request.name, DataOnly).data
    opened = open_data(data, talk, request.planned)
    splits = split_data(opened, data)
    if request.planned:
        planned = make_plan(opened, splits).content
        content = recipe.override(planned | {"data": content["data"]}, settings)
    chosen = decided(recipe.from_dict(content, request.name, Recipe), splits)
    return Asked(chosen, splits, run_folder(word))


def run_of(found: Asked, talk: Talk) -> tuple[Run, Loader]:
    """The run that would begin, or a run folder's at its last checkpoint, and what it learns
    from."""
    placed = place(Splits(found.splits.train), found.chosen, talk)
    run, loader = make_run(found.chosen, placed, make_task(found.chosen, placed.train))
    if found.folder is not None and checkpoint.candidates(found.folder / "checkpoints"):
        run.fingerprint = data_facts(found.splits)["fingerprint"]
        saved, notes = checkpoint.latest(found.folder / "checkpoints")
        checkpoint.load(saved, run)
        for note in notes:
            talk.say(note)
    return run, loader
