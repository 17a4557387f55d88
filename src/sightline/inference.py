"""Answers for files: pictures and folders in, rows, JSON and drawn pictures out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline import files, images
from sightline.artifact import Artifact
from sightline.data.readers import listing
from sightline.drawing import annotations as drawing
from sightline.errors import DataError, OutputError, RecipeError
from sightline.predictions import SURE, as_csv, cells, columns, listed, sure
from sightline.predictor import look_through
from sightline.processes import joined
from sightline.talk import Silent, Talk
from sightline.tasks.classification import Classification
from sightline.tasks.detection import Detection
from sightline.threads import spread
from sightline.types import Annotation, Image

MANY, TOP = 100, 5  # classes from which so many are said
CHUNK = 32  # pictures in memory at a time


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of some files; `failures` is a line for each that could not be read."""

    model: str
    task: str
    classes: tuple[str, ...]
    rows: list[tuple[str, Annotation]]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        predictions = [{"source": source, **self._told(answer)} for source, answer in self.rows]
        return {"model": self.model, "predictions": predictions, "failures": self.failures}

    def _told(self, answer: Annotation) -> dict[str, Any]:
        told = answer.to_dict(self.classes)
        if answer.landmarks is not None:  # which of them, not in which order
            told["landmarks"] = dict(zip(self.classes, told["landmarks"], strict=True))
        return told

    def to_csv(self) -> str:
        """One row a picture: its source, the answer, and scores where it has them."""
        if self.task == "detection":
            return self._boxes_csv()
        wanted = [i for i, name in enumerate(columns(self.task, self.classes)) if _said(name)]
        names = [columns(self.task, self.classes)[i] for i in wanted]
        scored = self.task in ("classification", "multilabel")
        scores = [f"p:{name}" for name in self.classes] if scored else []
        table = [["source", *(name.removeprefix("guess:") for name in names), *scores]]
        for source, answer in self.rows:
            row = cells(answer, Annotation(), self.classes)
            shares = [] if answer.scores is None else [f"{s:.6f}" for s in answer.scores]
            table.append([source, *(row[i] for i in wanted), *shares])
        return as_csv(table)

    def _boxes_csv(self) -> str:
        """One row a box: source, class, confidence and its corners in pixels of the picture."""
        table = [["source", "class", "confidence", "x0", "y0", "x1", "y1"]]
        for source, answer in self.rows:
            for row in json.loads(listed(answer, self.classes)):
                table.append([source, *map(str, row)])
        return as_csv(table)

    def boxes(self) -> list[tuple[str, Annotation]]:
        """What was found in each picture. Raises RecipeError where a label was said instead."""
        if self.task != "detection":
            raise no_boxes(self.model, "--format")
        return self.rows

    def to_text(self) -> str:
        """A line a picture."""
        return "".join(f"{source}  {describe(a, self.classes)}\n" for source, a in self.rows)


def _said(column: str) -> bool:
    return not column.startswith("truth")


def no_boxes(model: str, option: str) -> RecipeError:
    """The error for an option of boxes where a model finds none."""
    return RecipeError(f"{option} is for boxes, and {model} finds none; add --windows?")


def least_of(artifact: Artifact, name: str, asked: float | None) -> float:
    """The least confidence of a box that is an answer; `asked` is --confidence.

    Raises RecipeError for a model of labels, and for less than the model itself lets pass.
    """
    if asked is None:
        return SURE
    task = artifact.predictor.task
    if not isinstance(task, Detection):
        raise no_boxes(name, "--confidence")
    if asked < task.confidence:
        raise RecipeError(
            f"--confidence {asked:g}: {name} gives boxes above {task.confidence:g} alone"
        )
    return asked


def describe(answer: Annotation, classes: Sequence[str]) -> str:
    """An annotation in words: "cat 97.1 %  (dog 2.2 %, panda 0.7 %)"; of many classes the top
    five."""
    if answer.boxes is not None and answer.classes is not None:
        counts = np.bincount(answer.classes, minlength=len(classes))
        found = [f"{count} {classes[i]}" for i, count in enumerate(counts) if count]
        return ", ".join(found) or "nothing"
    if answer.landmarks is not None:
        places = zip(classes, answer.landmarks.tolist(), strict=True)
        return "  ".join(f"{name} {x:.1f},{y:.1f}" for name, (x, y) in places)
    if answer.values is not None:
        return "  ".join(f"{n} {v:.5g}" for n, v in zip(classes, answer.values, strict=True))
    assert answer.scores is not None
    # The answer first: by a threshold it need not be the likelier of two.
    order = sorted(range(len(classes)), key=lambda i: (i != answer.label, -answer.scores[i]))  # type: ignore[index]
    shown = [f"{classes[i]} {100 * answer.scores[i]:.1f} %" for i in order]
    if answer.labels is not None:
        yes = [text for i, text in zip(order, shown, strict=True) if answer.labels[i] == 1]
        return ", ".join(yes) or f"none  (nearest: {shown[0]})"
    rest = ", ".join(shown[1 : TOP if len(classes) >= MANY else 3])
    return f"{shown[0]}  ({rest})" if rest else shown[0]


