"""Schedules looked at before any training: the rate of every step of a recipe, or of a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, recipe, tables
from sightline.data import catalog
from sightline.data.loader import Loader
from sightline.drawing import lines
from sightline.errors import OutputError, RecipeError, SightlineError, UnknownName
from sightline.outset import rate_of
from sightline.overrides import Setting, override
from sightline.prepare import view_of
from sightline.recipe import Recipe
from sightline.study.look import look, request_of
from sightline.talk import Talk
from sightline.training.plateau import Rate
from sightline.training.schedules import SCHEDULES

EPOCHS, BATCHES, RATE = 40, 782, 0.01  # of a schedule by its name: CIFAR-10 in the Starter book
STANDING = {  # tables that a recipe must have, and a schedule does not ask for
    "data": {"name": "digits"},
    "canvas": {"size": [8, 8]},
    "model": {"name": "lenet"},
}
PICTURES = (".svg", ".png")
POINTS = 3000  # of a line, at most
ROWS = 12  # of a table, at most


@dataclass(frozen=True, eq=False)
class Curve:
    """The rate of a training before it begins.

    batches  steps an epoch
    starts, ends  (epochs,) the rate of each epoch's first and last step
    """

    name: str
    schedule: str
    epochs: int
    batches: int
    rate: Rate
    note: str = ""

    @property
    def starts(self) -> list[float]:
        return [self.rate(epoch * self.batches) for epoch in range(self.epochs)]

    @property
    def ends(self) -> list[float]:
        return [self.rate((epoch + 1) * self.batches - 1) for epoch in range(self.epochs)]

    def series(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epochs gone by and rates, of all steps, or of some and every epoch's first and last."""
        total = self.epochs * self.batches
        first = np.arange(self.epochs) * self.batches
        even = np.linspace(0, total - 1, min(total, POINTS)).round().astype(int)
        steps = np.unique(np.concatenate([even, first, first + self.batches - 1]))
        return steps / self.batches, np.array([self.rate(int(step)) for step in steps])

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "schedule": self.schedule,
            "epochs": self.epochs,
            "batches": self.batches,
            "start": self.starts,
            "end": self.ends,
        }


def curves(
    words: Sequence[str], settings: Sequence[Setting], batches: int | None, talk: Talk
) -> list[Curve]:
    """The curves of schedules' names, recipes, runs and sets; a part with a schedule of its own
    has its own.

    batches  steps an epoch; for a recipe, counted from its data where it is None

    Raises SightlineError.
    """
    return [curve for word in words for curve in _of(word, settings, batches, talk)]


def _of(word: str, settings: Sequence[Setting], batches: int | None, talk: Talk) -> list[Curve]:
    if word in SCHEDULES:
        return [_named(word, settings, batches or BATCHES)]
    try:
        request = request_of(word, talk)
    except UnknownName:
        known = [*SCHEDULES, *recipe.names(), *catalog.DATASETS]
        raise UnknownName("schedule, recipe or set", word, known) from None
    if batches is None or request.planned:
        chosen, counted = _counted(word, settings, talk)
        batches = batches or counted
    else:
        content = override(request.content, settings)
        chosen = recipe.from_dict(content, request.name, Recipe)
    return _parts(word, chosen, batches)


def _named(name: str, settings: Sequence[Setting], batches: int) -> Curve:
    """Of a schedule by its name; of the settings, train.epochs, train.optimizer.rate and
    train.schedule.* count."""
    content: dict[str, Any] = STANDING | {
        "train": {
            "epochs": EPOCHS,
            "optimizer": {"name": "sgd", "rate": RATE},
            "schedule": {"name": name},
        }
    }
    for key, _ in settings:
        known = key in ("train.epochs", "train.optimizer.rate", "data.root")
        if not known and not key.startswith("train.schedule."):
            raise RecipeError(
                f"--set {key}: a schedule knows train.schedule.*, train.optimizer.rate and "
                "train.epochs, as in train.schedule.factor=0.25"
            )
    content = override(content, settings)
    return _parts(name, recipe.from_dict(content, "--set", Recipe), batches)[0]


def _counted(word: str, settings: Sequence[Setting], talk: Talk) -> tuple[Recipe, int]:
    """The recipe, and the steps of an epoch of its data."""
    try:
        found = look(word, settings, talk)
    except SightlineError as error:
        raise RecipeError(f"{error}; or give the steps of an epoch: --batches N") from None
    chosen = found.chosen
    setup, cpu = chosen.train, torch.device("cpu")
    loader = Loader(found.splits.train, view_of(chosen), setup.batch, setup.seed, cpu)
    return chosen, len(loader)


def _parts(word: str, chosen: Recipe, batches: int) -> list[Curve]:
    setup = chosen.train
    parts = {"": word} | {part: f"{word}: {part}" for part in setup.parts}
    return [_curve(name, setup, part, batches) for part, name in parts.items()]


def _curve(name: str, setup: tables.Train, part: str, batches: int) -> Curve:
    own = setup.parts.get(part, tables.PartSettings()).schedule
    schedules = [own or stage.schedule for _, stage in setup.in_stages()]
    names = [how.name for how in schedules if how is not None]
    note = "drops when validation no longer improves" if "plateau" in names else ""
    rate = rate_of(setup, part, batches)
    return Curve(name, ", then ".join(names), setup.epochs, batches, rate, note)


def to_text(found: Sequence[Curve]) -> str:
    """A table of a dozen epochs: the rate at the start and the end of each."""
    texts, rows = [], ROWS if len(found) == 1 else ROWS // 2
    for curve in found:
        about = f"{curve.name}: " if curve.name != curve.schedule else ""
        head = f"{about}{curve.schedule}, {curve.epochs} epochs of {curve.batches:,} steps"
        lines_ = [head + (f"; {curve.note}" if curve.note else "")]
        lines_.append(f"{'epoch':>6}  {'start':>10}  {'end':>10}")
        picked = np.linspace(0, curve.epochs - 1, min(curve.epochs, rows)).round().astype(int)
        starts, ends = curve.starts, curve.ends
        lines_ += [f"{e + 1:>6}  {starts[e]:>10.3g}  {ends[e]:>10.3g}" for e in picked]
        texts.append("\n".join(lines_) + "\n")
    return "\n".join(texts)


def require_picture(path: Path | None) -> None:
    """Refuse, before any work, a path that is taken or names no picture. Raises OutputError."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        raise OutputError(f"{path}: a plot is .svg or .png")
    if path.exists():
        raise files.exists_already(path)


def write(found: Sequence[Curve], path: Path) -> None:
    """Draw the curves. Raises OutputError."""
    named: Mapping[str, Any] = {curve.name: curve.series() for curve in found}
    write_picture(lines.schedules(named, path.suffix.lower()), path)


def write_picture(content: bytes, path: Path) -> None:
    require_picture(path)
    with files.output_errors(path):
        files.write_bytes(path, content)
