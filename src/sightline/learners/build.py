"""A learner by its name and settings, fresh or with what it learned."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sightline.errors import ArtifactError, RecipeError, UnknownName
from sightline.learners.classifiers import CLASSIFIERS, Linear
from sightline.scratch import LEARNERS
from sightline.scratch.regression import SoftmaxRegression
from sightline.scratch.svm import LinearSVM

ALL = LEARNERS | CLASSIFIERS
State = dict[str, NDArray[Any]]
SHAPE = "shape"  # a setting that the canvas decides: (channels, height, width)


def build(name: str, settings: Mapping[str, Any], shape: tuple[int, int, int]) -> Any:
    """The learner, not fitted.

    shape  (channels, height, width) of the images whose rows it will see

    Raises UnknownName for a learner or setting that there is none of, RecipeError for a value of
    another type.
    """
    if name not in ALL:
        raise UnknownName("learner", name, ALL)
    kind = ALL[name]
    known = inspect.signature(kind, eval_str=True).parameters
    given = dict(settings)
    for key, value in given.items():
        if key not in known or key == SHAPE:
            raise UnknownName(f"setting of {name}", key, known.keys() - {SHAPE})
        kind_of = TypeAdapter(known[key].annotation)
        try:
            given[key] = kind_of.validate_python(value, strict=_strict(value))
        except ValidationError as error:
            message = error.errors()[0]["msg"]
            said = f"learner.{key} = {value!r:.40}: {message[0].lower()}{message[1:]}"
            raise RecipeError(said) from None
    return kind(**given, **({SHAPE: shape} if SHAPE in known else {}))


def _strict(value: Any) -> bool:
    """A list stands for a tuple; nothing else for anything else."""
    return not isinstance(value, list | int)


def fit(learner: Any, X: NDArray[Any], y: NDArray[np.int64]) -> None:
    """Learn. Raises RecipeError where the learner refuses its settings or the data."""
    try:
        learner.fit(X, y)
    except ValueError as error:
        raise RecipeError(f"{type(learner).__name__}: {error}") from error


def restore(learner: Any, state: State, features: int, classes: int) -> None:
    """Give a fresh learner what it learned, and try it on one row.

    Raises ArtifactError for arrays that are not those of such a learner: of other names, shapes or
    classes.
    """
    for key, array in state.items():
        if array.dtype.kind not in "fiu" or array.size == 0 or not np.isfinite(array).all():
            raise ArtifactError(f"{key} holds no finite numbers")
    labels = state.get("y")
    if labels is not None and not 0 <= labels.min() <= labels.max() < classes:
        raise ArtifactError(f"y holds labels beyond the {classes} classes")
    try:
        learner.load_state(state)
        shares = scores(learner, np.zeros((1, features), np.float32), classes)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        reason = " ".join(repr(error).split())[:120]
        raise ArtifactError(f"its arrays are not those of such a learner ({reason})") from None
    if not np.isfinite(shares).all():
        raise ArtifactError("its arrays give no numbers")


def scores(learner: Any, X: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Rows (n, features) to (n, classes) shares that add up to 1; the largest is its answer.

    A learner without probabilities gives all to its answer. Where the votes of several are equal,
    its answer gets a millionth more.
    """
    found = np.zeros((len(X), classes), np.float32)
    if not hasattr(learner, "predict_proba"):
        found[np.arange(len(X)), learner.predict(X)] = 1
        return found
    if hasattr(learner, "decide"):
        labels, shares = learner.decide(X)
        found[:, : shares.shape[1]] = shares
        found[np.arange(len(X)), labels] += 1e-6
        return found
    shares = learner.predict_proba(X)
    found[:, : shares.shape[1]] = shares
    return found


def linear(learner: Any, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Weights (features, classes) and biases (classes,) whose softmax orders the classes as the
    fitted learner does; None of one that is not linear."""
    if isinstance(learner, Linear):
        weights, biases = learner.scores_.weights, learner.scores_.biases
    elif isinstance(learner, LinearSVM | SoftmaxRegression):
        weights, biases = learner.weights_, learner.bias_
    else:
        return None
    missing = classes - len(biases)  # the last ones, which it never saw
    padded = np.pad(biases, (0, missing), constant_values=-1e9)
    return np.pad(weights, ((0, 0), (0, missing))), padded


def history(learner: Any) -> list[dict[str, Any]]:
    """An entry an epoch of which the learner kept the loss, as a run's events have it."""
    losses = getattr(learner, "losses_", [])
    pairs = losses.items() if isinstance(losses, dict) else enumerate(losses, 1)
    return [{"epoch": int(epoch), "train": {"loss": float(loss)}} for epoch, loss in pairs]
