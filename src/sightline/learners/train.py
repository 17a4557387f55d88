"""A learner carried out into a run folder: fitted at once, tested once, saved and reported.

runs/NAME/  recipe.toml  events.jsonl  model.safetensors  predictions.csv  report.html  figures/
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, recipe, report, tables, tasks
from sightline.artifact import NAME, Artifact, header_for
from sightline.asked import claimed, open_request, require_free, tell
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.data.views import View
from sightline.errors import DataError, DeviceError, RecipeError
from sightline.evaluation import own_splits
from sightline.learners import build, features
from sightline.learners.features import FeatureFile
from sightline.learners.predictor import FeaturePredictor, LearnerPredictor
from sightline.overrides import Setting, override
from sightline.predictions import Recording
from sightline.prepare import Opened, open_data, place, split_data
from sightline.processes import joined
from sightline.provenance import (
    counted,
    data_facts,
    machine,
    split_sentence,
    start_event,
)
from sightline.recipe import LearnerRecipe
from sightline.request import Request
from sightline.talk import Silent, Talk
from sightline.tasks import Raw
from sightline.training import events
from sightline.version import __version__

CHUNK = 1024  # rows at a time
Predictor = LearnerPredictor | FeaturePredictor


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that fitting needs.

    splits  the parts; `rows` are their rows (n, features), by part
    start   the run's first event, but for what the learner turns out to be
    facts   of the data
    network what the header says of the network behind the learner
    """

    recipe: LearnerRecipe
    predictor: Predictor
    splits: Splits
    rows: dict[str, NDArray[Any]]
    start: dict[str, Any]
    facts: dict[str, Any]
    network: dict[str, Any]
    from_file: bool = False


def train_learner(
    request: Request,
    settings: Sequence[Setting],
    to: Path | None,
    talk: Talk,
    given: Opened | None = None,
) -> Artifact:
    """Carry out a request that names a learner; the rest as `experiment.train`.

    What it sees are pixels, or features where the recipe has a table of them, or the request is a
    file of them. `train.seed` is the learner's. Raises RecipeError where the learner refuses its
    settings or the data, before the run folder is made.
    """
    with joined() as processes:
        if processes.size > 1:
            raise RecipeError("a learner is fitted in one process; start it without torchrun")
    require_free(to)
    device, settings = _for_learner(settings)
    path = request.content.get("data", {}).get("path")
    if path is not None and features.recognises(Path(path)):
        prepared = _from_file(features.read(Path(path)), request, settings, device, talk)
    else:
        prepared = _from_images(request, settings, device, talk, given)
    X = prepared.rows["train"]
    y = np.asarray(prepared.splits.train.truths.label)
    name = prepared.recipe.learner.name
    talk.say(f"fitting {name} on {len(X):,} rows of {X.shape[1]:,} values")
    began = time.monotonic()
    build.fit(prepared.predictor.learner, X, y)
    seconds = time.monotonic() - began
    folder = claimed(to, request.name)
    with files.output_errors(folder), files.locked(folder):
        return _finish(folder, prepared, seconds, talk)


def _for_learner(settings: Sequence[Setting]) -> tuple[str, list[Setting]]:
    """The device, and the settings of every experiment as a learner has them."""
    device, kept = "auto", list[Setting]()
    for key, value in settings:
        if key == "train.device":
            device = str(value)
        else:
            kept.append(("learner.seed" if key == "train.seed" else key, value))
    return device, kept


