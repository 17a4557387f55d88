"""Sets whose labels are told as another's: a model's classes, matched by name or by order."""

from collections.abc import Sequence

import numpy as np

from sightline.data.dataset import Dataset, Subset
from sightline.data.truths import Truths
from sightline.errors import DataError

NAMED = 20  # classes in one line


def relabeled(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The set with its labels as indices into `classes`, matched by name.

    Raises DataError for a class that is not among them.
    """
    if dataset.truths.label is None or dataset.classes == classes:
        return dataset
    unknown = sorted(set(dataset.classes) - set(classes))
    if unknown:
        raise DataError(
            f"{dataset.name}: classes the model does not know: {_few(unknown)}; "
            f"it knows {_few(classes)}"
        )
    position = np.array([classes.index(name) for name in dataset.classes])
    same = renamed(dataset, classes)
    same.truths = Truths(label=position[dataset.truths.label])
    return same


def renamed(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The set with other names for its classes, in the same order."""
    same = Subset(dataset, np.arange(len(dataset)))
    same.classes = classes
    return same


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f", … ({len(names)})" if len(names) > NAMED else "")
