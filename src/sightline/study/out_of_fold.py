"""Every image's probabilities from a model that was not trained on it: k folds, each answered by a
model of the others.

What answers a fold is a function (`Answer`): a network trained for a few epochs, a learner on
pixels, or whatever else gives probabilities; folds and cache know nothing of it.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, recipe, tasks
from sightline.data.dataset import Dataset
from sightline.data.fingerprint import fingerprint
from sightline.data.split import Splits, fold, folded
from sightline.data.views import View
from sightline.errors import OutputError, Stopped
from sightline.learners import build
from sightline.learners.predictor import LearnerPredictor
from sightline.predictor import BATCH, ModelPredictor, TorchPredictor
from sightline.prepare import make_run, make_task, place, view_of
from sightline.recipe import LearnerRecipe, Recipe
from sightline.talk import Talk, Tick, stepping
from sightline.training.callbacks import Callback, stopping_on_interrupt
from sightline.training.fit import fit
from sightline.training.run import Run
from sightline.version import __version__

Probabilities = NDArray[np.float32]
Answer = Callable[[Splits, Tick], Probabilities]
"""From a fold's parts (train, val) to the probabilities (len(val), classes) of val, in its order.
The tick adds up to 1. Raises KeyboardInterrupt when stopped."""

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
    parted, numbers = folded(Splits(train), k, 0.0, seed)
    found = np.zeros((len(train), len(train.classes)), np.float32)
    done = 0
    with stepping(talk, "folds", k) as tick:
        for number in range(1, k + 1):
            rows = np.flatnonzero(numbers == number)
            shape = len(rows), len(train.classes)
            path = kept / f"fold-{number}.npy" if kept is not None else None
            here = _read(path, shape) if path is not None else None
            if here is None:
                try:
                    here = answer(fold(parted, numbers, number), tick)
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


def key_of(train: Dataset, chosen: Recipe | LearnerRecipe, k: int) -> str:
    """A name for all that probabilities depend on."""
    facts = [__version__, fingerprint(train), recipe.to_toml(chosen), str(k), torch.__version__]
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


def network(chosen: Recipe, train: Dataset, talk: Talk) -> tuple[Dataset, Answer]:
    """The set on the recipe's canvases, and networks of the recipe to answer its folds. The recipe
    is decided for this machine."""
    placed = place(Splits(train), chosen.canvas, talk, chosen.train.images).train

    def answer(parts: Splits, tick: Tick) -> Probabilities:
        before = torch.get_num_threads()
        with torch.random.fork_rng():
            torch.set_num_threads(chosen.train.threads)
            try:
                return _trained(chosen, parts, tick)
            finally:
                torch.set_num_threads(before)

    return placed, answer


def _trained(chosen: Recipe, parts: Splits, tick: Tick) -> Probabilities:
    run, loader = make_run(chosen, parts, make_task(chosen, parts.train))
    epochs = chosen.train.epochs
    ticking = _Ticking(tick, epochs * len(loader))
    with stopping_on_interrupt(run):
        fit(run, loader, None, epochs, [ticking])
    if run.interrupted:
        raise KeyboardInterrupt
    if run.average:
        run.model.load_state_dict(run.model.state_dict() | run.average)
    seen = TorchPredictor(
        run.model, run.task, chosen.canvas, view_of(chosen), run.device, run.precision
    )
    assert parts.val is not None
    return answers(seen, parts.val)


class _Ticking(Callback):
    """Moves a bar by one over all steps."""

    def __init__(self, tick: Tick, steps: int) -> None:
        self.tick, self.steps = tick, steps

    def on_step(self, run: Run) -> None:  # noqa: ARG002
        self.tick(1 / self.steps)


def learner(chosen: LearnerRecipe, train: Dataset, talk: Talk) -> tuple[Dataset, Answer]:
    """As `network`, of a learner that sees rows of pixels."""
    placed = place(Splits(train), chosen.canvas, talk).train
    size, top = chosen.view.size or chosen.canvas.size, chosen.view.top
    view, shape = View(size, top), (chosen.canvas.channels, *size)
    task = tasks.build("classification", train.classes, {})

    def answer(parts: Splits, tick: Tick) -> Probabilities:
        fresh = build.build(chosen.learner.name, chosen.learner.settings, shape)
        predictor = LearnerPredictor(fresh, task, chosen.canvas, view, chosen.learner.values)
        labels = parts.train.truths.label
        assert labels is not None and parts.val is not None
        build.fit(fresh, pixel_rows(predictor, parts.train), labels)
        tick(0.5)
        found = answers(predictor, parts.val)
        tick(0.5)
        return found

    return placed, answer


def pixel_rows(predictor: LearnerPredictor, dataset: Dataset) -> NDArray[np.generic]:
    """What a learner sees of a set on its canvases: (n, features)."""
    found = []
    for start in range(0, len(dataset), BATCH):
        canvases = dataset.images(np.arange(start, min(start + BATCH, len(dataset))))
        inputs = predictor.view.test_inputs(torch.from_numpy(np.asarray(canvases)))[0]
        found.append(predictor.rows(inputs))
    return np.concatenate(found)


def answers(predictor: ModelPredictor, dataset: Dataset) -> Probabilities:
    """Probabilities (n, classes) of a set on its canvases."""
    found = np.zeros((len(dataset), len(dataset.classes)), np.float32)
    for start in range(0, len(dataset), BATCH):
        rows = np.arange(start, min(start + BATCH, len(dataset)))
        for row, said in zip(rows, predictor.predict(dataset.images(rows)), strict=True):
            assert said.scores is not None
            found[row] = said.scores
    return found