def _from_images(
    request: Request,
    settings: Sequence[Setting],
    device: str,
    talk: Talk,
    given: Opened | None,
) -> Prepared:
    """Rows of pixels, or of features that are made here and now."""
    asked = open_request(request, settings, talk, given)
    chosen = recipe.from_dict(asked.content, asked.origin, LearnerRecipe)
    splits = asked.splits
    if chosen.task != "classification" or splits.train.truths.task != chosen.task:
        raise RecipeError(f"learners learn classes; {splits.train.name} is for {chosen.task}")
    if chosen.features is None and device not in ("cpu", "auto"):
        raise DeviceError(f"--device {device}: learners of NumPy run on the CPU")
    build.build(chosen.learner.name, chosen.learner.settings, (1, 1, 1))  # what is wrong, at once
    tell(asked, talk)
    facts = data_facts(splits)
    predictor: Predictor
    network: dict[str, Any] = {}
    if chosen.features is None:
        splits = place(splits, chosen.canvas, talk)
        predictor = _of_pixels(chosen, splits)
        rows = {name: _rows(predictor, part) for name, part in splits.parts.items()}
    else:
        source = features.open_source(chosen.features, device, talk)
        with talk.bar("taking features", len(splits)) as (tick, _):
            rows = {n: features.all_rows(source, p, tick) for n, p in splits.parts.items()}
        network = source.header(chosen.features)
        predictor, chosen = _of_features(chosen, source, splits.train.classes)
    start = start_event(asked.opened, splits, facts, chosen, asked.reasons)
    return Prepared(chosen, predictor, splits, rows, start, facts, network)


def _from_file(
    file: FeatureFile, request: Request, settings: Sequence[Setting], device: str, talk: Talk
) -> Prepared:
    """Rows of a file of features, split by what it says or as asked."""
    tables = {"data": file.data, "features": file.features}
    content: dict[str, Any] = {
        name: table.model_dump(exclude_none=True) for name, table in tables.items()
    }
    content |= {"about": f"on {Path(request.name).name}", "source": "features of a file"}
    changed = override(content, settings)
    for key in ("canvas", "view", "features", "task"):
        if changed.get(key) != content.get(key):
            raise RecipeError(f"{key} was decided when {request.name}'s features were taken")
    for key in ("name", "path"):
        if changed["data"].get(key) != content["data"].get(key):
            raise RecipeError(f"{request.name} holds features of another set than data.{key}")
    chosen = recipe.from_dict(changed, request.name, LearnerRecipe)
    build.build(chosen.learner.name, chosen.learner.settings, (1, 1, 1))
    opened = Opened(file.splits, None, [], True)
    splits = split_data(opened, chosen.data)
    facts = _facts(splits, chosen.data, talk)
    source = features.open_source(file.features, device, talk)
    if source.weights != file.weights:
        raise DataError(f"{request.name}: {file.features.model} has other weights by now")
    predictor, chosen = _of_features(chosen, source, splits.train.classes)
    rows = {name: features.matrix(part) for name, part in splits.parts.items()}
    talk.say(f"split: {split_sentence(opened, chosen.data, splits)}")
    start = start_event(opened, splits, facts, chosen, [])
    network = source.header(file.features)
    return Prepared(chosen, predictor, splits, rows, start, facts, network, from_file=True)


def _facts(splits: Splits, data: tables.Data, talk: Talk) -> dict[str, Any]:
    """Of the pictures where they are at hand; else of their rows alone, without a fingerprint."""
    try:
        pictures = split_data(open_data(data, Silent(), False), data)
    except DataError as error:
        talk.say(f"{error}; going on with the features alone")
        return counted(splits)
    for name, part in splits.parts.items():
        other = pictures.parts.get(name)
        there = [] if other is None else [other.source(i) for i in range(len(other))]
        if there != [part.source(i) for i in range(len(part))]:
            raise DataError(f"{part.name} changed since its features were taken; take them again")
    return data_facts(pictures)


def _of_pixels(chosen: LearnerRecipe, placed: Splits) -> LearnerPredictor:
    """The learner, not fitted, with canvas, view and task."""
    size, top, test = chosen.view.size or chosen.canvas.size, chosen.view.top, chosen.view.test
    view = View(size, top, test="center" if test == "auto" else test)
    shape = (chosen.canvas.channels, *view.size)
    learner = build.build(chosen.learner.name, chosen.learner.settings, shape)
    task = tasks.build(chosen.task, placed.train.classes, {})
    return LearnerPredictor(learner, task, chosen.canvas, view, chosen.learner.values)


