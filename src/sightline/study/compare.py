"""Several models on the same test images: which is better, and whether that is chance.

Accuracy with Wilson's interval, McNemar's test, differences by class, and the choice of the course
(Ng, 4.4): the best accuracy among those that are quick and small enough.
"""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import report
from sightline.artifact import Artifact, open_artifact
from sightline.errors import DataError
from sightline.evaluation import Where, evaluation_set
from sightline.metrics.calibration import likelier, reliability
from sightline.metrics.classification import wilson
from sightline.metrics.intervals import bootstrap_mean, holm, mcnemar
from sightline.pretrained import open_model
from sightline.study.scores import answers_of, require_classes, scores_of
from sightline.talk import Talk
from sightline.training import events

WARM, TIMED = 3, 15  # images before the clock runs, and on it


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answers to every test image, in the order of `sources`; arrays are (n,).

    source          of each image; truth and guess are names of classes
    score           probability of the guess
    of_second       of two classes, the probability of the second one; else None
    history         of its training, an entry an epoch, where it is known
    """

    name: str
    sources: list[str]
    truth: NDArray[np.str_]
    guess: NDArray[np.str_]
    score: NDArray[np.float64]
    of_second: NDArray[np.float64] | None
    classes: tuple[str, ...]
    where: str
    history: list[dict[str, Any]]

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.truth == self.guess)


@dataclass(frozen=True)
class Cost:
    """latency  seconds an image, one at a time, on its canvas already: the median
    size  bytes of the model file
    parameters  numbers in it"""

    latency: float
    size: int
    parameters: int


@dataclass(frozen=True)
class Limits:
    """What a model may take at most: seconds an image, bytes; infinite where nobody asks."""

    latency: float = math.inf
    size: float = math.inf


@dataclass(frozen=True)
class Duel:
    """One model against the most accurate one.

    difference   of accuracy, the other's less the best one's
    low, high    its 95 % bootstrap interval, of the same images
    only_best, only_this  images that one alone names rightly
    p            McNemar's, exact; `corrected` by Holm for as many tests as there are
    """

    difference: float
    low: float
    high: float
    only_best: int
    only_this: int
    p: float
    corrected: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """answers   in the order asked for
    accuracy  with Wilson's 95 % interval: (value, low, high)
    duels     None for the best one
    chosen    the index of the model to take within the limits; None where none is
    """

    answers: list[Answers]
    costs: list[Cost]
    limits: Limits
    accuracy: list[tuple[float, float, float]]
    ece: list[float]
    best: int
    duels: list[Duel | None]
    chosen: int | None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.answers[0].classes

    def recalls(self) -> list[tuple[str, int, list[float]]]:
        """A row a class that occurs: its name, images, and the share that each model finds."""
        truth = self.answers[0].truth
        rows = []
        for name in self.classes:
            of = truth == name
            if of.any():
                rows.append(
                    (name, int(of.sum()), [float(a.right[of].mean()) for a in self.answers])
                )
        return rows


def choose(accuracy: Sequence[float], costs: Sequence[Cost], limits: Limits) -> int | None:
    """The most accurate of those within the limits (satisficing), the quicker one of equals; None
    where none is. Ng's course, 4.4: of 90 %/80 ms, 92 %/95 ms and 95 %/1500 ms within 100 ms it is
    the second."""
    within = [
        i for i, cost in enumerate(costs)
        if cost.latency <= limits.latency and cost.size <= limits.size
    ]  # fmt: skip
    return max(within, key=lambda i: (accuracy[i], -costs[i].latency), default=None)


def compare(names: Sequence[str], where: Where, limits: Limits, talk: Talk) -> Comparison:
    """Compare models on the same images: of run folders their own tests, as predictions.csv keeps
    them; with `where.data`, all of them measured anew.

    Raises DataError where the test images are not the same, ArtifactError for what is no model.
    """
    if len(names) < 2:
        raise DataError("name at least two models to compare")
    answers, costs = [], []
    for name in names:
        if where.data is None:
            artifact = open_artifact(Path(name))
            require_classes(artifact)
            answers.append(told(artifact, name))
        else:
            artifact = open_model(name, "auto", talk)
            answers.append(asked(artifact, name, where, talk))
        costs.append(cost_of(artifact))
    return judge([answers[0], *(aligned(a, answers[0]) for a in answers[1:])], costs, limits)


def judge(answers: list[Answers], costs: list[Cost], limits: Limits) -> Comparison:
    """The comparison of answers to the same images, in the same order."""
    n = len(answers[0].sources)
    shares = [float(a.right.mean()) for a in answers]
    best = max(range(len(answers)), key=lambda i: (shares[i], -costs[i].latency))
    others = [i for i in range(len(answers)) if i != best]
    tests = [mcnemar(answers[best].right, answers[i].right) for i in others]
    duels: list[Duel | None] = [None] * len(answers)
    for i, test, corrected in zip(others, tests, holm([t.p for t in tests]), strict=True):
        gained = answers[i].right.astype(float) - answers[best].right
        low, high = bootstrap_mean(gained)
        duels[i] = Duel(
            float(gained.mean()), low, high, test.only_first, test.only_second, test.p, corrected
        )
    return Comparison(
        answers=answers,
        costs=costs,
        limits=limits,
        accuracy=[
            (s, *wilson(int(a.right.sum()), n)) for s, a in zip(shares, answers, strict=True)
        ],
        ece=[reliability(*likelier(a.score, a.right, len(a.classes))).ece for a in answers],
        best=best,
        duels=duels,
        chosen=choose(shares, costs, limits),
    )


def told(artifact: Artifact, name: str) -> Answers:
    """What a run folder tells of its test. Raises ArtifactError where it was not tested."""
    if artifact.run is None:
        raise DataError(
            f"{name}: a model file keeps no answers; compare on a set: --data SET|FOLDER"
        )
    if "ensemble" in artifact.header:
        rows, history = report.rows(artifact.run), []
        part = f"{artifact.header['data']['name']}, test part"
    else:
        run = report.read(artifact.run)
        rows, history = run.rows, run.history
        part = f"{run.start['data']['name']}, test part"
    truth, guess = (np.array([row[key] for row in rows]) for key in ("truth", "guess"))
    score = np.array([float(row["confidence"]) for row in rows])
    second = None
    if len(artifact.classes) == 2:
        second = np.where(guess == artifact.classes[1], score, 1 - score)
    sources = [row["source"] for row in rows]
    return Answers(name, sources, truth, guess, score, second, artifact.classes, part, history)


def asked(artifact: Artifact, name: str, where: Where, talk: Talk) -> Answers:
    """A model's answers on another set."""
    require_classes(artifact)
    dataset = evaluation_set(artifact, where, talk)
    with talk.bar(f"{name} on {dataset.name}", len(dataset)) as (tick, _):
        scores, truth = scores_of(artifact, dataset, tick)
    names, (guess, score) = np.array(artifact.classes), answers_of(artifact, scores)
    history: list[dict[str, Any]] = []
    if artifact.run is not None:
        history = events.history(events.read(artifact.run))
    return Answers(
        name,
        [dataset.source(i) for i in range(len(dataset))],
        names[truth],
        names[guess],
        score,
        scores[:, 1].astype(np.float64) if scores.shape[1] == 2 else None,
        artifact.classes,
        dataset.name,
        history,
    )


