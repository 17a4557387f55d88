"""Every image's probabilities from a model that was not trained on it: k folds, each answered by a
model of the others.

What answers a fold is a function (`Answer`): a network trained for a few epochs, a learner on
pixels or on features of a network, or whatever else gives probabilities; folds and cache know
nothing of it.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, recipe, tasks
from sightline.data.dataset import Dataset, Subset
from sightline.data.fingerprint import fingerprint
from sightline.data.partition import Rows
from sightline.data.split import Splits, folded
from sightline.data.views import View
from sightline.errors import OutputError, Stopped
from sightline.learners import build, features
from sightline.learners.features import Source
from sightline.learners.predictor import LearnerPredictor
from sightline.outset import make_run, make_task
from sightline.predictor import BATCH, TorchPredictor
from sightline.prepare import place, view_of
from sightline.recipe import LearnerRecipe, Recipe
from sightline.talk import Talk, Tick, stepping
from sightline.training.callbacks import Callback, stopping_on_interrupt
from sightline.training.fit import fit
from sightline.training.run import Run
from sightline.version import __version__

Probabilities = NDArray[np.float32]
Answer = Callable[[Rows, Rows, Tick], Probabilities]
"""From the rows of a set to train on, and those held out, to the probabilities (len(held), classes)
of the latter. The tick adds up to 1. Raises KeyboardInterrupt when stopped."""

STEPS = 2000  # of the optimizer, about which a network is trained a fold: it is to learn what most
LONGEST = 20  # epochs   labels say, not the wrong ones by heart


def epochs_for(images: int, batch: int) -> int:
    """A few epochs: about STEPS steps, between 1 and LONGEST."""
    return min(LONGEST, max(1, round(STEPS * batch / images)))


def out_of_fold(
    train: Dataset, answer: Answer, k: int, seed: int, talk: Talk, kept: Path | None = None
) -> Probabilities:
    """Probabilities (n, classes) of a set with a label an image; folds are drawn by class.

    kept  a folder for the folds that are done: what lies there is not computed again

    Raises DataError for fewer than two images of a class, Stopped by Ctrl-C, which says how many
    folds are kept.
    """
    _, numbers = folded(Splits(train), k, 0.0, seed)
    found = np.zeros((len(train), len(train.classes)), np.float32)
    done = 0
    with stepping(talk, "folds", k) as tick:
        for number in range(1, k + 1):
            rows, others = np.flatnonzero(numbers == number), np.flatnonzero(numbers != number)
            shape = len(rows), len(train.classes)
            path = kept / f"fold-{number}.npy" if kept is not None else None
            here = _read(path, shape) if path is not None else None
            if here is None:
                try:
                    here = answer(others, rows, tick)
                except KeyboardInterrupt:
                    raise _stopped(done, k, kept is not None) from None
                assert here.shape == shape
                if path is not None:
                    _write(path, here)
            else:
                tick(1)
            found[rows] = here
            done += 1
    return found


def _stopped(done: int, k: int, kept: bool) -> Stopped:
    rest = "; give the same command to go on" if kept and done else ""
    return Stopped(f"stopped after {done} of {k} folds{rest}; nothing was changed")


def key_of(
    train: Dataset, chosen: Recipe | LearnerRecipe, k: int, source: Source | None = None
) -> str:
    """A name for all that probabilities depend on."""
    facts = [__version__, fingerprint(train), recipe.to_toml(chosen), str(k), torch.__version__]
    facts += [source.weights] if source is not None else []
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:24]


def _read(path: Path, shape: tuple[int, int]) -> Probabilities | None:
    """What was kept of a fold; None where there is nothing, or something else."""
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = isinstance(found, np.ndarray) and found.dtype == np.float32 and found.shape == shape
    return found if whole and np.isfinite(found).all() else None


def _write(path: Path, found: Probabilities) -> None:
    """A place that cannot be written is done without: the answer does not depend on it."""
    with suppress(OSError, OutputError), files.atomic(path) as file:
        np.save(file, found, allow_pickle=False)


def network(chosen: Recipe, train: Dataset, talk: Talk) -> Answer:
    """Networks of a recipe, which is decided for this machine."""

    @cache  # where all folds are kept, nothing is placed
    def placed() -> Dataset:
        return place(Splits(train), chosen.canvas, talk, chosen.train.images).train

    def answer(rows: Rows, held: Rows, tick: Tick) -> Probabilities:
        before = torch.get_num_threads()
        with torch.random.fork_rng():
            torch.set_num_threads(chosen.train.threads)
            try:
                return _trained(chosen, Subset(placed(), rows), Subset(placed(), held), tick)
            finally:
                torch.set_num_threads(before)

    return answer


def _trained(chosen: Recipe, train: Dataset, held: Dataset, tick: Tick) -> Probabilities:
    run, loader = make_run(chosen, Splits(train), make_task(chosen, train))
    epochs = chosen.train.epochs
    ticking = _Ticking(tick, epochs * len(loader))
    with stopping_on_interrupt(run):
        fit(run, loader, None, epochs, [ticking])
    if run.interrupted:
        raise KeyboardInterrupt
    if run.average:
        run.model.load_state_dict(run.model.state_dict() | run.average)
    view = view_of(chosen)
    seen = TorchPredictor(run.model, run.task, chosen.canvas, view, run.device, run.precision)
    found = np.zeros((len(held), len(held.classes)), np.float32)
    for start in range(0, len(held), BATCH):
        rows = np.arange(start, min(start + BATCH, len(held)))
        for row, said in zip(rows, seen.predict(held.images(rows)), strict=True):
            assert said.scores is not None
            found[row] = said.scores
    return found


class _Ticking(Callback):
    """Moves a bar by one over all steps."""

    def __init__(self, tick: Tick, steps: int) -> None:
        self.tick, self.steps = tick, steps

    def on_step(self, run: Run) -> None:  # noqa: ARG002
        self.tick(1 / self.steps)


def learner(chosen: LearnerRecipe, train: Dataset, source: Source | None, talk: Talk) -> Answer:
    """Learners of a recipe, on rows of pixels, or of features of the network `source`."""
    y = np.asarray(train.truths.label)

    @cache
    def seen() -> tuple[NDArray[Any], Shape]:
        return _pixels(chosen, train, talk) if source is None else _features(source, train, talk)

    def answer(rows: Rows, held: Rows, tick: Tick) -> Probabilities:
        X, shape = seen()
        fresh = build.build(chosen.learner.name, chosen.learner.settings, shape)
        build.fit(fresh, X[rows], y[rows])
        tick(0.5)
        found = build.scores(fresh, X[held], len(train.classes))
        tick(0.5)
        return found

    return answer


Shape = tuple[int, int, int]


def _pixels(chosen: LearnerRecipe, train: Dataset, talk: Talk) -> tuple[NDArray[Any], Shape]:
    """Rows (n, features) as a learner sees them, and the shape of an image."""
    placed = place(Splits(train), chosen.canvas, talk).train
    size, shown = chosen.view.size or chosen.canvas.size, chosen.view
    view, shape = View(size, shown.top), (chosen.canvas.channels, *size)
    task = tasks.build("classification", train.classes, {})
    predictor = LearnerPredictor(None, task, chosen.canvas, view, chosen.learner.values)
    found = []
    for start in range(0, len(placed), BATCH):
        canvases = placed.images(np.arange(start, min(start + BATCH, len(placed))))
        found.append(predictor.rows(view.test_inputs(torch.from_numpy(np.asarray(canvases)))[0]))
    return np.concatenate(found), shape


def _features(source: Source, train: Dataset, talk: Talk) -> tuple[NDArray[Any], Shape]:
    """The same of what a network makes of the images."""
    with stepping(talk, "taking features", len(train)) as tick:
        return features.all_rows(source, train, tick), (1, 1, 1)
