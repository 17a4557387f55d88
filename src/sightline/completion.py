"""Completion: a prepared run trained to its end, then tested once, saved and told."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sightline import files, recipe, report
from sightline.artifact import NAME, Artifact, header_for
from sightline.data.dataset import Dataset
from sightline.data.loader import Loader
from sightline.data.split import Splits
from sightline.errors import ArtifactError, Diverged, OutputError, ProcessLost, Stopped
from sightline.monitor import Monitor
from sightline.predictions import Recording
from sightline.predictor import TorchPredictor
from sightline.prepare import view_of
from sightline.progress import Progress
from sightline.recipe import Recipe
from sightline.talk import Talk, columns
from sightline.tasks.evaluate import evaluate
from sightline.training import checkpoint, events
from sightline.training.callbacks import (
    Callback,
    Checkpoints,
    EarlyStopping,
    Events,
    Keep,
    stopping_on_interrupt,
)
from sightline.training.fit import Validate, fit
from sightline.training.run import Run
from sightline.training.tensorboard import TensorBoard
from sightline.version import __version__

CHECKPOINTS = "checkpoints"  # in a run folder


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that training needs.

    folder  of the run
    splits  the parts as they were opened; `placed` are the same on their canvases
    facts   of the data, with their fingerprint, which is a look at every image
    run     which may have trained already
    """

    folder: Path
    recipe: Recipe
    splits: Splits
    placed: Splits
    facts: dict[str, Any]
    run: Run
    loader: Loader

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS


def complete(prepared: Prepared, talk: Talk, watching: Sequence[Callback] = ()) -> Artifact:
    """Train to the end from wherever the run stands, then score, save and report; `watching` are
    told of steps and epochs.

    Raises Stopped when interrupted, Diverged, OutputError and ProcessLost, which say how to go on;
    what was saved stands. Of several processes the first one writes; the artifact of the others
    lies nowhere. However it ends, the monitor tells of it.
    """
    again = prepared.run.processes.command(f"resume {shlex.quote(str(prepared.folder))}")
    monitor = Monitor(prepared.folder)
    try:
        return _complete(prepared, talk, [monitor, *watching], again)
    except OutputError as error:
        raise OutputError(f"{error}; when that is mended, go on with: {again}") from error
    except ProcessLost as error:
        raise ProcessLost(f"{error}; what was saved stands, go on with: {again}") from error
    finally:
        if prepared.run.processes.first:
            _draw_the_end(monitor, talk)


def _draw_the_end(monitor: Monitor, talk: Talk) -> None:
    """Where that cannot be written it is said; what ended the run matters more."""
    try:
        monitor.draw()
    except OutputError as error:
        again = f"sightline monitor {shlex.quote(str(monitor.folder))}"
        talk.say(f"{error}; when that is mended, draw it with: {again}")


def _complete(prepared: Prepared, talk: Talk, watching: Sequence[Callback], again: str) -> Artifact:
    run, chosen = prepared.run, prepared.recipe
    view = view_of(chosen)
    predictor = TorchPredictor(run.model, run.task, chosen.canvas, view, run.device, run.precision)
    validate: Validate | None = None
    if prepared.placed.val is not None:
        validate = partial(_validate, predictor, prepared.placed.val)
    epochs = chosen.train.epochs
    with stopping_on_interrupt(run), talk.bar("epoch", epochs) as (tick, _):
        steps = len(prepared.loader)
        tick(run.epoch + run.batch / steps)
        progress = Progress(talk, tick, epochs, steps, columns())
        callbacks = _callbacks(prepared, predictor, [progress, *watching])
        try:
            fit(run, prepared.loader, validate, epochs, callbacks)
        except Diverged as error:
            raise _diverged(error, prepared, again) from None
    if run.processes.any(run.interrupted) and run.epoch < epochs:
        if run.processes.first:
            event = {"event": "stopped", "epoch": run.epoch, "batch": run.batch}
            events.append(prepared.folder, event)
        raise Stopped(
            f"stopped after {run.epoch} of {epochs} epochs; all is saved, go on with: {again}"
        )
    return _finish(prepared, predictor, talk)


