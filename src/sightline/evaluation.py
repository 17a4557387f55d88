"""Evaluation of a model that is there already, and its report written again."""

import csv
from pathlib import Path

from sightline import recipe, report
from sightline.artifact import Artifact, open_artifact
from sightline.data import catalog
from sightline.data.dataset import Dataset, relabeled
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError, RecipeError, UnknownName
from sightline.prepare import open_data, split_data
from sightline.provenance import data_facts
from sightline.request import kind_of
from sightline.talk import Talk
from sightline.tasks.evaluate import evaluate


def evaluate_run(
    artifact: Artifact,
    data: str | None,
    quarantine: bool,
    talk: Talk,
    label_from: str | None = None,
) -> tuple[str, dict[str, float]]:
    """The figures on the model's own test part, or on the test part (else the whole) of `data`;
    and the name of what was measured.

    label_from  finds the labels of `data` in the names of its files
    """
    dataset = _evaluation_set(artifact, data, label_from, quarantine, talk)
    with talk.bar("evaluating", len(dataset)) as (tick, _):
        figures = evaluate(artifact.predictor, artifact.meter_for(dataset), dataset, tick)
    return dataset.name, figures


def _evaluation_set(
    artifact: Artifact, data: str | None, label_from: str | None, quarantine: bool, talk: Talk
) -> Dataset:
    if data is None:
        test = own_splits(artifact, talk).test
        if test is None:
            raise DataError("the model's recipe has no test part; name a set: --data SET|FOLDER")
        return test
    if kind_of(data) == "recipe":
        raise UnknownName("set", data, catalog.DATASETS)
    path = str(Path(data).resolve()) if kind_of(data) == "path" else None
    chosen = recipe.from_text(str(artifact.header.get("recipe", "")), str(artifact.path))
    if (chosen.data.name, chosen.data.path) == (None if path else data, path):
        test = own_splits(artifact, talk).test  # the rest of it was trained on
        if test is not None:
            return test
    name = None if path else data
    wanted = recipe.Data(
        name=name,
        path=path,
        label_from=label_from,
        quarantine=quarantine,
        root=chosen.data.root,
    )
    opened = open_data(wanted, talk, look=False)
    whole = opened.splits.test or opened.splits.train
    return relabeled(whole, artifact.classes)


def own_splits(artifact: Artifact, talk: Talk) -> Splits:
    """The parts the model was trained, chosen and tested on, opened again."""
    chosen = recipe.from_text(str(artifact.header.get("recipe", "")), str(artifact.path))
    splits = split_data(open_data(chosen.data, talk, look=False), chosen.data)
    before, now = artifact.header.get("data"), data_facts(splits)
    if isinstance(before, dict) and before.get("fingerprint") != now["fingerprint"]:
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
