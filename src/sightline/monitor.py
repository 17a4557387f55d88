"""Watching a run: one page that refreshes itself, a picture of the curves, and a table.

Drawn from recipe.toml and events.jsonl alone, so that a run that was killed can be looked at too.
runs/NAME/  monitor.html  curves.png  history.csv
"""

import csv
import io
import math
import shlex
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from markupsafe import Markup

from sightline import files, page, plots, recipe
from sightline.data.augment import Augment
from sightline.drawing import curves
from sightline.drawing.curves import Marks
from sightline.errors import ArtifactError, OutputError
from sightline.page import number, percent
from sightline.recipe import Recipe
from sightline.tasks.task import is_better
from sightline.training import events
from sightline.training.callbacks import Callback
from sightline.training.diagnosis import diagnose
from sightline.training.history import Facts
from sightline.training.remarks import Remark
from sightline.training.run import Run
from sightline.version import __version__
from sightline.wording import FIGURES, SHARES, plural

GOALS = {
    "classification": "+accuracy",
    "multilabel": "+f1",
    "regression": "-mae",
    "detection": "+map50",
    "landmarks": "-error",
}
ROWS = 40  # newest epochs in the page's table; history.csv has all
SHARE = 30  # times what a drawing costs must pass before the next
REFRESH = (5, 60)  # seconds
PATIENCE = 5.0  # seconds in which nothing is drawn


@dataclass(frozen=True)
class Watched:
    """What a run folder says so far.

    start    facts of the beginning
    history  a dict an epoch, in order; an epoch that was trained again counts once
    resumes  epochs after which the run was taken up again
    last     the newest event that says how the run stands: start, resume, stopped, diverged, test
    running  whether a process is at it
    seen     when the newest event was written, seconds since 1970
    """

    folder: Path
    recipe: Recipe
    start: dict[str, Any]
    history: list[dict[str, Any]]
    resumes: list[int]
    last: dict[str, Any]
    running: bool
    seen: float

    @property
    def goal(self) -> str:
        """What best means, after + (higher) or - (lower)."""
        return self.recipe.train.goal or GOALS.get(self.recipe.task, "-loss")

    @property
    def shown(self) -> str:
        """The figure that is drawn beside the loss."""
        name = self.goal[1:]
        return GOALS.get(self.recipe.task, "-loss")[1:] if name == "loss" else name

    @property
    def best(self) -> dict[str, Any] | None:
        """The epoch whose weights are kept; None without validation."""
        found: dict[str, Any] | None = None
        for entry in self.history:
            figures = entry.get("val") or {}
            if not math.isfinite(figures.get(self.goal[1:], math.nan)):
                continue
            if is_better(self.goal, figures, found["val"] if found else None):
                found = entry
        return found

    @property
    def state(self) -> str:
        """running, finished, stopped, diverged; or interrupted, by what left no word."""
        kind = {"test": "finished", "stopped": "stopped", "diverged": "diverged"}
        return kind.get(self.last.get("event", ""), "running" if self.running else "interrupted")

    @property
    def facts(self) -> Facts:
        """What the recipe adds to the curves."""
        setup, augment = self.recipe.train, self.recipe.augment
        makes_harder = {
            "augmentation": augment != Augment(),
            "dropout": self.start.get("model", {}).get("dropout", 0) > 0,
            "adversarial examples": setup.adversarial is not None,
        }
        ended = self.state in ("finished", "stopped")
        classification = self.recipe.task == "classification"
        return Facts(
            goal=self.goal,
            classes=len(self.start.get("data", {}).get("classes", ())) if classification else 0,
            smoothing=setup.smoothing if classification else 0.0,
            regularizers=tuple(name for name, there in makes_harder.items() if there),
            mixed=augment.mixup + augment.cutmix > 0,
            epochs=0 if ended else setup.epochs,
        )

    @property
    def remarks(self) -> list[Remark]:
        """What the curves say; of a run that diverged, that it did."""
        history = list(self.history)
        if self.state == "diverged":
            last = history[-1] if history else {}
            lost = {"epoch": int(last.get("epoch", 0)) + 1, "train": {"loss": math.nan}}
            history.append(lost | {"rate": last.get("rate") or {}})
        return diagnose(history, self.facts)


def read(folder: Path, running: bool = False) -> Watched:
    """What the folder says. Raises ArtifactError where it holds no run."""
    path = folder / "recipe.toml"
    log = folder / events.NAME
    for needed in (path, log):
        if not needed.is_file():
            raise ArtifactError(f"{folder}: no run (no {needed.name} in it)")
    chosen = recipe.from_dict(recipe.read(path), str(path), Recipe)
    start: dict[str, Any] = {}
    last: dict[str, Any] = {}
    found = events.read(folder)
    for event in found:
        kind = event.get("event")
        start |= {key: value for key, value in event.items() if value} if kind == "start" else {}
        last = event if kind in ("start", "resume", "stopped", "diverged", "test") else last
    resumes = [int(event["epoch"]) for event in found if event.get("event") == "resume"]
    history = events.history(found)
    return Watched(folder, chosen, start, history, resumes, last, running, log.stat().st_mtime)


def is_running(folder: Path) -> bool:
    """Whether a process holds the run folder; on Windows nobody is known to."""
    if not (folder / ".lock").exists():  # which looking at what is no run shall not make
        return False
    try:
        with files.locked(folder):
            return False
    except OutputError:
        return True


@dataclass(frozen=True)
class Drawn:
    """The curves of a history; `of` says which: epochs, and after which it was taken up again."""

    of: tuple[int, tuple[int, ...]]
    wide: str
    narrow: str
    picture: bytes


