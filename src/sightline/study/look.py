"""What a user's word means where nothing is trained: a recipe, decided, and its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline import recipe
from sightline.asked import open_request
from sightline.data.loader import Loader
from sightline.data.split import Splits
from sightline.outset import make_run, make_task
from sightline.overrides import Setting
from sightline.prepare import decided, place
from sightline.provenance import data_facts
from sightline.recipe import Recipe
from sightline.request import Request, ask
from sightline.talk import Talk
from sightline.training import checkpoint
from sightline.training.run import Run


@dataclass(frozen=True, eq=False)
class Looked:
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


def look(word: str, settings: Sequence[Setting], talk: Talk) -> Looked:
    """The recipe of a word, planned where it names a set, and the parts of its data.

    Raises SightlineError as training would.
    """
    found = open_request(request_of(word, talk), settings, talk)
    chosen = decided(recipe.from_dict(found.content, found.origin, Recipe), found.splits)
    return Looked(chosen, found.splits, run_folder(word))


def run_of(found: Looked, talk: Talk) -> tuple[Run, Loader]:
    """The run that would begin, or a run folder's at its last checkpoint, and what it learns
    from."""
    chosen = found.chosen
    placed = place(Splits(found.splits.train), chosen.canvas, talk, chosen.train.images)
    run, loader = make_run(chosen, placed, make_task(chosen, placed.train))
    if found.folder is not None and checkpoint.candidates(found.folder / "checkpoints"):
        run.fingerprint = data_facts(found.splits)["fingerprint"]
        saved, notes = checkpoint.latest(found.folder / "checkpoints")
        checkpoint.load(saved, run)
        for note in notes:
            talk.say(note)
    return run, loader
