"""What a classifier says of every image of a set, as one table."""

from collections.abc import Callable, Sequence
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from sightline import tasks
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.errors import ArtifactError
from sightline.metrics import Meter
from sightline.tasks.classification import Classification
from sightline.tasks.evaluate import evaluate
from sightline.types import Annotation


@final
class _Scores(Meter):
    def __init__(self) -> None:
        self.rows: list[tuple[int, NDArray[np.float32], int]] = []

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        for guess, truth, index in zip(predictions, truths, indices, strict=True):
            assert guess.scores is not None
            assert truth.label is not None
            self.rows.append((int(index), guess.scores, truth.label))

    def merge(self, other: Self) -> None:
        self.rows += other.rows

    def result(self) -> dict[str, float]:
        return {"images": float(len(self.rows))}


def scores_of(
    artifact: Artifact, dataset: Dataset, tick: Callable[[int], None] = lambda _: None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities (n, classes) and truths (n,), in the set's order.

    Raises ArtifactError for a model that answers with no classes, or for other ones.
    """
    require_classes(artifact)
    artifact.meter_for(dataset)
    meter = _Scores()
    evaluate(artifact.predictor, meter, dataset, tick)
    rows = sorted(meter.rows, key=lambda row: row[0])
    return np.stack([row[1] for row in rows]), np.array([row[2] for row in rows], np.int64)


def require_classes(artifact: Artifact) -> None:
    """Raise ArtifactError for a model of another task than classification."""
    if artifact.task != "classification":
        raise ArtifactError(f"the model is for {artifact.task}; this needs one for classification")


def answers_of(
    artifact: Artifact, scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) the classes that are answered, and their probabilities, of what `scores_of` gives."""
    task = artifact.predictor.task
    assert isinstance(task, Classification)
    labels = task.labels(scores)
    return labels, scores[np.arange(len(scores)), labels].astype(np.float64)


def answer_by(artifact: Artifact, temperature: float, threshold: float | None) -> None:
    """Let the model answer at this temperature and threshold from here on, and when it is saved."""
    new = {"temperature": temperature, "threshold": threshold}
    settings = artifact.header["task"]["settings"] | new
    task = tasks.build(artifact.task, artifact.classes, settings)
    artifact.predictor.task = task
    artifact.header["task"] = {"name": artifact.task, "settings": task.settings()}