def draw(folder: Path, running: bool = False) -> Path:
    """Write monitor.html, curves.png and history.csv; returns the page's path.

    running  whether the page is to refresh itself

    Raises ArtifactError where the folder holds no run, OutputError.
    """
    run = read(folder, running)
    return _write(run, _drawn(run))


def _drawn(run: Watched) -> Drawn:
    history, marks = run.history, _marks(run)
    if not history:
        return Drawn((0, ()), "", "", b"")
    title = f"Loss and {run.shown} [epoch {history[-1]['epoch']}]"
    return Drawn(
        (len(history), tuple(run.resumes)),
        plots.for_page(curves.svg(history, marks), "curves", "wide"),
        plots.for_page(curves.svg(history, marks, stacked=True), "curves", "narrow"),
        curves.png(history, marks, title),
    )


def _write(run: Watched, drawn: Drawn) -> Path:
    path = run.folder / "monitor.html"
    with files.output_errors(path):
        files.write_text(run.folder / "history.csv", to_csv(run.history))
        if drawn.picture:
            files.write_bytes(run.folder / "curves.png", drawn.picture)
        files.write_text(path, _page(run, drawn))
    return path


def _marks(run: Watched) -> Marks:
    best = run.best
    return Marks(best["epoch"] if best else None, run.shown, rate=True, resumes=tuple(run.resumes))


def to_csv(history: Sequence[Mapping[str, Any]]) -> str:
    """A row an epoch: epoch, seconds, train/…, val/…, rate/…; empty where there is no value."""
    columns: dict[tuple[str, str], None] = {}
    for part in ("train", "val", "rate"):
        for entry in history:
            columns |= dict.fromkeys((part, name) for name in entry.get(part) or {})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["epoch", "seconds", *(f"{part}/{name}" for part, name in columns)])
    for entry in history:
        values = [(entry.get(part) or {}).get(name, "") for part, name in columns]
        table.writerow([entry["epoch"], entry.get("seconds", ""), *values])
    return out.getvalue()


def _page(run: Watched, drawn: Drawn) -> str:
    best, history = run.best, run.history
    rows = _rows(run)
    spent = sum(row["took"] for row in rows)
    pace = statistics.median([row["took"] for row in rows[:5]]) if rows else 0.0
    epochs, done = run.recipe.train.epochs, int(history[-1]["epoch"]) if history else 0
    newest = history[-1] if history else {}
    return (
        page.environment()
        .get_template("monitor.html")
        .render(
            run=run,
            version=__version__,
            name=run.start.get("data", {}).get("name", run.folder.name),
            refresh=min(max(round(pace), REFRESH[0]), REFRESH[1]) if run.state == "running" else 0,
            seen=datetime.fromtimestamp(run.seen, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            done=done,
            epochs=epochs,
            spent=spent,
            left=pace * (epochs - done),
            pace=pace,
            wide=Markup(drawn.wide),
            narrow=Markup(drawn.narrow),
            rows=rows[:ROWS],
            more=max(0, len(rows) - ROWS),
            newest=newest,
            best=best,
            headline=_said(run.shown, (newest.get("val") or {}).get(run.shown)),
            best_said=_said(run.goal[1:], best["val"][run.goal[1:]]) if best else "",
            shown=FIGURES.get(run.shown, run.shown),
            remarks=run.remarks,
            images=int(((run.last.get("figures") or {}).get("images")) or 0),
            tested=_said(run.shown, (run.last.get("figures") or {}).get(run.shown)),
            place=shlex.quote(str(run.folder)),
            plural=plural,
        )
    )


def _said(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return percent(value, 0) if name in SHARES else number(value)


def _loss(value: float | None) -> str:
    """Four digits behind the point, so that they stand below one another."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1000 else f"{value:.2e}"


def _rows(run: Watched) -> list[dict[str, Any]]:
    """The epochs as the table shows them, newest first."""
    rows, before, best = [], 0.0, run.best
    for entry in run.history:
        train, val = entry.get("train") or {}, entry.get("val") or {}
        seconds = float(entry.get("seconds", before))
        seconds = seconds if math.isfinite(seconds) else before
        rates = entry.get("rate") or {}
        rows.append(
            {
                "epoch": int(entry["epoch"]),
                "loss": _loss(train.get("loss")),
                "own": _said(run.shown, train.get(run.shown)),
                "val": _loss(val.get("loss")),
                "goal": _said(run.shown, val.get(run.shown)),
                "rate": " ".join(f"{float(rate):.2g}" for rate in rates.values()),
                "took": max(0.0, seconds - before),
                "best": entry is best,
                "resumed": int(entry["epoch"]) in run.resumes,
            }
        )
        before = seconds
    return rows[::-1]


@final
class Monitor(Callback):
    """Draws the page after an epoch, and at the end.

    Not in the first five seconds, since a run that is over by then needs no watching. After a
    drawing, thirty times what it cost must pass before the next: watching takes a thirtieth of the
    time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = time.monotonic() + PATIENCE
        self._drawn: Drawn | None = None

    def on_epoch(self, run: Run) -> None:
        if not run.stop and time.monotonic() >= self._next:
            self.on_end(run)

    def on_end(self, run: Run) -> None:  # noqa: ARG002
        self.draw(running=True)

    def draw(self, running: bool = False) -> None:
        """Write the page of the run as its folder has it; curves only where there are new epochs.

        running  whether it is to refresh itself
        """
        started = time.monotonic()
        seen = read(self.folder, running)
        if self._drawn is None or self._drawn.of != (len(seen.history), tuple(seen.resumes)):
            self._drawn = _drawn(seen)
        _write(seen, self._drawn)
        ended = time.monotonic()
        self._next = ended + SHARE * (ended - started)
