"""The report: a run folder told as one HTML page that needs nothing outside itself.

Reads recipe.toml, events.jsonl and predictions.csv; writes report.html and figures/.
Class names, paths and plans are other people's words: the template escapes all of them.
"""

import csv
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from sightline import files, monitor, page, plots, recipe
from sightline.data.dataset import Dataset
from sightline.drawing import curves
from sightline.drawing.curves import Marks
from sightline.errors import ArtifactError
from sightline.judged import judged
from sightline.judged_boxes import judged_boxes, worst_tile
from sightline.judged_landmarks import judged_landmarks, landmark_tile
from sightline.metrics.classification import ClassRow, MultilabelMeter, class_table, wilson
from sightline.page import number, percent
from sightline.predictions import BETWEEN
from sightline.recipe import LearnerRecipe, Recipe
from sightline.tiles import Tile, picture_of
from sightline.training import events
from sightline.wording import FIGURES, SHARES

SHOWN = 24  # mistakes shown as pictures
PAIRS = 6  # most confused pairs listed
SCATTERS = 12  # values drawn
UNTESTED = "has no test part, or it was not scored: nothing to report"
BARS = 100  # classes up to which the page draws images a class; figures/ has them always


@dataclass(frozen=True)
class Told:
    """What a run folder says.

    start    facts of the beginning: version, machine, data, plan, model
    history  a dict an epoch, in order; a resumed epoch counts once
    test     the last "test" event
    resumes  epochs after which the run was taken up again
    rows     of predictions.csv, a dict an image
    """

    folder: Path
    recipe: Recipe | LearnerRecipe
    start: dict[str, Any]
    history: list[dict[str, Any]]
    test: dict[str, Any]
    resumes: list[int]
    rows: list[dict[str, str]]

    @property
    def classes(self) -> list[str]:
        return list(self.start["data"]["classes"])

    @property
    def goal(self) -> str:
        return monitor.GOALS[self.recipe.task][1:]


def write(folder: Path, test: Dataset | None) -> Path:
    """Write `folder/report.html` and `folder/figures/`; returns the page's path.

    test  the part that predictions.csv indexes; None where its pictures are not at hand

    Raises ArtifactError where the folder holds no run, or one that has not been tested.
    """
    run = read(folder)
    tell = {
        "classification": _classified,
        "detection": _detected,
        "landmarks": _pointed,
        "multilabel": _labeled,
        "regression": _regressed,
    }
    result = tell[run.recipe.task](run, test)
    best = run.test["epoch"] if run.test["chosen"] else None
    marks = Marks(best, run.goal)
    drawn = {"curves": curves.svg(run.history, marks)} | result.pop("figures")
    data = run.start["data"]
    if any(data["counts"].values()):
        drawn["counts"] = plots.counts(run.classes, data["counts"])
    placed = drawn | {"curves-narrow": curves.svg(run.history, marks, stacked=True)}
    template = page.environment().get_template("report.html")
    text = template.render(
        run=run,
        result=result,
        data=data,
        figure={name: Markup(plots.for_page(svg, name, name)) for name, svg in placed.items()},
        show_counts="counts" in drawn and len(run.classes) <= BARS,
        measured=_measured(run),
        seen=_seen(run),
        remarks=monitor.read(folder).remarks if isinstance(run.recipe, Recipe) else [],
        trained=isinstance(run.recipe, Recipe),
        at_hand=test is not None,
        place=shlex.quote(str(folder)),
        toml=(folder / "recipe.toml").read_text("utf-8"),
    )
    path = folder / "report.html"
    with files.output_errors(path):
        for name, svg in drawn.items():
            files.write_text(folder / "figures" / f"{name}.svg", svg)
        files.write_text(path, text)
    return path


def read(folder: Path) -> Told:
    """What the folder says. Raises ArtifactError where it holds no run, or no test yet."""
    for name in ("recipe.toml", "events.jsonl"):
        if not (folder / name).is_file():
            raise ArtifactError(f"{folder}: no run (no {name} in it)")
    path = folder / "recipe.toml"
    chosen = recipe.of_either(recipe.read(path), str(path))
    kinds: dict[str, list[dict[str, Any]]] = {"start": [], "epoch": [], "resume": [], "test": []}
    found = events.read(folder)
    for event in found:
        kinds.setdefault(event.get("event", ""), []).append(event)
    if not kinds["start"]:
        raise ArtifactError(f"{folder}: no run (events.jsonl does not say how it started)")
    start: dict[str, Any] = {}
    for event in kinds["start"]:  # of several, the last word on each thing
        start |= {key: value for key, value in event.items() if value}
    tests = kinds["test"]
    if not tests:
        raise ArtifactError(f"{folder}: not tested yet; finish it with: sightline resume {folder}")
    if not tests[-1]["figures"]:
        raise ArtifactError(f"{folder}: {UNTESTED}")
    answers = rows(folder)
    if len(answers) != int(tests[-1]["figures"].get("images", len(answers))):
        raise ArtifactError(f"{folder}: predictions.csv and events.jsonl are of different tests")
    resumes = [event["epoch"] for event in kinds["resume"]]
    return Told(folder, chosen, start, events.history(found), tests[-1], resumes, answers)


