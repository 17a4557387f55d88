"""Evaluation of a model that is there already, and its report written again."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sightline import recipe, report, tables
from sightline.artifact import Artifact, open_artifact
from sightline.data import catalog
from sightline.data.dataset import Dataset
from sightline.data.fingerprint import fingerprint
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError, RecipeError, UnknownName
from sightline.metrics import Meter
from sightline.metrics.classification import ClassificationMeter
from sightline.metrics.costs import weighted_accuracy
from sightline.predictor import look_through
from sightline.prepare import open_data, split_data
from sightline.processes import joined
from sightline.provenance import data_facts, require_same
from sightline.request import kind_of
from sightline.talk import Silent, Talk
from sightline.tasks.classification import Classification
from sightline.tasks.evaluate import evaluate


@dataclass(frozen=True)
class Where:
    """What to measure on.

    data        a set's name or path; None for the model's own test part
    root        where a named set is looked for first; else where the run found its own
    label_from  finds the labels of `data` in the names of its files
    ranks       k of further rank-k accuracies
    weights     how often an image of a class counts in the weighted accuracy; 1 where not given
    calibration  whether to say a classifier's expected calibration error, too
    views       center, mirror or ten-crop; None for the model's own
    """

    data: str | None = None
    root: str | None = None
    label_from: str | None = None
    quarantine: bool = False
    ranks: tuple[int, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    calibration: bool = False
    views: str | None = None


def evaluate_run(artifact: Artifact, where: Where, talk: Talk) -> tuple[str, dict[str, float]]:
    """The name of what was measured, and the figures: on the model's own test part, or on the test
    part (else the whole) of another set. Several processes share the work and know the figures."""
    if where.views is not None:
        look_through(artifact.predictor, where.views)
    with joined() as processes:
        talk = talk if processes.first else Silent()
        dataset = processes.in_turn(lambda: evaluation_set(artifact, where, talk))
        require_same(processes, fingerprint(dataset) if processes.size > 1 else "", dataset.name)
        task = artifact.predictor.task
        if isinstance(task, Classification) and task.threshold is not None:
            talk.say(task.sentence())
        with talk.bar("evaluating", len(dataset)) as (tick, _):
            meter = artifact.meter_for(dataset)
            figures = evaluate(artifact.predictor, meter, dataset, tick, processes)
        return dataset.name, processes.told(figures | _further(meter, where))


def _further(meter: Meter, where: Where) -> dict[str, float]:
    """What is worth knowing of a classifier beyond the meter's figures; of several processes, the
    first one's meter has all images."""
    if not isinstance(meter, ClassificationMeter):
        if where.ranks or where.weights:
            raise ArtifactError("ranks and weights are of classes; this model answers with none")
        return {}
    found = {"ece": meter.calibration().ece} if where.calibration else {}
    found |= {f"top{k}": meter.top(k) for k in where.ranks}
    for name in where.weights:
        if name not in meter.classes:
            raise UnknownName("class in --weight", name, meter.classes)
    if where.weights:
        weights = [where.weights.get(name, 1.0) for name in meter.classes]
        try:
            found["weighted"] = weighted_accuracy(meter.confusion, weights)
        except ValueError as error:
            raise DataError(f"--weight: {error}") from None
    return found


def evaluation_set(artifact: Artifact, where: Where, talk: Talk) -> Dataset:
    """The model's own test part, or the test part (else the whole) of another set, its classes
    as the model's. Raises SightlineError."""
    data, trained = where.data, "recipe" in artifact.header
    if data is None:
        test = own_splits(artifact, talk).test if trained else None
        if test is None:
            raise DataError("the model has no test part of its own; name a set: --data SET|FOLDER")
        return test
    if kind_of(data) == "recipe":
        raise UnknownName("set", data, catalog.DATASETS)
    path = str(Path(data).resolve()) if kind_of(data) == "path" else None
    name = None if path else data
    root = where.root
    if trained:
        chosen = recipe.from_text(str(artifact.header["recipe"]), str(artifact.path))
        root = root or chosen.data.root
        if (chosen.data.name, chosen.data.path) == (name, path):
            test = own_splits(artifact, talk).test  # the rest of it was trained on
            if test is not None:
                return test
    wanted = tables.Data(
        name=name,
        path=path,
        label_from=where.label_from,
        quarantine=where.quarantine,
        root=root,
    )
    opened = open_data(wanted, talk, look=False)
    whole = opened.splits.test or opened.splits.train
    if artifact.unnamed and len(whole.classes) == len(artifact.classes):
        talk.say(f"the {len(whole.classes)} outputs are taken for {whole.name}'s classes in order")
    return artifact.matched(whole)


def own_splits(artifact: Artifact, talk: Talk) -> Splits:
    """The parts the model was trained, chosen and tested on, opened again."""
    chosen = recipe.from_text(str(artifact.header.get("recipe", "")), str(artifact.path))
    splits = split_data(open_data(chosen.data, talk, look=False), chosen.data)
    before, now = artifact.header.get("data"), data_facts(splits)
    then = before.get("fingerprint") if isinstance(before, dict) else None
    if then is not None and then != now["fingerprint"]:
        raise DataError(
            f"{now['name']} changed since the model was trained, so its test part is no longer "
            "the one kept from training; measure on other data: --data SET|FOLDER"
        )
    return splits


def retell(folder: Path, talk: Talk) -> Path:
    """Write the report of a finished run again."""
    splits: Splits | None
    try:
        splits = own_splits(open_artifact(folder, "cpu"), talk)
    except (DataError, RecipeError) as error:
        talk.say(f"{error}; the report goes without pictures")
        splits = None
    try:
        return report.write(folder, splits.test if splits else None)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, csv.Error) as error:
        # What a table or line that was edited by hand runs into.
        reason = f"{type(error).__name__}: {error}"
        raise ArtifactError(f"{folder}: its events or predictions are damaged ({reason})") from None
