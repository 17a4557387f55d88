"""Experiments: a request carried out into a run folder, and resumed.

runs/NAME/  recipe.toml  events.jsonl  checkpoints/  model.safetensors
            predictions.csv  report.html  figures/
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import final

import torch

from sightline import files, recipe, report
from sightline.artifact import NAME, Artifact, header_for
from sightline.data.dataset import Dataset
from sightline.data.loader import Loader
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError, RecipeError, Stopped
from sightline.predictions import Recording
from sightline.predictor import TorchPredictor
from sightline.prepare import (
    Opened,
    decided,
    make_plan,
    make_run,
    make_task,
    open_data,
    place,
    split_data,
    view_of,
)
from sightline.provenance import data_facts, split_sentence, start_event
from sightline.recipe import Recipe, Setting
from sightline.request import Request
from sightline.talk import Note, Talk, Tick
from sightline.tasks.evaluate import evaluate
from sightline.training import checkpoint, events
from sightline.training.callbacks import Callback, Checkpoints, Events, stopping_on_interrupt
from sightline.training.fit import Validate, fit
from sightline.training.run import Run
from sightline.version import __version__

RUNS = Path("runs")
CHANGEABLE = ("train.epochs", "train.optimizer", "train.schedule", "train.threads", "train.device")


def train(
    request: Request,
    settings: Sequence[Setting],
    to: Path | None,
    quarantine: bool,
    talk: Talk,
    given: Opened | None = None,
) -> Artifact:
    """Carry out a request; `settings` override the recipe or plan; `given` is data from Python.

    The run folder is `to`, or the next free runs/NAME. Raises Stopped when interrupted (all is
    saved), and SightlineError for anything that is not as it should be, before the folder is made.
    """
    if to is not None:
        with files.output_errors(to):
            if to.exists():
                raise files.exists_already(to)
    if quarantine:
        settings = [*settings, ("data.quarantine", True)]
    content = recipe.override(request.content, settings)
    data = recipe.from_dict({"data": content.get("data", {})}, request.name, recipe.DataOnly).data
    opened = given or open_data(data, talk, look=request.planned)
    splits = split_data(opened, data)
    reasons: list[str] = []
    if request.planned:
        planned = make_plan(opened, splits)
        content = recipe.override(planned.content | {"data": content["data"]}, settings)
        reasons = planned.reasons + [f"as you say: {key} = {value}" for key, value in settings]
    chosen = decided(
        recipe.from_dict(content, "the plan" if request.planned else request.name, Recipe)
    )
    _tell(talk, opened, split_sentence(opened, data, splits), reasons)
    with _own_torch(chosen):
        placed, run = _prepared(chosen, splits, talk)
        folder = files.claim_folder(to) if to else files.claim_next_folder(RUNS, request.name)
        with files.locked(folder):
            with files.output_errors(folder):
                files.write_text(folder / "recipe.toml", recipe.to_toml(chosen))
            events.append(folder, start_event(opened, splits, chosen, reasons, run))
            return _go_on(folder, chosen, splits, placed, run, talk)


@contextmanager
def _own_torch(chosen: Recipe) -> Iterator[None]:
    """The recipe's threads, and a caller's generator and threads as they were afterwards."""
    before = torch.get_num_threads()
    with torch.random.fork_rng():
        torch.set_num_threads(chosen.train.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _prepared(chosen: Recipe, splits: Splits, talk: Talk) -> tuple[Splits, Run]:
    """The parts on their canvases, and a run that has not begun."""
    placed = place(splits, chosen, talk)
    return placed, make_run(chosen, placed, make_task(chosen, placed.train))


def _tell(talk: Talk, opened: Opened, split: str, reasons: Sequence[str]) -> None:
    if opened.findings is not None:
        talk.say(opened.findings.sentence())
    talk.say(f"split: {split}")
    if opened.unreadable:
        talk.say(f"going on without {len(opened.unreadable)} unreadable files (in the report)")
    if reasons:
        talk.say("\n  ".join(["the plan", *reasons]))


def resume(
    folder: Path, settings: Sequence[Setting], talk: Talk, given: Opened | None = None
) -> Artifact:
    """Go on from the last complete checkpoint, or from the beginning where none was written yet.

    `settings` may change what CHANGEABLE names, from here on; what else was decided at the start
    stays. Raises as `train` does, and DataError where the data are not those of the start.
    """
    path = folder / "recipe.toml"
    if not path.exists():
        raise ArtifactError(f"{folder}: no run (no recipe.toml in it)")
    for key, _ in settings:
        if not key.startswith(CHANGEABLE) or key.endswith("optimizer.name"):
            raise RecipeError(
                f"{key} cannot change in a run that has begun; train anew, or change one of "
                f"{', '.join(CHANGEABLE)}"
            )
    before = recipe.from_dict(recipe.read(path), str(path), Recipe)
    content = recipe.override(recipe.read(path), settings)
    chosen = decided(recipe.from_dict(content, str(path), Recipe))
    with files.locked(folder), _own_torch(chosen):
        opened = given or open_data(chosen.data, talk, look=False)
        splits = split_data(opened, chosen.data)
        _require_same_data(folder, splits)
        placed, run = _prepared(chosen, splits, talk)
        if checkpoint.candidates(folder / "checkpoints"):
            saved, notes = checkpoint.latest(folder / "checkpoints")
            checkpoint.load(saved, run)
            for note in notes:
                talk.say(note)
        talk.say(f"going on after epoch {run.epoch} of {chosen.train.epochs}")
        if chosen.train.schedule.name != "constant" and settings:
            done, now = sum(run.steps.values()), run.rates["model"]
            old = make_run(before, placed, run.task).rates["model"]
            talk.say(f"the rate goes from {old(max(0, done - 1)):.2g} to {now(done):.2g}")
        with files.output_errors(folder):
            files.write_text(path, recipe.to_toml(chosen))
        events.append(folder, {"event": "resume", "epoch": run.epoch, "batch": run.batch})
        return _go_on(folder, chosen, splits, placed, run, talk)


def _require_same_data(folder: Path, splits: Splits) -> None:
    started = [e for e in events.read(folder) if e.get("event") == "start"]
    if not started:
        return
    before, now = started[-1].get("data", {}), data_facts(splits)
    if before.get("fingerprint") == now["fingerprint"]:
        return
    then = before.get("images", {})
    changes = [
        f"{part} {then.get(part, 0)} -> {now['images'].get(part, 0)} images"
        for part in sorted(then.keys() | now["images"])
        if then.get(part) != now["images"].get(part)
    ]
    what = ", ".join(changes) or "as many images, but others, or in other parts, or other truths"
    raise DataError(f"{now['name']} changed since the run began: {what}; train it anew")


@final
class _Progress(Callback):
    """Moves the bar and says how the epoch went."""

    def __init__(self, tick: Tick, note: Note, per_epoch: int) -> None:
        self.tick, self.note, self.per_epoch = tick, note, per_epoch

    def on_step(self, run: Run) -> None:  # noqa: ARG002
        self.tick(1 / self.per_epoch)

    def on_epoch(self, run: Run) -> None:
        last, goal = run.history[-1], run.task.goal[1:]
        parts = [f"loss {last['train'].get('loss', float('nan')):.3f}"]
        if "val" in last and run.best_figures is not None:
            parts.append(f"val {goal} {last['val'][goal]:.4f}")
            parts.append(f"best {run.best_figures[goal]:.4f} ({run.best_epoch})")
        self.note("  ".join(parts))


def _go_on(
    folder: Path, chosen: Recipe, splits: Splits, placed: Splits, run: Run, talk: Talk
) -> Artifact:
    """Train to the end from wherever the run stands, then score, save and report."""
    view = view_of(chosen)
    loader = Loader(placed.train, view, chosen.train.batch, chosen.train.seed, run.device)
    predictor = TorchPredictor(run.model, run.task, chosen.canvas, view, run.device, run.precision)
    validate: Validate | None = None
    if placed.val is not None:
        validate = partial(_validate, predictor, placed.val)
    epochs = chosen.train.epochs
    with (
        stopping_on_interrupt(run),
        talk.bar("epoch", epochs) as (tick, note),
    ):
        tick(run.epoch + run.batch / len(loader))
        progress = _Progress(tick, note, len(loader))
        saves = Checkpoints(folder / "checkpoints")
        fit(run, loader, validate, epochs, [Events(folder), progress, saves])
    if run.interrupted and run.epoch < epochs:
        raise Stopped(
            f"stopped after {run.epoch} of {epochs} epochs; all is saved, go on with: "
            f"sightline resume {folder}"
        )
    return _finish(folder, chosen, splits, placed, run, predictor, talk)


def _validate(predictor: TorchPredictor, val: Dataset, run: Run) -> dict[str, float]:
    return evaluate(predictor, run.task.meter(), val)


def _finish(
    folder: Path,
    chosen: Recipe,
    splits: Splits,
    placed: Splits,
    run: Run,
    predictor: TorchPredictor,
    talk: Talk,
) -> Artifact:
    if run.best:
        run.model.load_state_dict(run.best)
    figures: dict[str, float] = {}
    if placed.test is not None:
        meter = Recording(run.task.meter(), placed.test)
        with talk.bar("testing", len(placed.test)) as (tick, _):
            figures = evaluate(predictor, meter, placed.test, tick)
        with files.output_errors(folder):
            files.write_text(folder / "predictions.csv", meter.text())
    others = _others(placed, predictor, talk)
    artifact = Artifact(
        header_for(
            run.task,
            chosen.task,
            {"name": chosen.model.name} | chosen.model.settings,
            chosen.canvas,
            predictor.view,
            precision=run.precision,
            test=figures,
            parts=others,
            recipe=recipe.to_toml(chosen),
            version=__version__,
            data=data_facts(splits),
        ),
        predictor,
    )
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
        report.write(folder, splits.test)
    return artifact


def _others(placed: Splits, predictor: TorchPredictor, talk: Talk) -> dict[str, dict[str, float]]:
    """Figures of every part but test, seen as test is, where there is a train-dev part: their gaps
    are variance, mismatch of the sources and overfitting to validation (Ng's course, 4.14)."""
    if placed.train_dev is None:
        return {}
    parts = {name: part for name, part in placed.parts.items() if name != "test"}
    with talk.bar("comparing the parts", sum(map(len, parts.values()))) as (tick, _):
        return {
            name: evaluate(predictor, predictor.task.meter(), part, tick)
            for name, part in parts.items()
        }
