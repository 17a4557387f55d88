"""Cross-validation: k runs, each validated on another fold of what is not the test part.

runs/NAME/  folds.json  fold-1/ … fold-k/, each a run folder
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline import experiment, files
from sightline.artifact import NAME
from sightline.asked import claimed
from sightline.errors import ArtifactError, RecipeError
from sightline.overrides import Setting
from sightline.request import Request
from sightline.talk import Talk
from sightline.training import events

ASKED = "folds.json"


@dataclass(frozen=True, eq=False)
class Folds:
    """runs     the folders, in order
    val, test  figures of each fold: of the kept weights on the fold left out of training, and on
               the test part, the same for all; empty where there is none
    chosen     whether validation chose the epoch that was kept, which flatters `val`
    """

    runs: list[Path]
    val: list[dict[str, float]]
    test: list[dict[str, float]]
    chosen: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "runs": [str(run) for run in self.runs],
            "chosen_on_validation": self.chosen,
            "val": self.val,
            "test": self.test,
            "summary": {
                part: {name: dict(zip(("mean", "deviation"), pair, strict=True))
                       for name, pair in summary(rows).items()}
                for part, rows in (("val", self.val), ("test", self.test))
            },
        }  # fmt: skip

    def to_text(self) -> str:
        """A line a fold and part, then mean and deviation."""
        lines = []
        for part, rows in (("val", self.val), ("test", self.test)):
            for number, figures in enumerate(rows, 1):
                shown = "  ".join(f"{n} {v:.4f}" for n, v in figures.items() if n != "images")
                lines.append(f"fold {number}  {part} ({figures['images']:.0f} images)  {shown}")
        for part, rows in (("val", self.val), ("test", self.test)):
            if rows:
                shown = "  ".join(f"{n} {m:.4f} ± {d:.4f}" for n, (m, d) in summary(rows).items())
                lines.append(f"{part:<4} of {len(rows)} folds  {shown}")
        if self.chosen:
            lines.append(
                "each fold chose its own epoch, so its validation figures flatter a little"
            )
        return "\n".join(lines)


def summary(rows: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation (of a sample, n - 1) of every figure that all have."""
    names = [n for n in rows[0] if n != "images" and all(n in r for r in rows)] if rows else []
    return {
        name: (
            statistics.fmean(row[name] for row in rows),
            statistics.stdev(row[name] for row in rows),
        )
        for name in names
    }


def cross_validate(
    request: Request,
    settings: Sequence[Setting],
    k: int,
    to: Path | None,
    quarantine: bool,
    talk: Talk,
) -> Folds:
    """Train k runs, fold i as validation in the i-th.

    The folder is `to`, or the next free runs/NAME. Asked again with `to` and the same settings,
    what is finished stays, what was interrupted is resumed. Raises Stopped as training does, and
    RecipeError where `to` holds folds that were asked for otherwise.
    """
    if k < 2:
        raise RecipeError(f"--folds {k}: at least 2")
    if any(key in ("data.folds", "data.fold") for key, _ in settings):
        raise RecipeError("--folds sets data.folds and data.fold itself")
    asked = {"content": request.content, "settings": [list(pair) for pair in settings], "folds": k}
    text = json.dumps(asked, indent=1, default=str) + "\n"
    folder = _folder(to, request.name, text)
    runs = [folder / f"fold-{number}" for number in range(1, k + 1)]
    for number, run in enumerate(runs, 1):
        talk.say(f"fold {number} of {k}")
        if (run / NAME).exists():
            talk.say(f"{run} is there already")
        elif (run / "checkpoints").exists():
            experiment.resume(run, (), talk)
        else:
            own = [*settings, ("data.folds", k), ("data.fold", number)]
            _require_none(run)
            experiment.train(request, own, run, quarantine, talk)
    return told(runs)


def _folder(to: Path | None, name: str, text: str) -> Path:
    """The folder, claimed and signed; or the one that was, for the same."""
    if to is not None and (to / ASKED).is_file():
        if (to / ASKED).read_text("utf-8") != text:
            raise RecipeError(
                f"{to} holds folds of another request (see {ASKED}); choose another --to"
            )
        return to
    folder = claimed(to, name)
    with files.output_errors(folder):
        files.write_text(folder / ASKED, text)
    return folder


def _require_none(run: Path) -> None:
    """A run that ended before its first checkpoint left a folder that says nothing."""
    if run.exists():
        raise ArtifactError(f"{run}: was begun but holds no checkpoint; remove it and ask again")


def told(runs: list[Path]) -> Folds:
    """The figures of finished folds, from their events."""
    val, test, chosen = [], [], False
    for run in runs:
        found = events.read(run)
        last = [event for event in found if event.get("event") == "test"][-1]
        chosen = chosen or bool(last["chosen"])
        parts = last.get("parts", {}).get("val")
        epochs = {entry["epoch"]: entry.get("val") for entry in events.history(found)}
        figures = parts or epochs.get(last["epoch"])
        if figures:
            val.append(figures)
        if last["figures"]:
            test.append(last["figures"])
    return Folds(runs, val, test, chosen)