def aligned(answers: Answers, first: Answers) -> Answers:
    """The same answers in the order of the first one's images. Raises DataError where images,
    their truths, or the classes differ."""
    pair = f"{answers.name} and {first.name}"
    if set(answers.classes) != set(first.classes):
        odd = sorted(set(answers.classes) ^ set(first.classes))
        raise DataError(f"{pair} know different classes (first: {odd[0]})")
    at = {source: i for i, source in enumerate(answers.sources)}
    if at.keys() != set(first.sources) or len(answers.sources) != len(first.sources):
        shared = len(at.keys() & set(first.sources))
        raise DataError(
            f"{pair} were tested on different images: {len(answers.sources):,} and "
            f"{len(first.sources):,}, {shared:,} of them the same; measure both on one set: "
            "--data SET|FOLDER"
        )
    rows = np.array([at[source] for source in first.sources])
    if (answers.truth[rows] != first.truth).any():
        odd_one = first.sources[int(np.argmax(answers.truth[rows] != first.truth))]
        raise DataError(f"{pair} were tested by different truths (first: {odd_one})")
    second = answers.of_second
    if second is not None and answers.classes != first.classes:
        second = 1 - second
    return Answers(
        answers.name, list(first.sources), answers.truth[rows], answers.guess[rows],
        answers.score[rows], None if second is None else second[rows], first.classes,
        answers.where, answers.history,
    )  # fmt: skip


def cost_of(artifact: Artifact) -> Cost:
    """Latency measured here and now, one image at a time; size of the file."""
    predictor = artifact.predictor
    shape = (1, *predictor.canvas.size, predictor.canvas.channels)
    rng = np.random.default_rng(0)
    images = rng.integers(0, predictor.view.top + 1, (WARM + TIMED, *shape)).astype(np.uint8)
    taken = []
    for image in images:
        began = time.perf_counter()
        predictor.predict(image)
        taken.append(time.perf_counter() - began)
    tensors = predictor.tensors()
    numbers = sum(tensor.numel() for tensor in tensors.values())
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if artifact.path is not None:
        size = artifact.path.stat().st_size
    return Cost(statistics.median(taken[WARM:]), size, numbers)
