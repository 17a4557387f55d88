"""Cross-validation: k runs on disjoint folds, mean and deviation, taken up again."""

import csv
import json
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest

from sightline.artifact import open_artifact
from sightline.errors import RecipeError
from sightline.evaluation import own_splits
from sightline.request import ask
from sightline.study.folds import cross_validate
from sightline.study.several import Several, summary
from sightline.talk import Silent

SETTINGS = [("learner.name", "softmax-regression"), ("learner.epochs", 3)]


def validated(folder: Path, k: int = 3) -> Several:
    return cross_validate(ask("digits", Silent()), SETTINGS, k, folder, False, Silent())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folds") / "three"
    validated(path)
    return path


def test_every_image_but_the_test_part_is_validated_on_once(folder: Path) -> None:
    sources: list[str] = []
    for number in (1, 2, 3):
        parts = own_splits(open_artifact(folder / f"fold-{number}"), Silent())
        assert parts.val is not None
        assert parts.test is not None
        mine = [parts.val.source(i) for i in range(len(parts.val))]
        trained = {parts.train.source(i) for i in range(len(parts.train))}
        assert not trained & set(mine)
        sources += mine
    assert len(sources) == len(set(sources)) == 1797 - len(parts.test)


def test_mean_and_deviation_are_those_of_the_folds(folder: Path) -> None:
    found = validated(folder)  # all is there already
    assert len(found.val) == len(found.test) == 3
    mean, deviation = summary(found.test)["accuracy"]
    shares = []
    for run in found.runs:
        with (run / "predictions.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        shares.append(np.mean([row["truth"] == row["guess"] for row in rows]))
    assert mean == pytest.approx(np.mean(shares))
    assert deviation == pytest.approx(statistics.stdev(map(float, shares)))
    said = found.to_dict()["summary"]["test"]["accuracy"]
    assert said == {"mean": mean, "deviation": deviation}
    assert "test of 3 folds" in found.to_text()
    assert not found.chosen


def test_the_same_command_trains_what_is_missing_and_leaves_the_rest(folder: Path) -> None:
    first = (folder / "fold-1" / "model.safetensors").stat().st_mtime_ns
    before = json.dumps(validated(folder).test)
    shutil.rmtree(folder / "fold-2")
    assert json.dumps(validated(folder).test) == before
    assert (folder / "fold-1" / "model.safetensors").stat().st_mtime_ns == first


def test_a_folder_of_other_folds_is_refused(folder: Path) -> None:
    with pytest.raises(RecipeError, match="folds of another request"):
        validated(folder, 4)
    with pytest.raises(RecipeError, match="sets data.folds"):
        other = [*SETTINGS, ("data.fold", 1)]
        cross_validate(ask("digits", Silent()), other, 3, folder, False, Silent())