def caption(answer: Annotation, classes: Sequence[str]) -> str:
    """What stands below a picture: `describe`, of many classes the top five, a line each; nothing
    below landmarks, which are drawn and named in a legend."""
    if answer.landmarks is not None:
        return ""
    if answer.label is None or answer.scores is None or len(classes) < MANY:
        return describe(answer, classes)
    order = np.argsort(-answer.scores, kind="stable")[:TOP]
    return "\n".join(f"{classes[i]} {100 * answer.scores[i]:.1f} %" for i in order)


def predict_files(
    artifact: Artifact,
    name: str,
    paths: Sequence[Path],
    views: str | None,
    save: Path | None,
    talk: Talk,
    confidence: float | None = None,
) -> Answers:
    """Answer for every picture; with `save`, write each with its answer drawn.

    name        of the model, as it was asked for
    confidence  the least of a detector's box; None is 0.5

    Several processes share the work; the first one has the answers, and writes.

    Raises SightlineError for a path or folder that is not there; a picture that cannot be
    read is a line in `failures`, and the others are answered.
    """
    if views is not None:
        look_through(artifact.predictor, views)
    least = least_of(artifact, name, confidence)
    with joined() as processes:
        found = [path for given in paths for path in pictures_in(given)]
        if save is not None and processes.first:
            claim(save, found)
        found, size = processes.told(found), processes.size * CHUNK
        talk = talk if processes.first else Silent()
        task = artifact.predictor.task
        if isinstance(task, Classification) and task.threshold is not None:
            talk.say(task.sentence())
        rows: list[tuple[str, Annotation]] = []
        failures: list[str] = []
        with talk.bar("predicting", len(found)) as (tick, _):
            for start in range(0, len(found), size):
                mine = found[start + processes.rank * CHUNK :][:CHUNK]
                for part in processes.collect(_answer(artifact, mine, save is not None, least)):
                    rows += part.rows
                    failures += part.failures
                    _write(save, part.drawn)
                tick(len(found[start : start + size]))
    return Answers(name, artifact.task, artifact.classes, rows, failures)


@dataclass(frozen=True, eq=False)
class _Part:
    """The answers for some pictures; `drawn` are PNG files by their name."""

    rows: list[tuple[str, Annotation]]
    failures: list[str]
    drawn: dict[str, bytes]


def _answer(artifact: Artifact, paths: Sequence[Path], draw: bool, least: float) -> _Part:
    read = spread(_try_read, paths)
    good = [(p, i) for p, i in zip(paths, read, strict=True) if not isinstance(i, str)]
    answers = artifact.predict([image for _, image in good])
    if artifact.task == "detection":  # all, down to a hundredth, are for average precision
        answers = [sure(answer, least) for answer in answers]
    part = _Part([], [image for image in read if isinstance(image, str)], {})
    for (path, image), answer in zip(good, answers, strict=True):
        part.rows.append((str(path), answer))
        if draw:
            text = caption(answer, artifact.classes)
            drawn = drawing.annotated(image, answer, artifact.classes, text)
            part.drawn[f"{path.stem}.png"] = images.encode(drawn, ".png")
    return part


def _write(save: Path | None, drawn: dict[str, bytes]) -> None:
    if save is not None:
        with files.output_errors(save):
            for name, content in drawn.items():
                files.write_bytes(save / name, content)


def _try_read(path: Path) -> Image | str:
    try:
        return images.read(path)
    except DataError as error:
        return str(error)


def pictures_in(path: Path) -> list[Path]:
    """The file itself, or the pictures (by suffix, none hidden) anywhere below a folder."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    below = [path / name for name in listing.pictures(path)]
    if not below:
        raise DataError(f"{path}: no pictures in it")
    return below


def claim(save: Path, found: Sequence[Path]) -> None:
    stems = [path.stem for path in found]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise OutputError(f"--save: several pictures are called {twice[0]}; save them in turns")
    if save.exists() and (not save.is_dir() or any(save.iterdir())):
        raise files.exists_already(save)
    with files.output_errors(save):
        save.mkdir(parents=True, exist_ok=True)
