"""What can be learned: a task is losses, forward, decode and a meter."""

from collections.abc import Callable, Sequence
from typing import Any

from sightline.errors import RecipeError, UnknownName
from sightline.tasks.classification import Classification
from sightline.tasks.detection import Detection
from sightline.tasks.landmarks import Landmarks
from sightline.tasks.multilabel import Multilabel
from sightline.tasks.regression import Regression
from sightline.tasks.task import Losses, Ratio, Raw, Task

__all__ = ["TASKS", "Losses", "Ratio", "Raw", "Task", "build"]

TASKS: dict[str, Callable[..., Task]] = {
    "classification": Classification,
    "detection": Detection,
    "landmarks": Landmarks,
    "multilabel": Multilabel,
    "regression": Regression,
}


def build(name: str, classes: Sequence[str], settings: dict[str, Any]) -> Task:
    """The task `name`. Raises UnknownName, or RecipeError for settings it does not have."""
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    try:
        return TASKS[name](tuple(classes), **settings)
    except TypeError as error:
        raise RecipeError(f"task {name}: {error}") from None
