"""Evaluation: prediction plus a meter, the same for torch, exported files and scratch learners."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sightline.data.dataset import ArrayDataset, Dataset
from sightline.errors import DataError
from sightline.metrics import Meter
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
) -> dict[str, float]:
    """The meter's figures over the whole set. `tick` is called with the images done."""
    if len(dataset) == 0:
        raise DataError(f"{dataset.name}: nothing to evaluate on")
    at_hand = isinstance(dataset, ArrayDataset) or dataset.ready is not None
    chunk = CHUNK if at_hand else DECODED
    for start in range(0, len(dataset), chunk):
        rows = np.arange(start, min(start + chunk, len(dataset)))
        predictions = predictor.predict(dataset.images(rows))
        meter.update(predictions, [dataset.truths.at(int(i)) for i in rows], rows.tolist())
        tick(len(rows))
    return meter.result()
