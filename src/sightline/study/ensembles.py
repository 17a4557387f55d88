"""Several models made into one that answers by the mean of their answers, or by a vote.

Jensen: the log loss (and squared error) of the mean is at most the mean of the members' own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from sightline import download, files, tasks
from sightline.artifact import NAME, Artifact, header_for, open_artifact
from sightline.asked import claimed
from sightline.assembly import MEMBERS
from sightline.data.dataset import Dataset
from sightline.errors import ArtifactError, RecipeError
from sightline.metrics.mixture import mixture_weights
from sightline.predictions import Recording
from sightline.predictor import By, EnsemblePredictor
from sightline.study.several import summary
from sightline.study.untouched import Parts, parts_of
from sightline.talk import Talk
from sightline.tasks.evaluate import evaluate
from sightline.types import Annotation, Images
from sightline.version import __version__

AVERAGED = ("classification", "multilabel", "regression")  # scores and values have a mean
KEPT = ("task", "classes", "canvas", "view", "model", "learner", "features", "outputs",
        "precision", "version")  # of a member's header  # fmt: skip


@dataclass(frozen=True)
class Made:
    """How to make one: by mean or vote; with equal weights, or learned on validation."""

    by: By = "mean"
    learn: bool = False


@dataclass(frozen=True)
class Member:
    """name  of the run folder or file
    sha256   of the model file
    weight   in the ensemble; 0: it was left out
    test     its figures alone, seen by the ensemble's test; empty where there was none
    """

    name: str
    sha256: str
    weight: float
    test: dict[str, float]


@dataclass(frozen=True, eq=False)
class Ensembled:
    """path     of the model file
    by         mean or vote
    members    in the order asked for
    test       the ensemble's figures on its test part; empty where it was not tested
    fitted_on  validation images that the weights were learned on; 0 where they are equal
    """

    path: Path
    by: str
    members: list[Member]
    test: dict[str, float]
    fitted_on: int

    @property
    def mean(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of the members' figures."""
        return summary([member.test for member in self.members])

    @property
    def gain(self) -> dict[str, float]:
        """The ensemble's figures less the members' mean."""
        return {name: self.test[name] - mean for name, (mean, _) in self.mean.items()}

    def to_dict(self) -> dict[str, Any]:
        means = {name: {"mean": m, "deviation": d} for name, (m, d) in self.mean.items()}
        return {
            "model": str(self.path),
            "by": self.by,
            "weights_learned_on": self.fitted_on,
            "members": [vars(member) for member in self.members],
            "mean": means,
            "test": self.test,
            "gain": self.gain,
        }

    def to_text(self) -> str:
        """A line a member, their mean, the ensemble, its gain, and where it lies."""
        rows = [(m.name, m.test) for m in self.members]
        names = [name if self._equal else f"{name} ({m.weight:.3f})"
                 for (name, _), m in zip(rows, self.members, strict=True)]  # fmt: skip
        lines = [[n, *_shown(f)] for n, (_, f) in zip(names, rows, strict=True)]
        if self.test:
            means = [f"{n} {m:.4f} ± {d:.4f}" for n, (m, d) in self.mean.items()]
            lines.append([f"mean of {len(rows)}", *means])
            lines.append([f"ensemble by {self.by}", *_shown(self.test)])
            lines.append(["gain", *(f"{n} {round(v, 4) + 0:+.4f}" for n, v in self.gain.items())])
        wide = max(len(line[0]) for line in lines)
        said = ["  ".join([line[0].ljust(wide), *line[1:]]).rstrip() for line in lines]
        if self.test:
            said.insert(0, f"test, {self.test['images']:,.0f} images")
        if self.fitted_on:
            said.insert(0, f"weights learned on {self.fitted_on:,} validation images")
        return "\n".join([*said, f"model  {self.path}"])

    @property
    def _equal(self) -> bool:
        return len({member.weight for member in self.members}) == 1


def _shown(figures: dict[str, float]) -> list[str]:
    return [f"{name} {value:.4f}" for name, value in figures.items() if name != "images"]


