"""Accuracy on spoiled pictures, and on pictures changed against the model."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.errors import ArtifactError, DataError, RecipeError, UnknownName
from sightline.study.explaining.subject import network_of
from sightline.study.robustness import attacks
from sightline.study.robustness.corruptions import CORRUPTIONS, STRENGTHS, corrupted
from sightline.training.attack import Attack
from sightline.types import Image

CHUNK = 32  # pictures in memory at a time
LIMIT = 1000  # images that are measured on, by default
EPS = (1.0, 2.0, 4.0, 8.0, 16.0)  # grey levels of 255
STEPS = 10  # of PGD
EXAMPLES = 6  # shown
Kind = Literal["fgsm", "pgd"]
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Asked:
    """What is measured.

    corruptions  by name; all where empty
    attack       and its largest moves `eps` in grey levels of 255; PGD takes so many steps
    limit        evenly spaced images of the set; 0: all
    """

    corruptions: Sequence[str] = ()
    attack: Kind | None = None
    eps: Sequence[float] = EPS
    steps: int = STEPS
    limit: int = LIMIT
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """An image (h, w, c) of [0, 1] before and after, with the label and its probability."""

    row: int
    eps: float
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    answers: tuple[tuple[int, float], tuple[int, float]]


@dataclass(frozen=True)
class Measured:
    """Accuracies over `images` images, in [0, 1]: as they are, by corruption (strengths 1 to 5),
    and by eps of an attack."""

    images: int
    clean: float
    spoiled: dict[str, list[float]]
    attacked: dict[float, float] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Mean accuracy over all corruptions and strengths; nan without any."""
        values = [value for line in self.spoiled.values() for value in line]
        return sum(values) / len(values) if values else math.nan


def require_sensible(artifact: Artifact, asked: Asked) -> None:
    """Raise SightlineError for what cannot be measured on this model."""
    if artifact.task != "classification":
        raise ArtifactError(
            f"the model is for {artifact.task}; robustness is measured for classification"
        )
    for name in asked.corruptions:
        if name not in CORRUPTIONS:
            raise UnknownName("corruption", name, CORRUPTIONS)
    if asked.attack is not None:
        network_of(artifact, "--attack")
    if not asked.eps or not all(0 < eps <= 255 for eps in asked.eps):
        raise RecipeError("--eps takes grey levels above 0, to 255")


def rows_of(dataset: Dataset, limit: int) -> NDArray[np.int64]:
    """Evenly spaced rows, at most `limit`. Raises DataError for an empty set."""
    if not len(dataset):
        raise DataError(f"{dataset.name}: nothing to measure on")
    count = min(limit or len(dataset), len(dataset))
    return np.unique(np.linspace(0, len(dataset) - 1, count).round().astype(np.int64))


def passes(asked: Asked, images: int) -> int:
    """Answers that `measure` needs, for its bar; a step against the model counts as three."""
    steps = (asked.steps if asked.attack == "pgd" else 1) * len(asked.eps)
    names = asked.corruptions or CORRUPTIONS
    each = 1 + STRENGTHS * len(names) + (3 * steps if asked.attack else 0)
    return each * images


def measure(
    artifact: Artifact, dataset: Dataset, asked: Asked, tick: Tick = lambda _: None
) -> Measured:
    """Accuracy on the set's images as they are, spoiled, and attacked.

    Pictures are spoiled as they are in their files, before the canvas, by chance that is a function
    of (seed, row). Attacks move the canvases' values, in [0, 1], and are not rounded.
    """
    rows = rows_of(dataset, asked.limit)
    truths = dataset.truths.take(rows).label
    assert truths is not None
    names = tuple(asked.corruptions or CORRUPTIONS)
    right = {(name, at): 0 for name in names for at in range(1, STRENGTHS + 1)}
    clean = 0
    for start in range(0, len(rows), CHUNK):
        some, labels = rows[start : start + CHUNK], truths[start : start + CHUNK]
        pictures = list(dataset.images(some))
        clean += _right(artifact, pictures, labels)
        tick(len(some))
        for name, at in right:
            spoiled = [
                corrupted(image, name, at, asked.seed, int(row), dataset.top)
                for image, row in zip(pictures, some, strict=True)
            ]
            right[name, at] += _right(artifact, spoiled, labels)
            tick(len(some))
    n = len(rows)
    lines = {name: [right[name, at] / n for at in range(1, STRENGTHS + 1)] for name in names}
    if asked.attack is None:
        return Measured(n, clean / n, lines)
    left, examples = _attacked(artifact, dataset, rows, asked, tick)
    return Measured(n, clean / n, lines, left, examples)


def _right(artifact: Artifact, pictures: list[Image], labels: NDArray[np.int64]) -> int:
    answers = artifact.predict(pictures)
    return sum(a.label == label for a, label in zip(answers, labels.tolist(), strict=True))


def attack_of(asked: Asked, eps: float) -> Attack:
    """FGSM from the image itself; PGD from anywhere within eps of it."""
    return Attack(eps) if asked.attack == "fgsm" else Attack(eps, asked.steps, start=True)


def _attacked(
    artifact: Artifact, dataset: Dataset, rows: NDArray[np.int64], asked: Asked, tick: Tick
) -> tuple[dict[float, float], list[Example]]:
    """The accuracy that is left at each eps, and images whose answer turned."""
    network, predictor = network_of(artifact, "--attack"), artifact.predictor
    truths, batch = dataset.truths.take(rows).label, attacks.batch_of(predictor)
    assert truths is not None
    left = dict.fromkeys(sorted(asked.eps), 0)
    examples: list[Example] = []
    turned: set[int] = set()
    for start in range(0, len(rows), batch):
        some, labels = rows[start : start + batch], truths[start : start + batch]
        pictures = dataset.images(some)
        own = [a.scores for a in artifact.predict(pictures)]
        for eps in left:
            found = attacks.attack_canvases(
                predictor, network, pictures, labels, attack_of(asked, eps),
                attacks.seed_of(asked.seed, start),
            )  # fmt: skip
            guess = found.scores.argmax(1)
            left[eps] += int((guess == labels).sum())
            for i in np.flatnonzero(guess != labels).tolist():
                before = own[i]
                assert before is not None
                if len(examples) >= EXAMPLES or int(some[i]) in turned:
                    continue
                if int(before.argmax()) != labels[i]:
                    continue
                turned.add(int(some[i]))
                answers = (_said(before), _said(found.scores[i]))
                pair = found.before[i].transpose(1, 2, 0), found.after[i].transpose(1, 2, 0)
                examples.append(Example(int(some[i]), eps, *pair, answers))
            tick(3 * len(some) * (asked.steps if asked.attack == "pgd" else 1))
    return {eps: count / len(rows) for eps, count in left.items()}, examples


def _said(scores: NDArray[np.float32]) -> tuple[int, float]:
    label = int(scores.argmax())
    return label, float(scores[label])
