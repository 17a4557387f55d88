"""A learner carried out into a run folder: fitted at once, tested once, saved and reported.

runs/NAME/  recipe.toml  events.jsonl  model.safetensors  predictions.csv  report.html  figures/
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, recipe, report, tasks
from sightline.artifact import NAME, Artifact, header_for
from sightline.asked import claimed, open_request, require_free, tell
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.data.views import View
from sightline.errors import DeviceError, RecipeError
from sightline.learners import build
from sightline.learners.predictor import LearnerPredictor
from sightline.overrides import Setting
from sightline.predictions import Recording
from sightline.prepare import Opened, place
from sightline.processes import joined
from sightline.provenance import data_facts, machine, start_event
from sightline.recipe import LearnerRecipe
from sightline.request import Request
from sightline.talk import Talk
from sightline.tasks.evaluate import evaluate
from sightline.training import events
from sightline.version import __version__

CHUNK = 1024  # images at a time
CPU = torch.device("cpu")


def train_learner(
    request: Request,
    settings: Sequence[Setting],
    to: Path | None,
    talk: Talk,
    given: Opened | None = None,
) -> Artifact:
    """Carry out a request that names a learner; the rest as `experiment.train`.

    `train.seed` is the learner's. Raises RecipeError where the learner refuses its settings or
    the data, before the run folder is made.
    """
    with joined() as processes:
        if processes.size > 1:
            raise RecipeError("a learner is fitted in one process; start it without torchrun")
    require_free(to)
    asked = open_request(request, _for_learner(settings), talk, given)
    chosen = recipe.from_dict(asked.content, asked.origin, LearnerRecipe)
    splits = asked.splits
    if chosen.task != "classification" or splits.train.truths.task != chosen.task:
        raise RecipeError(f"learners learn classes; {splits.train.name} is for {chosen.task}")
    tell(asked, talk)
    placed = place(splits, chosen.canvas, talk)
    predictor = _predictor(chosen, placed)
    X, y = _rows(predictor, placed.train)
    talk.say(f"fitting {chosen.learner.name} on {len(X):,} rows of {X.shape[1]:,} values")
    began = time.monotonic()
    build.fit(predictor.learner, X, y)
    seconds = time.monotonic() - began
    facts = data_facts(splits)
    folder = claimed(to, request.name)
    with files.output_errors(folder), files.locked(folder):
        files.write_text(folder / "recipe.toml", recipe.to_toml(chosen))
        start = start_event(asked.opened, splits, facts, chosen, asked.reasons)
        numbers = sum(array.size for array in predictor.learner.state().values())
        model = {"name": chosen.learner.name, "parameters": numbers}
        events.append(folder, start | {"machine": machine(CPU), "model": model})
        for epoch in build.history(predictor.learner):
            events.append(folder, {"event": "epoch"} | epoch)
        return _finish(folder, chosen, predictor, placed, facts, seconds, splits.test, talk)


def _for_learner(settings: Sequence[Setting]) -> list[Setting]:
    """Settings of every experiment as a learner has them. Raises DeviceError for a GPU."""
    kept: list[Setting] = []
    for key, value in settings:
        if key == "train.device":
            if value not in ("cpu", "auto"):
                raise DeviceError(f"--device {value}: learners of NumPy run on the CPU")
        else:
            kept.append(("learner.seed" if key == "train.seed" else key, value))
    return kept


def _predictor(chosen: LearnerRecipe, placed: Splits) -> LearnerPredictor:
    """The learner, not fitted, with canvas, view and task."""
    size, top, test = chosen.view.size or chosen.canvas.size, chosen.view.top, chosen.view.test
    view = View(size, top, test="center" if test == "auto" else test)
    settings = chosen.learner.settings
    shape = (chosen.canvas.channels, *view.size)
    learner = build.build(chosen.learner.name, settings, shape)
    task = tasks.build(chosen.task, placed.train.classes, {})
    return LearnerPredictor(learner, task, chosen.canvas, view, chosen.learner.values)


def _rows(predictor: LearnerPredictor, train: Dataset) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """What the learner learns from: rows (n, features) and labels (n,)."""
    parts = []
    for start in range(0, len(train), CHUNK):
        canvases = train.images(np.arange(start, min(start + CHUNK, len(train))))
        inputs = predictor.view.test_inputs(torch.from_numpy(np.asarray(canvases)))[0]
        parts.append(predictor.rows(inputs))
    labels = train.truths.label
    assert labels is not None
    return np.concatenate(parts), np.asarray(labels)


def _finish(
    folder: Path,
    chosen: LearnerRecipe,
    predictor: LearnerPredictor,
    placed: Splits,
    facts: dict[str, Any],
    seconds: float,
    test: Dataset | None,
    talk: Talk,
) -> Artifact:
    """Test once, save, report."""
    figures: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = {}
    if placed.val is not None:
        parts["val"] = evaluate(predictor, predictor.task.meter(), placed.val)
    if placed.test is not None:
        meter = Recording(predictor.task.meter(), placed.test)
        with talk.bar("testing", len(placed.test)) as (tick, _):
            figures = evaluate(predictor, meter, placed.test, tick)
        files.write_text(folder / "predictions.csv", meter.text())
    header = header_for(
        predictor.task, chosen.task, chosen.canvas, predictor.view,
        learner=chosen.learner.model_dump(), test=figures, parts=parts,
        recipe=recipe.to_toml(chosen), version=__version__, data=facts,
    )  # fmt: skip
    artifact = Artifact(header, predictor)
    artifact.save(folder / NAME)
    event = {"event": "test", "epoch": 0, "chosen": False, "figures": figures, "parts": parts}
    events.append(folder, event | {"seconds": seconds})
    if figures:
        report.write(folder, test)
    return artifact
