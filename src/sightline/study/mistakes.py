"""A model's mistakes on a part of its set, with what a person needs to say why (course, 4.10)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline import report
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset, Subset
from sightline.errors import ArtifactError, DataError
from sightline.evaluation import own_splits
from sightline.predictions import Recording, columns
from sightline.study.nearest import nearest
from sightline.talk import Talk
from sightline.tasks.evaluate import evaluate


@dataclass(frozen=True)
class Mistake:
    """One image that was named wrongly.

    index       its row in the part
    confidence  of the guess, 0 to 1
    near        rows of the training part, the nearest first
    """

    index: int
    source: str
    truth: str
    guess: str
    confidence: float
    near: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Mistakes:
    """The mistakes of one part.

    model   as the user named it
    part    test, val or train-dev
    images  of the part
    every   mistake, by row
    chosen  those to look at: all, or some drawn with a seed; the surest first
    """

    model: str
    part: str
    dataset: Dataset
    train: Dataset
    every: tuple[Mistake, ...]
    chosen: tuple[Mistake, ...]

    @property
    def images(self) -> int:
        return len(self.dataset)

    @property
    def error(self) -> float:
        return len(self.every) / self.images

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: figures alone."""
        return {
            "part": self.part,
            "images": self.images,
            "wrong": len(self.every),
            "error": self.error,
            "shown": len(self.chosen),
        }

    @property
    def key(self) -> str:
        """A name for these mistakes: what was ticked for them is found by it."""
        said = "\n".join(f"{m.index} {m.source} {m.guess}" for m in self.every)
        digest = hashlib.sha256(f"{self.part}\n{said}".encode("utf-8", "backslashreplace"))
        return digest.hexdigest()[:16]


def collect(
    artifact: Artifact,
    model: str,
    talk: Talk,
    part: str = "test",
    limit: int = 100,
    seed: int = 0,
    near: int = 3,
) -> Mistakes:
    """The mistakes of a model on its own part of the set that it was trained on.

    limit  mistakes to look at; of more, as many are drawn
    near   training images to show beside each; 0 for none

    Raises ArtifactError for another task, DataError where the set is gone or has no such part.
    """
    if artifact.task != "classification":
        raise ArtifactError(f"{model} is for {artifact.task}; errors are those of classification")
    if "recipe" not in artifact.header:
        raise DataError(f"{model} was not trained here, so it has no test part of its own")
    splits = own_splits(artifact, talk)
    if part not in splits.parts:
        raise DataError(f"{splits.train.name} has no {part} part; it has {', '.join(splits.parts)}")
    dataset = splits.parts[part]
    every = [_mistake(row) for row in _rows(artifact, part, dataset, talk)]
    wrong = tuple(mistake for mistake in every if mistake.truth != mistake.guess)
    drawn = np.random.default_rng(seed).permutation(len(wrong))[:limit].tolist()
    chosen = sorted((wrong[i] for i in sorted(drawn)), key=lambda m: -m.confidence)
    if near and chosen:
        asked = Subset(dataset, [mistake.index for mistake in chosen])
        rows = nearest(artifact.predictor, asked, splits.train, near, talk).tolist()
        chosen = [
            Mistake(m.index, m.source, m.truth, m.guess, m.confidence, tuple(those))
            for m, those in zip(chosen, rows, strict=True)
        ]
    return Mistakes(model, part, dataset, splits.train, wrong, tuple(chosen))


def _rows(artifact: Artifact, part: str, dataset: Dataset, talk: Talk) -> list[dict[str, str]]:
    """The answers of a part, as predictions.csv has them; those of a run's test are there."""
    if part == "test" and artifact.run is not None and _reported(artifact.run):
        rows = report.read(artifact.run).rows
        if [row["source"] for row in rows] == [dataset.source(i) for i in range(len(dataset))]:
            return rows
    meter = Recording(artifact.meter_for(dataset), dataset)
    with talk.bar(f"answering {part}", len(dataset)) as (tick, _):
        evaluate(artifact.predictor, meter, dataset, tick)
    names = ["index", "source", *columns("classification", dataset.classes)]
    return [dict(zip(names, row, strict=True)) for row in meter.rows]


def _reported(run: Path) -> bool:
    return all((run / name).is_file() for name in ("predictions.csv", "events.jsonl"))


def _mistake(row: dict[str, str]) -> Mistake:
    return Mistake(
        int(row["index"]), row["source"], row["truth"], row["guess"], float(row["confidence"])
    )
