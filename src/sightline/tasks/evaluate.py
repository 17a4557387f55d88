"""Evaluation: prediction plus a meter, the same for torch, exported files and scratch learners."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from sightline.data.dataset import ArrayDataset, Dataset
from sightline.data.geometry import Matrices, inverted, moved_points
from sightline.data.placing import batch_of
from sightline.errors import DataError
from sightline.metrics import Meter
from sightline.processes import ALONE, Processes
from sightline.types import Annotation, Images

CHUNK = 256  # images at a time from memory
DECODED = 32  # and from files, at their full size


class Predictor(Protocol):
    """Whatever answers images with annotations."""

    classes: tuple[str, ...]

    def predict(self, images: Images) -> list[Annotation]:
        """One annotation an image; `images` is a list, or one (n, h, w, c) array."""
        ...


def evaluate(
    predictor: Predictor,
    meter: Meter,
    dataset: Dataset,
    tick: Callable[[int], None] = lambda _: None,
    processes: Processes = ALONE,
) -> dict[str, float]:
    """The meter's figures over the whole set, on every process; each predicts a share of it.

    `tick` is called with the images done.
    """
    if len(dataset) == 0:
        raise DataError(f"{dataset.name}: nothing to evaluate on")
    at_hand = isinstance(dataset, ArrayDataset) or dataset.ready is not None
    chunk = CHUNK if at_hand else DECODED
    for start in range(processes.rank * chunk, len(dataset), processes.size * chunk):
        rows = np.arange(start, min(start + chunk, len(dataset)))
        images, column = batch_of(dataset, rows)
        predictions, truths = predictor.predict(images), [column.at(i) for i in range(len(rows))]
        if column.matrices is not None:
            predictions, truths = (_original(of, column.matrices) for of in (predictions, truths))
        meter.update(predictions, truths, rows.tolist())
        tick(min(processes.size * len(rows), len(dataset) - start))
    if processes.size == 1:
        return meter.result()
    _, *others = processes.gather(meter)
    if processes.first:  # whose sums count: of floats added in another order, no two are equal
        for other in others:
            meter.merge(other)
    return processes.told(meter.result() if processes.first else {})


def _original(annotations: Sequence[Annotation], matrices: Matrices) -> list[Annotation]:
    """Landmarks on canvases in the pixels of the images that were laid on them."""
    back, found = inverted(matrices), []
    for row, annotation in enumerate(annotations):
        points = annotation.landmarks
        if points is not None:
            points = moved_points(points[None], back[row : row + 1])[0]
        found.append(replace(annotation, landmarks=points))
    return found
