"""Sets whose labels are told as another's: a model's classes, matched by name or by order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sightline.data.dataset import Dataset, Subset
from sightline.errors import DataError

NAMED = 20  # classes in one line


def relabeled(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The set with its labels (and those of boxes) as indices into `classes`, matched by name; its
    landmarks in their order.

    Many labels of a class that the set has not are unknown, landmarks that it has not invisible.
    Raises DataError for a class that is not among `classes`.
    """
    truths = dataset.truths
    if dataset.classes == classes or truths.task not in (
        "classification",
        "multilabel",
        "detection",
        "landmarks",
    ):
        return dataset
    unknown = sorted(set(dataset.classes) - set(classes))
    if unknown:
        raise DataError(
            f"{dataset.name}: classes the model does not know: {_few(unknown)}; "
            f"it knows {_few(classes)}"
        )
    position = np.array([classes.index(name) for name in dataset.classes], np.int64)
    if truths.label is not None:
        truths = replace(truths, label=position[truths.label])
    if truths.labels is not None:
        labels = np.full((len(dataset), len(classes)), -1, np.int8)
        labels[:, position] = truths.labels
        truths = replace(truths, labels=labels)
    if truths.task == "landmarks" and truths.landmarks is not None:
        points = np.full((len(dataset), len(classes), 2), np.nan, np.float32)
        points[:, position] = truths.landmarks
        truths = replace(truths, landmarks=points)
    if truths.boxes is not None:
        boxes = replace(truths.boxes, classes=position[truths.boxes.classes])
        truths = replace(truths, boxes=boxes)
    same = renamed(dataset, classes)
    same.truths = truths
    return same


def renamed(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The set with other names for its classes, in the same order."""
    same = Subset(dataset, np.arange(len(dataset)))
    same.classes = classes
    return same


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f", … ({len(names)})" if len(names) > NAMED else "")
