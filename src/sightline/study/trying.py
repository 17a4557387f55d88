"""Trials carried out: each drawn, trained as any recipe is, and told of in a line."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sightline import experiment, files, recipe
from sightline.asked import open_request
from sightline.errors import Diverged, RecipeError, Stopped, UnknownName
from sightline.overrides import override
from sightline.prepare import Opened
from sightline.request import Request
from sightline.study import space as spaces_of_toml
from sightline.study.search import Search, again
from sightline.study.space import short
from sightline.study.trials import Reporting, State, Trial, value_of
from sightline.talk import Silent, Talk
from sightline.training import events

BEST = "best.toml"


def work(search: Search, talk: Talk, after: Callable[[Search], None]) -> None:
    """Carry out trials until there are as many as were asked for, in this process.

    after  is called when a trial has ended

    Raises Stopped when interrupted; the trial is gone on with later.
    """
    request = Request(search.base, search.folder.name, planned=False)
    asked = open_request(request, [], Silent())
    with talk.bar("trial", search.trials) as (tick, note):
        seen = 0
        while True:
            with search.found.claimed(search.trials) as claim:
                if claim is None:
                    break
                trial, done = claim
                if done:
                    talk.say(f"trial {trial.number} was cut short after epoch {done}: going on")
                _carry_out(search, trial, asked.opened)
            known = search.found.all()
            ended = sum(t.state != "running" for t in known)
            tick(ended - seen)
            seen = ended
            talk.say(_line(search, known[trial.number]))
            note("")
            after(search)


def _carry_out(search: Search, trial: Any, data: Opened) -> None:
    """Train a trial's run folder, or go on with it, and say how it ended."""
    number, goal = trial.number, search.ways.goal
    values = value_of(search.ways.space, trial)
    changes = spaces_of_toml.settings(values, search.base)
    changes += [("train.seed", search.ways.seed + number), ("train.test", False)]
    folder, why = search.run_of(number), ""
    state: State = "finished"
    began = time.monotonic()
    try:
        epochs = override(search.base, changes)["train"]["epochs"]
        watch = Reporting(trial, goal, epochs)
        if _has_begun(folder):
            experiment.resume(folder, [], Silent(), data, [watch])
        else:
            shutil.rmtree(folder, ignore_errors=True)  # of a process killed while it made it
            request = Request(search.base, folder.name, planned=False)
            experiment.train(request, changes, folder, False, Silent(), data, [watch])
        state = "pruned" if watch.pruned else "finished"
    except Stopped:
        raise Stopped(f"stopped; all is saved, go on with: {again(search.folder)}") from None
    except Diverged as error:
        state, why = "diverged", str(error).partition(";")[0]
    except (RecipeError, UnknownName) as error:
        state, why = "refused", str(error)
    except torch.OutOfMemoryError:
        state, why = "refused", "out of memory"
    search.found.end(trial, state, _seconds(folder, time.monotonic() - began), why)


def _has_begun(folder: Path) -> bool:
    """Whether there is a run that can be gone on with."""
    if not (folder / "recipe.toml").is_file():
        return False
    return any(event.get("event") == "start" for event in events.read(folder))


def _seconds(folder: Path, here: float) -> float:
    """Of training, over all times that it was taken up; else what passed here."""
    ended = [event for event in events.read(folder) if event.get("event") == "test"]
    return float(ended[-1].get("seconds", here)) if ended else here


def _line(search: Search, trial: Trial) -> str:
    """A trial that has ended, in a line."""
    values = ", ".join(f"{last(key)} {short(value)}" for key, value in trial.values.items())
    name = search.ways.goal[1:]
    said = "no figure" if trial.figure is None else f"{name} {trial.figure:.4f}"
    said += "" if trial.state == "finished" else f", {trial.state}"
    best = search.ranked[:1]
    so_far = f"; best {best[0].figure:.4f}, trial {best[0].number}" if best else ""
    return f"trial {trial.number} ({values}): {said}{so_far}"


def last(key: str) -> str:
    """A key's last word, which is enough beside others: rate."""
    name, _, end = key.rpartition(".")
    return f"{name.rpartition('.')[2]}.{end}" if end.isdigit() else end


def write_best(search: Search) -> Path | None:
    """The recipe of the best trial, with its seed, to be trained and tested once."""
    if not search.ranked:
        return None
    best = search.ranked[0]
    changes = spaces_of_toml.settings(best.values, search.base)
    changes += [("train.seed", search.ways.seed + best.number)]
    content = override(search.base, changes)
    path = search.folder / BEST
    with files.output_errors(path):
        files.write_text(path, recipe.to_toml_text(content))
    return path