def _callbacks(
    prepared: Prepared, predictor: TorchPredictor, showing: Sequence[Callback]
) -> list[Callback]:
    """Who is told of steps and epochs; of several processes, the first one writes and shows."""
    setup, run, folder = prepared.recipe.train, prepared.run, prepared.folder
    deciding: list[Callback] = []
    if setup.patience:
        deciding.append(EarlyStopping(setup.patience, setup.gain, setup.in_stages()[-1][0]))
    if not run.processes.first:
        return deciding
    told: list[Callback] = [Events(folder), *showing]
    if setup.tensorboard:
        told.append(TensorBoard(folder / "tensorboard"))
    if setup.keep.improvements or setup.keep.last:

        def write(path: Path) -> None:
            _artifact(prepared, predictor, {}, {}).save(path)

        told.append(Keep(folder / "models", write, setup.keep.improvements, setup.keep.last))
    return [*told, *deciding, Checkpoints(prepared.checkpoints, setup.save_every)]


def _validate(predictor: TorchPredictor, val: Dataset, run: Run) -> dict[str, float]:
    return evaluate(predictor, run.task.meter(), val, processes=run.processes)


def _diverged(error: Diverged, prepared: Prepared, again: str) -> Diverged:
    """The error with what can be done; the run's events tell of it."""
    run = prepared.run
    rate = max(run.rates[part](done) for part, done in run.steps.items())
    asked = prepared.recipe.train.optimizer.rate  # which a schedule may have moved since
    try:
        saved, _ = checkpoint.latest(prepared.checkpoints)
        back = f"the last good checkpoint is {saved.name}; go on from it"
    except ArtifactError:
        back = "there is no checkpoint yet; begin again"
    if run.processes.first:
        event = {"event": "diverged", "epoch": run.epoch, "batch": run.batch, "why": str(error)}
        events.append(prepared.folder, event)
    return Diverged(
        f"{error}; the rate is {rate:.3g}. {back} with a lower one: {again} "
        f"--set train.optimizer.rate={asked / 10:.2g}"
    )


def _finish(prepared: Prepared, predictor: TorchPredictor, talk: Talk) -> Artifact:
    run, folder = prepared.run, prepared.folder
    test = prepared.placed.test if prepared.recipe.train.test else None
    if run.best:
        run.model.load_state_dict(run.best)
    elif run.average:
        run.model.load_state_dict(run.model.state_dict() | run.average)
    figures: dict[str, float] = {}
    first = run.processes.first
    if test is not None:
        meter = Recording(run.task.meter(), test)
        with talk.bar("testing", len(test)) as (tick, _):
            figures = evaluate(predictor, meter, test, tick, run.processes)
        if first:
            with files.output_errors(folder):
                files.write_text(folder / "predictions.csv", meter.text())
    others = _others(prepared.placed, predictor, run, talk)
    artifact = _artifact(prepared, predictor, figures, others)
    if first:
        artifact.save(folder / NAME)
        event = {
            "event": "test",
            "epoch": run.best_epoch or run.epoch,
            "chosen": bool(run.best),
            "figures": figures,
            "parts": others,
            "seconds": run.seconds,
        }
        events.append(folder, event)
        if figures:
            report.write(folder, prepared.splits.test)
    run.processes.any(False)  # all end together: one that crashes as it ends takes the writer along
    return artifact


def _artifact(
    prepared: Prepared,
    predictor: TorchPredictor,
    test: dict[str, float],
    parts: dict[str, dict[str, float]],
) -> Artifact:
    """The model as it is now, with all to use it."""
    chosen, run = prepared.recipe, prepared.run
    header = header_for(
        run.task,
        chosen.task,
        chosen.canvas,
        predictor.view,
        model={"name": chosen.model.name} | chosen.model.settings,
        precision=run.precision,
        test=test,
        parts=parts,
        recipe=recipe.to_toml(chosen),
        version=__version__,
        data=prepared.facts,
    )
    return Artifact(header, predictor)


def _others(
    placed: Splits, predictor: TorchPredictor, run: Run, talk: Talk
) -> dict[str, dict[str, float]]:
    """Figures of every part but test, seen as test is, where there is a train-dev part: their gaps
    are variance, mismatch of the sources and overfitting to validation (Ng's course, 4.14)."""
    if placed.train_dev is None:
        return {}
    parts = {name: part for name, part in placed.parts.items() if name != "test"}
    with talk.bar("comparing the parts", sum(map(len, parts.values()))) as (tick, _):
        return {
            name: evaluate(predictor, run.task.meter(), part, tick, run.processes)
            for name, part in parts.items()
        }
