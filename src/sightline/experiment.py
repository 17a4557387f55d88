"""Experiments: a request carried out into a run folder, and resumed.

runs/NAME/  recipe.toml  events.jsonl  checkpoints/  model.safetensors
            predictions.csv  report.html  figures/
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sightline import files, recipe, tables
from sightline.artifact import Artifact
from sightline.asked import claimed, open_request, require_free, tell
from sightline.completion import CHECKPOINTS, Prepared, complete
from sightline.data.loader import Loader
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError, RecipeError
from sightline.learners.train import train_learner
from sightline.outset import make_run, make_task, rates
from sightline.overrides import Setting, override
from sightline.pace import Pace, settled
from sightline.prepare import Opened, decided, open_data, place, split_data
from sightline.processes import Processes, joined
from sightline.provenance import data_facts, machine, network_facts, require_same, start_event
from sightline.recipe import Recipe
from sightline.request import Request
from sightline.talk import Silent, Talk
from sightline.training import checkpoint, events
from sightline.training.callbacks import Callback
from sightline.training.plateau import see_all
from sightline.training.run import Run

CHANGEABLE = (
    "train.epochs", "train.optimizer", "train.schedule", "train.parts", "train.patience",
    "train.gain", "train.keep", "train.tensorboard", "train.threads", "train.device",
    "train.save_every", "train.test",
)  # fmt: skip


def train(
    request: Request,
    settings: Sequence[Setting],
    to: Path | None,
    quarantine: bool,
    talk: Talk,
    given: Opened | None = None,
    watching: Sequence[Callback] = (),
) -> Artifact:
    """Carry out a request; `settings` override the recipe or plan; `given` is data from Python;
    `watching` are told of steps and epochs, and may end training early.

    The run folder is `to`, or the next free runs/NAME. Raises Stopped when interrupted (all is
    saved), and SightlineError for anything that is not as it should be, before the folder is made.
    Started by torchrun, the processes train as one.
    """
    if quarantine:
        settings = [*settings, ("data.quarantine", True)]
    if "learner" in override(request.content, settings):
        return train_learner(request, settings, to, talk, given)
    with joined() as processes:
        talk = talk if processes.first else Silent()
        if processes.first:
            require_free(to)
        asked = open_request(request, settings, talk, given, processes)
        opened, splits = asked.opened, asked.splits
        whole = recipe.from_dict(asked.content, asked.origin, Recipe)
        tell(asked, talk)
        chosen, pace = _settled(whole, splits, processes, talk)
        with _own_torch(chosen):
            facts = data_facts(splits)
            placed, run, loader = _prepared(chosen, splits, facts, processes, talk)
            folder = processes.told(claimed(to, request.name) if processes.first else Path())
            with _alone(folder, processes):
                if processes.first:
                    with files.output_errors(folder):
                        files.write_text(folder / "recipe.toml", recipe.to_toml(chosen))
                    start = start_event(opened, splits, facts, chosen, asked.reasons)
                    model = network_facts(chosen.model.name, run.model)
                    start |= {"machine": machine(run.device), "model": model}
                    events.append(folder, start | {"precision": pace.to_dict()})
                prepared = Prepared(folder, chosen, splits, placed, facts, run, loader)
                return complete(prepared, talk, watching)


def _settled(
    whole: Recipe, splits: Splits, processes: Processes, talk: Talk
) -> tuple[Recipe, Pace]:
    """What the first process decides for all."""
    found = processes.told(settled(whole, splits) if processes.first else None)
    assert found is not None
    if whole.train.precision == "auto":
        talk.say(f"precision: {found[1].why}")
    return found


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


def _prepared(
    chosen: Recipe,
    splits: Splits,
    facts: dict[str, Any],
    processes: Processes,
    talk: Talk,
    pretrained: bool = True,
) -> tuple[Splits, Run, Loader]:
    """The parts on their canvases, a run that has not begun, and what it learns from."""
    placed = place(splits, chosen.canvas, talk, chosen.train.images)
    run, loader = make_run(chosen, placed, make_task(chosen, placed.train), processes, pretrained)
    run.fingerprint = facts["fingerprint"]
    require_same(processes, run.fingerprint, splits.train.name)
    return placed, run, loader


def resume(
    folder: Path,
    settings: Sequence[Setting],
    talk: Talk,
    given: Opened | None = None,
    watching: Sequence[Callback] = (),
) -> Artifact:
    """Go on from the last complete checkpoint, or from the beginning where none was written yet.

    `settings` may change what CHANGEABLE names, from here on; what else was decided at the start
    stays. Raises as `train` does, and DataError where the data are not those of the start.
    """
    path = folder / "recipe.toml"
    for key, _ in settings:
        if not key.startswith(CHANGEABLE) or key.endswith("optimizer.name"):
            raise RecipeError(
                f"{key} cannot change in a run that has begun; train anew, or change one of "
                f"{', '.join(CHANGEABLE)}"
            )
    with joined() as processes:
        talk = talk if processes.first else Silent()
        before, content = processes.told(_recipes(path, settings) if processes.first else ({}, {}))
        old, new = (recipe.from_dict(c, str(path), Recipe) for c in (before, content))
        _require_same_optimizers(old.train, new.train)
        opened = given or processes.in_turn(partial(open_data, new.data, talk, False))
        splits = split_data(opened, new.data)
        chosen = processes.told(decided(new, splits))
        with _own_torch(chosen), _alone(folder, processes):
            facts = data_facts(splits)
            if processes.first:
                _require_same_data(folder, facts)
            begun = processes.told(bool(checkpoint.candidates(folder / CHECKPOINTS)))
            placed, run, loader = _prepared(chosen, splits, facts, processes, talk, not begun)
            prepared = Prepared(folder, chosen, splits, placed, facts, run, loader)
            _load(prepared, talk)
            if settings:
                _tell_rate(prepared, old, talk)
            if processes.first:
                _tell_calibration(folder, talk)
                with files.output_errors(folder):
                    files.write_text(path, recipe.to_toml(chosen))
                event = {"event": "resume", "epoch": run.epoch, "batch": run.batch}
                events.append(folder, event)
            return complete(prepared, talk, watching)


def _recipes(path: Path, settings: Sequence[Setting]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run's recipe as it is, and with the changes."""
    if not path.exists():
        raise ArtifactError(f"{path.parent}: no run (no recipe.toml in it)")
    content = recipe.read(path)
    if "learner" in content:
        raise RecipeError(f"{path.parent} is of a learner, fitted at once: train it anew instead")
    return content, override(content, settings)