def rows(folder: Path) -> list[dict[str, str]]:
    """Of predictions.csv. Raises ArtifactError where there is none: it was not tested."""
    path = folder / "predictions.csv"
    if not path.is_file():
        raise ArtifactError(f"{folder}: {UNTESTED}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _measured(run: Told) -> str:
    """The sentence that says what the headline was measured on."""
    n, epoch = len(run.rows), run.test["epoch"]
    text = f"Measured on {n:,} test images that were never trained or chosen on."
    if isinstance(run.recipe, LearnerRecipe):
        return f"{text} The learner was fitted once; nothing was chosen."
    epochs = run.recipe.train.epochs
    text += f" Epoch {epoch}"
    text += f" of {epochs}" if epochs >= epoch else ""
    if not run.test["chosen"]:
        return f"{text}: the last epoch; nothing was chosen."
    goal = run.recipe.train.goal[1:] or run.goal
    value = next((e.get("val", {}).get(goal) for e in run.history if e["epoch"] == epoch), None)
    text += f", chosen on validation {FIGURES.get(goal, goal)}"
    if value is None:
        return f"{text}."
    return f"{text} {percent(value, n) if goal in SHARES else number(value)}."


def _seen(run: Told) -> str:
    """What every figure of the test is of: split, count, canvas and view."""
    height, width = run.recipe.canvas.size
    view = "center" if run.recipe.view.test == "auto" else run.recipe.view.test
    return f"Test part, {len(run.rows):,} images, canvas {width}×{height}, view {view}."


def _classified(run: Told, test: Dataset | None) -> dict[str, Any]:
    classes, n = run.classes, len(run.rows)
    truth, guess = (_indices(run, [row[key] for row in run.rows]) for key in ("truth", "guess"))
    table = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(table, (truth, guess), 1)
    right = int(np.trace(table))
    low, high = wilson(right, n)
    rows = class_table(table, classes)
    there = (table.sum(0) + table.sum(1)) > 0
    macro = _macro([row for row, kept in zip(rows, there, strict=True) if kept])
    wrong = [run.rows[i] for i in np.flatnonzero(truth != guess)]
    wrong.sort(key=lambda row: -float(row["confidence"]))
    said = judged(run.rows, truth, guess, classes, run.test.get("calibration"))
    return {
        "figures": {"confusion": plots.confusion(table, classes)} | said.pop("figures"),
        "judged": said,
        "headlines": [(percent(right / n, n), "test accuracy")],
        "interval": {"value": right / n, "low": low, "high": high},
        "commonest": int(table.sum(1).max()) / n,
        "right": right,
        "table": rows,
        "macro": macro,
        "pairs": _confused(table, classes),
        "wrong": len(wrong),
        "tiles": [_mistake(row, test) for row in wrong[:SHOWN]],
    }


def _indices(run: Told, names: Sequence[str]) -> NDArray[np.int64]:
    """Names from predictions.csv as indices into the run's classes."""
    index = {name: i for i, name in enumerate(run.classes)}
    try:
        return np.array([index[name] for name in names], np.int64)
    except KeyError as error:
        raise ArtifactError(
            f"{run.folder / 'predictions.csv'}: {error} is none of the run's classes"
        ) from None


def _macro(rows: Sequence[ClassRow]) -> dict[str, float]:
    """The mean over classes of precision, recall and F1."""
    names = ("precision", "recall", "f1")
    return {name: sum(asdict(row)[name] for row in rows) / max(1, len(rows)) for name in names}


def _confused(table: NDArray[np.int64], classes: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Truth, guess, how often, and of how many, of the pairs most often confused."""
    off = table * (1 - np.eye(len(table), dtype=np.int64))
    order = np.argsort(-off, axis=None, kind="stable")[:PAIRS]
    pairs = [divmod(int(at), len(table)) for at in order]
    return [
        (classes[t], classes[g], int(off[t, g]), int(table[t].sum())) for t, g in pairs if off[t, g]
    ]


def _mistake(row: Mapping[str, str], test: Dataset | None) -> Tile:
    confidence = percent(float(row["confidence"]), 0)
    lines = [("truth", row["truth"]), ("guess", row["guess"]), ("confidence", confidence)]
    return Tile(*picture_of(row, test), lines, row["source"])


def _labeled(run: Told, test: Dataset | None) -> dict[str, Any]:  # noqa: ARG001
    meter = MultilabelMeter(run.classes)
    for row in run.rows:
        yes, no, guess = (
            _indices(run, row[column].split(BETWEEN) if row[column] else [])
            for column in ("truth", "truth_no", "guess")
        )
        said = np.isin(np.arange(len(run.classes)), guess).astype(np.int64)
        meter.counts[yes, 1, said[yes]] += 1
        meter.counts[no, 0, said[no]] += 1
    rows, known = meter.table(), int(meter.counts.sum())
    n = len(run.rows)
    return {
        "figures": {},
        "headlines": [
            (percent(run.test["figures"]["f1"], n), "test F1, mean over labels"),
            (percent(run.test["figures"]["accuracy"], n), "accuracy of known labels"),
        ],
        "table": rows,
        "macro": _macro(rows),
        "known": known,
        "unknown": n * len(run.classes) - known,
    }


def _regressed(run: Told, test: Dataset | None) -> dict[str, Any]:
    names = run.classes
    truth, guess = (
        np.array([[float(row[f"{kind}:{name}"]) for name in names] for row in run.rows])
        for kind in ("truth", "guess")
    )
    error = np.abs(guess - truth)
    spread = np.where(truth.std(0) > 0, truth.std(0), 1.0)
    worst = np.argsort(-(error / spread).mean(1), kind="stable")[:SHOWN]
    what = names[0] if len(names) == 1 else f"{len(names)} values"
    figures = run.test["figures"]
    return {
        "figures": {
            f"scatter-{i + 1}": plots.scatter(truth[:, i], guess[:, i], name)
            for i, name in enumerate(names[:SCATTERS])
        },
        "headlines": [
            (number(figures["mae"]), f"mean absolute error of {what}"),
            (number(figures["rmse"]), "root mean squared error"),
            (number(figures["r2"]), "R²"),
        ],
        "values": [_value(name, truth[:, i], guess[:, i]) for i, name in enumerate(names)],
        "tiles": [
            Tile(*picture_of(row, test), _off(names, truth[at], guess[at]), row["source"])
            for at, row in ((at, run.rows[at]) for at in worst.tolist())
        ],
    }


def _detected(run: Told, test: Dataset | None) -> dict[str, Any]:
    found = judged_boxes(run.rows, run.classes, str(run.folder / "predictions.csv"))
    pairs, figures = found.pop("pairs"), run.test["figures"]
    wrong = found.pop("faults")
    order = sorted(range(len(pairs)), key=lambda at: -wrong[at].count)
    worst = [at for at in order if wrong[at].count]

    return found | {
        "headlines": [
            (number(figures["map50"]), "mAP at IoU .5"),
            (number(figures["map"]), "mAP over IoU .5 to .95"),
            (number(figures["recall"]), "recall at IoU .5"),
        ],
        "wrong": len(worst),
        "tiles": [
            worst_tile(run.rows[at], test, pairs[at], wrong[at], (run.recipe.canvas, run.classes))
            for at in worst[:SHOWN]
        ],
    }


def _pointed(run: Told, test: Dataset | None) -> dict[str, Any]:
    found = judged_landmarks(run.rows, run.classes, str(run.folder / "predictions.csv"))
    pairs, away = found.pop("pairs"), found.pop("distances")
    tiles = [
        landmark_tile(run.rows[at], test, pairs[at], away[at], run.classes)
        for at in found.pop("order")[:SHOWN]
    ]
    return found | {"tiles": tiles}


def _value(name: str, truth: NDArray[Any], guess: NDArray[Any]) -> dict[str, Any]:
    """The errors of one value, (n,); `mean` is that of always answering the mean."""
    error, spread = guess - truth, truth - truth.mean()
    squares, scale = float((error**2).mean()), float((spread**2).mean())
    return {
        "name": name,
        "mae": np.abs(error).mean(),
        "rmse": math.sqrt(squares),
        "r2": 1 - squares / scale if scale > 0 else 0.0,
        "mean": np.abs(spread).mean(),
        "range": f"{number(truth.min())} to {number(truth.max())}",
    }


def _off(names: Sequence[str], truth: NDArray[Any], guess: NDArray[Any]) -> list[tuple[str, str]]:
    if len(names) == 1:
        said = {"truth": truth[0], "guess": guess[0], "off by": abs(guess[0] - truth[0])}
        return [(what, number(value)) for what, value in said.items()]
    shown = zip(names[:SCATTERS], truth, guess, strict=False)
    return [(name, f"{number(t)} → {number(g)}") for name, t, g in shown]