@dataclass(frozen=True, eq=False)
class Making:
    """An ensemble that lies nowhere yet; `recording` is of its test part, if it was tested."""

    artifact: Artifact
    members: list[Member]
    recording: Recording | None
    fitted_on: int

    def save(self, path: Path) -> Ensembled:
        """Write the model file, and predictions.csv beside it where it is a run folder's."""
        self.artifact.save(path)
        if self.recording is not None and path.name == NAME:
            with files.output_errors(path):
                files.write_text(path.parent / "predictions.csv", self.recording.text())
        by = self.artifact.header["ensemble"]["by"]
        return Ensembled(path, by, self.members, self.artifact.test, self.fitted_on)


def ensemble(names: Sequence[str], to: Path | None, how: Made, talk: Talk) -> Ensembled:
    """Make an ensemble of run folders and model files.

    to  a new run folder, or a new .safetensors file; by default the next free runs/ensemble

    It is tested once, on the first member's test part, unless a member learned from those images:
    then that is said, and it has no test part of its own. Raises SightlineError, before anything
    is written, where the members do not go together, and DataError where weights are to be
    learned on images that a member learned from.
    """
    as_file = to is not None and to.suffix == ".safetensors"
    if to is not None and to.exists():
        raise files.exists_already(to)
    made = make(names, how, talk)
    if as_file:
        assert to is not None
        return made.save(to)
    return made.save(claimed(to, "ensemble") / NAME)


def make(names: Sequence[str], how: Made, talk: Talk) -> Making:
    """The same, not written."""
    if not 2 <= len(names) <= MEMBERS:
        raise RecipeError(f"an ensemble has 2 to {MEMBERS} members, not {len(names)}")
    opened = [open_artifact(Path(name)) for name in names]
    hashes = [_hash(artifact) for artifact in opened]
    _require_fitting(names, opened, hashes, how)
    first = opened[0]
    settings = {k: v for k, v in first.header["task"]["settings"].items() if k != "temperature"}
    task = tasks.build(first.task, first.classes, settings)
    equal = [1 / len(opened)] * len(opened)
    predictor = EnsemblePredictor([a.predictor for a in opened], task, equal, how.by)
    parts = parts_of(names, opened, talk)
    weights, fitted_on = equal, 0
    if how.learn:
        weights, fitted_on = _learned(predictor, parts.validation(), talk)
        predictor = EnsemblePredictor(predictor.members, task, weights, how.by)
    figures, recording = _tested(predictor, parts.test, talk)
    members = [
        Member(_name(path), digest, weight, test)
        for path, digest, weight, test in zip(names, hashes, weights, figures, strict=True)
    ]
    header = _header(opened, members, predictor, how, parts)
    if recording is not None:
        header["test"] = recording.result()
    kept = [(m, w) for m, w in zip(predictor.members, weights, strict=True) if w > 0]
    used = EnsemblePredictor([m for m, _ in kept], task, [w for _, w in kept], how.by)
    return Making(Artifact(header, used), members, recording, fitted_on)


def _require_fitting(
    names: Sequence[str], opened: Sequence[Artifact], hashes: Sequence[str], how: Made
) -> None:
    first = opened[0]
    for i, (name, artifact) in enumerate(zip(names, opened, strict=True)):
        pair = f"{name} and {names[0]}"
        if "ensemble" in artifact.header:
            raise ArtifactError(f"{name} is an ensemble itself; name the runs it was made of")
        if artifact.task != first.task:
            raise ArtifactError(f"{pair} are for {artifact.task} and {first.task}")
        odd = sorted(set(artifact.classes) ^ set(first.classes))
        if odd:
            raise ArtifactError(f"{pair} know different classes (first: {odd[0]})")
        tops = artifact.predictor.view.top, first.predictor.view.top
        if tops[0] != tops[1]:
            raise ArtifactError(f"{pair} were trained on pixels up to {tops[0]} and {tops[1]}")
        twin = hashes.index(hashes[i])
        if twin != i:
            raise ArtifactError(f"{name} and {names[twin]} are the same model")
    if first.task not in AVERAGED:
        known = ", ".join(AVERAGED)
        raise ArtifactError(f"{names[0]} is for {first.task}; ensembles are of {known}")
    if first.task == "regression" and (how.by == "vote" or how.learn):
        raise RecipeError("an ensemble for regression is the plain mean of its members")
    if how.by == "vote" and how.learn:
        raise RecipeError("weights are learned for --by mean; a vote counts each member alike")


