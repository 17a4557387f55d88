"""Evaluation: prediction plus a meter, the same for torch, exported files and scratch learners."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sightline.data.dataset import Dataset
from sightline.metrics import Meter
from sightline.types import Annotation, Images

CHUNK = 256


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
    for start in range(0, len(dataset), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset)))
        predictions = predictor.predict(dataset.images(rows))
        meter.update(predictions, [dataset.truths.at(int(i)) for i in rows], rows.tolist())
        tick(len(rows))
    return meter.result()