def _of_features(
    chosen: LearnerRecipe, source: features.Source, classes: tuple[str, ...]
) -> tuple[FeaturePredictor, LearnerRecipe]:
    """The same behind a network; and the recipe with that network's canvas and view."""
    learner = build.build(chosen.learner.name, chosen.learner.settings, (1, 1, 1))
    canvas, view = source.predictor.canvas, replace(source.predictor.view, test="center")
    task = tasks.build(chosen.task, classes, {})
    device = source.predictor.device
    predictor = FeaturePredictor(source.extractor, learner, task, canvas, view, device)
    seen = tables.ViewSettings(size=view.size, top=view.top)
    return predictor, chosen.model_copy(update={"canvas": canvas, "view": seen})


def _rows(predictor: LearnerPredictor, part: Dataset) -> NDArray[Any]:
    """Pixels of a part as rows (n, features)."""
    found = []
    for start in range(0, len(part), CHUNK):
        canvases = part.images(np.arange(start, min(start + CHUNK, len(part))))
        inputs = predictor.view.test_inputs(torch.from_numpy(np.asarray(canvases)))[0]
        found.append(predictor.rows(inputs))
    return np.concatenate(found)


def _measure(prepared: Prepared, part: str, talk: Talk) -> tuple[dict[str, float], str]:
    """A part's figures, and the table of its predictions: those of its rows, seen once."""
    predictor, dataset = prepared.predictor, prepared.splits.parts[part]
    meter = Recording(predictor.task.meter(), dataset)
    rows = prepared.rows[part]
    with talk.bar(f"measuring {part}", len(rows)) as (tick, _):
        for start in range(0, len(rows), CHUNK):
            shares = build.scores(
                predictor.learner, rows[start : start + CHUNK], len(predictor.classes)
            )
            answers = predictor.task.decode(Raw({"scores": torch.from_numpy(shares)}))
            indices = list(range(start, start + len(shares)))
            meter.update(answers, [dataset.truths.at(i) for i in indices], indices)
            tick(len(shares))
    return meter.result(), meter.text()


def _finish(folder: Path, prepared: Prepared, seconds: float, talk: Talk) -> Artifact:
    """Say what was learned, test once, save, report."""
    chosen, predictor = prepared.recipe, prepared.predictor
    files.write_text(folder / "recipe.toml", recipe.to_toml(chosen))
    numbers = sum(array.size for array in predictor.learner.state().values())
    model = {"name": chosen.learner.name, "parameters": numbers}
    there = machine(predictor.device)
    events.append(folder, prepared.start | {"machine": there, "model": model})
    for epoch in build.history(predictor.learner):
        events.append(folder, {"event": "epoch"} | epoch)
    parts: dict[str, dict[str, float]] = {}
    if "val" in prepared.rows:
        parts["val"], _ = _measure(prepared, "val", talk)
    figures: dict[str, float] = {}
    if "test" in prepared.rows:
        figures, table = _measure(prepared, "test", talk)
        files.write_text(folder / "predictions.csv", table)
    header = header_for(
        predictor.task, chosen.task, predictor.canvas, predictor.view,
        learner=chosen.learner.model_dump(), test=figures, parts=parts,
        recipe=recipe.to_toml(chosen), version=__version__, data=prepared.facts,
        **prepared.network,
    )  # fmt: skip
    artifact = Artifact(header, predictor)
    artifact.save(folder / NAME)
    event = {"event": "test", "epoch": 0, "chosen": False, "figures": figures, "parts": parts}
    events.append(folder, event | {"seconds": seconds})
    if figures:
        report.write(folder, _pictures(artifact, prepared))
    return artifact


def _pictures(artifact: Artifact, prepared: Prepared) -> Dataset | None:
    """The test part with its pictures, if they are at hand."""
    if not prepared.from_file:
        return prepared.splits.test
    try:
        return own_splits(artifact, Silent()).test
    except (DataError, RecipeError):
        return None