def _require_same_optimizers(old: tables.Train, new: tables.Train) -> None:
    """Their moments would be of no use to others."""
    for part in ("", *sorted(old.parts.keys() | new.parts.keys())):
        was, asked = old.optimizer_of(part).name, new.optimizer_of(part).name
        if was != asked:
            raise RecipeError(
                f"the optimizer cannot change in a run that has begun, from {was} to {asked}; "
                "train anew, or change its rate and other numbers"
            )


@contextmanager
def _alone(folder: Path, processes: Processes) -> Iterator[None]:
    """Hold the run folder against other runs; the first process does it for all."""
    if not processes.first:
        yield
        return
    with files.locked(folder):
        yield


def _load(prepared: Prepared, talk: Talk) -> None:
    """The last complete checkpoint, if there is any yet."""
    run, epochs = prepared.run, prepared.recipe.train.epochs
    first = run.processes.first
    saved: Path | None = None
    notes: list[str] = []
    if first and checkpoint.candidates(prepared.checkpoints):
        saved, notes = checkpoint.latest(prepared.checkpoints)
    if run.processes.any(saved is not None):
        notes += checkpoint.load(saved or Path(), run)
    for note in notes:
        talk.say(note)
    talk.say(f"going on after epoch {run.epoch} of {epochs}")


def _tell_rate(prepared: Prepared, before: Recipe, talk: Talk) -> None:
    """How a changed setting moves the rate."""
    run = prepared.run
    old = rates(before.train, run.rates, len(prepared.loader))
    see_all([*old.values(), *run.rates.values()], run.history)
    for part, rate in run.rates.items():
        done = run.steps.get(part, 0)
        then, now = old[part](max(0, done - 1)), rate(done)
        if then != now:
            name = "the rate" if part == "model" else f"the rate of {part}"
            talk.say(f"{name} goes from {then:.2g} to {now:.2g}")


def _tell_calibration(folder: Path, talk: Talk) -> None:
    """What was fitted on the answers of the weights of before does not fit the next ones."""
    tested = [event for event in events.read(folder) if event.get("event") == "test"]
    if tested and (fitted := tested[-1].get("calibration")):
        rule = f" --threshold {fitted['rule']}" if "rule" in fitted else ""
        what = "temperature and threshold were" if rule else "temperature was"
        talk.say(
            f"its {what} fitted on the weights of before, and will not be kept for the new ones; "
            f"when it is done: sightline calibrate {folder}{rule}"
        )


def _require_same_data(folder: Path, now: dict[str, Any]) -> None:
    started = [e for e in events.read(folder) if e.get("event") == "start"]
    if not started:
        return
    before = started[-1].get("data", {})
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