def _hash(artifact: Artifact) -> str:
    assert artifact.path is not None
    return download.digest_of(artifact.path, "sha256").removeprefix("sha256:")


def _name(name: str) -> str:
    path = Path(name).absolute()
    return path.parent.name if path.name == NAME else path.name


@final
class _Keeping:
    """The ensemble as a predictor that keeps what each member says."""

    def __init__(self, ensemble: EnsemblePredictor) -> None:
        self.ensemble, self.classes = ensemble, ensemble.classes
        self._kept: list[list[NDArray[np.float32]]] = [[] for _ in ensemble.members]

    def predict(self, images: Images) -> list[Annotation]:
        answers = [self.ensemble.answers(i, images) for i in range(len(self._kept))]
        for kept, rows in zip(self._kept, answers, strict=True):
            kept.append(rows)
        return self.ensemble.task.decode(self.ensemble.combined(answers))

    @property
    def answers(self) -> list[NDArray[np.float32]]:
        """(n, classes) of each member, in the set's order."""
        return [np.concatenate(kept) for kept in self._kept]


def _learned(
    predictor: EnsemblePredictor, validation: Dataset, talk: Talk
) -> tuple[list[float], int]:
    """Weights of the least log loss of the mean, and of how many images."""
    keeping = _Keeping(predictor)
    with talk.bar("learning weights", len(validation)) as (tick, _):
        evaluate(keeping, predictor.task.meter(), validation, tick)
    truths, answers = validation.truths, np.stack(keeping.answers, 2)  # (n, classes, members)
    if truths.label is not None:
        of_truth = answers[np.arange(len(answers)), truths.label]
    else:
        assert truths.labels is not None
        yes = np.where(truths.labels[:, :, None] == 1, answers, 1 - answers)
        of_truth = yes[truths.labels >= 0]
    return mixture_weights(of_truth).tolist(), len(validation)


def _tested(
    predictor: EnsemblePredictor, test: Dataset | None, talk: Talk
) -> tuple[list[dict[str, float]], Recording | None]:
    """Each member's figures, and the ensemble's answers as rows and figures."""
    if test is None:
        return [{} for _ in predictor.members], None
    task = predictor.task
    keeping, recording = _Keeping(predictor), Recording(task.meter(), test)
    with talk.bar("testing", len(test)) as (tick, _):
        evaluate(keeping, recording, test, tick)
    rows = range(len(test))
    truths = [test.truths.at(i) for i in rows]
    figures = []
    for answers in keeping.answers:
        meter = task.meter()
        meter.update(task.decode(predictor.as_raw(answers)), truths, rows)
        figures.append(meter.result())
    return figures, recording


def _header(
    opened: Sequence[Artifact],
    members: Sequence[Member],
    predictor: EnsemblePredictor,
    how: Made,
    parts: Parts,
) -> dict[str, Any]:
    """Of those that count; recipe and data, by which its own parts are found, are the first's."""
    first = opened[0].header
    told, weights = [], []
    for artifact, member in zip(opened, members, strict=True):
        if member.weight > 0:
            own = {key: artifact.header[key] for key in KEPT if key in artifact.header}
            told.append(own | {"name": member.name, "sha256": member.sha256, "test": member.test})
            weights.append(member.weight)
    found = {"by": how.by, "weights": weights, "members": told}
    header = header_for(
        predictor.task, str(first["task"]["name"]), predictor.canvas, predictor.view,
        ensemble=found, version=__version__,
    )  # fmt: skip
    if parts.own:
        header |= {key: first[key] for key in ("recipe", "data") if key in first}
    return header
