"""Predictions as rows of a table, the same in a run's predictions.csv and in `predict --csv`."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import Dataset
from sightline.metrics import Meter
from sightline.metrics.classification import ranks
from sightline.types import Annotation

BETWEEN = " | "  # label names in one cell
SURE = 0.5  # confidence from which a box is drawn, and counts as said


def columns(task: str, classes: Sequence[str]) -> list[str]:
    """What stands in a row beyond index and source."""
    if task == "classification":
        return ["truth", "guess", "confidence", "truth_rank", "truth_score"]
    if task == "multilabel":
        return ["truth", "guess", "truth_no"]
    if task == "detection":
        return ["truth", "guess"]
    if task == "landmarks":
        classes = [f"{name}_{axis}" for name in classes for axis in "xy"]
    return [f"{kind}:{name}" for kind in ("truth", "guess") for name in classes]


def cells(guess: Annotation, truth: Annotation, classes: Sequence[str]) -> list[str]:
    """The row's cells; empty where nothing is known."""

    def named(annotation: Annotation, answer: int) -> str:
        if annotation.labels is None:
            return ""
        return BETWEEN.join(classes[int(i)] for i in np.flatnonzero(annotation.labels == answer))

    if guess.label is not None:
        said = "" if truth.label is None else classes[truth.label]
        return [said, classes[guess.label], f"{guess.score:.6f}", *_of_truth(guess, truth)]
    if guess.boxes is not None:
        return [listed(truth, classes), listed(guess, classes)]
    if guess.labels is not None:
        return [named(truth, 1), named(guess, 1), named(truth, 0)]
    if guess.landmarks is not None:
        return [cell for each in (truth, guess) for cell in _placed(each.landmarks, len(classes))]
    rows = (truth.values, guess.values)
    return [
        cell
        for values in rows
        for cell in (
            [""] * len(classes) if values is None else [f"{float(value):.7g}" for value in values]
        )
    ]


def _placed(points: NDArray[np.float32] | None, count: int) -> list[str]:
    """x and y of each landmark in pixels of the picture; empty where it is not visible."""
    if points is None:
        return [""] * 2 * count
    return ["" if np.isnan(value) else f"{value:.3f}" for value in points.ravel().tolist()]


def points_of(
    rows: Sequence[Mapping[str, str]], kind: str, classes: Sequence[str]
) -> NDArray[np.float32]:
    """(n, k, 2) the landmarks of rows that `cells` has written; nan where not visible.

    kind  truth or guess. Raises ValueError or KeyError where they are not as written
    """
    table = [
        [[float(row[f"{kind}:{name}_{axis}"] or "nan") for axis in "xy"] for name in classes]
        for row in rows
    ]
    return np.array(table, np.float32).reshape(-1, len(classes), 2)


def listed(annotation: Annotation, classes: Sequence[str]) -> str:
    """Boxes as JSON in a cell: [class, confidence or null, x0, y0, x1, y1] each."""
    if annotation.boxes is None or annotation.classes is None:
        return ""
    sure = annotation.confidence
    return json.dumps(
        [
            [
                classes[int(label)],
                None if sure is None else round(float(sure[i]), 6),
                *(round(float(side), 2) for side in annotation.boxes[i]),
            ]
            for i, label in enumerate(annotation.classes)
        ]
    )


def unlisted(cell: str, classes: Sequence[str]) -> Annotation:
    """What `listed` has written. Raises ValueError or KeyError where it has not."""
    rows = json.loads(cell) if cell else []
    index = {name: i for i, name in enumerate(classes)}
    sure = [row[1] for row in rows]
    return Annotation(
        boxes=np.array([row[2:6] for row in rows], np.float32).reshape(-1, 4),
        classes=np.array([index[row[0]] for row in rows], np.int64),
        confidence=None if None in sure else np.array(sure, np.float32),
    )


def _of_truth(guess: Annotation, truth: Annotation) -> list[str]:
    """The place of the truth among the classes, from 1, and its probability."""
    if truth.label is None or guess.scores is None:
        return ["", ""]
    rank = ranks(guess.scores[None], np.array([truth.label]))[0]
    return [str(rank), f"{guess.scores[truth.label]:.6g}"]


def sure(annotation: Annotation, least: float = SURE) -> Annotation:
    """The boxes of at least that confidence."""
    assert annotation.boxes is not None and annotation.classes is not None
    if annotation.confidence is None:
        return annotation
    kept = annotation.confidence >= least
    return Annotation(
        boxes=annotation.boxes[kept],
        classes=annotation.classes[kept],
        confidence=annotation.confidence[kept],
    )


class Recording(Meter):
    """A meter that also keeps every answer as a row."""

    def __init__(self, meter: Meter, dataset: Dataset) -> None:
        self.meter, self.dataset = meter, dataset
        self.rows: list[list[str]] = []

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        self.meter.update(predictions, truths, indices)
        for guess, truth, index in zip(predictions, truths, indices, strict=True):
            row = [str(index), self.dataset.source(index)]
            self.rows.append(row + cells(guess, truth, self.dataset.classes))

    def merge(self, other: Self) -> None:
        self.meter.merge(other.meter)
        self.rows += other.rows

    def result(self) -> dict[str, float]:
        return self.meter.result()

    def __getstate__(self) -> dict[str, Any]:
        return {"meter": self.meter, "rows": self.rows}  # the set stays where it is

    def text(self) -> str:
        """The rows as CSV, in the order of the set."""
        header = ["index", "source", *columns(self.dataset.truths.task, self.dataset.classes)]
        return as_csv([header, *sorted(self.rows, key=lambda row: int(row[0]))])


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
