"""Several runs of one request that differ in a setting, told together.

runs/NAME/  what was asked, as JSON  WORD-1/ … WORD-n/, each a run folder
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
from sightline.completion import CHECKPOINTS
from sightline.errors import ArtifactError, RecipeError
from sightline.overrides import Setting
from sightline.prepare import Opened
from sightline.processes import joined
from sightline.request import Request
from sightline.talk import Talk
from sightline.training import events


@dataclass(frozen=True, eq=False)
class Several:
    """word    what one of them is called: fold, member
    runs     the folders, in order
    val, test  figures of each: of the kept weights on its validation part, and on the test part,
               the same for all; empty where there is none
    chosen   whether validation chose the epoch that was kept, which flatters `val`
    """

    word: str
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
        """A line a run and part, then mean and deviation."""
        lines = []
        for part, rows in (("val", self.val), ("test", self.test)):
            for number, figures in enumerate(rows, 1):
                shown = "  ".join(f"{n} {v:.4f}" for n, v in figures.items() if n != "images")
                images = f"({figures['images']:.0f} images)"
                lines.append(f"{self.word} {number}  {part} {images}  {shown}")
        for part, rows in (("val", self.val), ("test", self.test)):
            if rows:
                shown = "  ".join(f"{n} {m:.4f} ± {d:.4f}" for n, (m, d) in summary(rows).items())
                lines.append(f"{part:<4} of {len(rows)} {self.word}s  {shown}")
        if self.chosen:
            lines.append(
                f"each {self.word} chose its own epoch, so its validation figures flatter a little"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Asked:
    """What several runs are carried out for.

    word      what one of them is called
    file      that holds what was asked, in their folder
    settings  of all of them
    own       of each, beyond those
    """

    word: str
    file: str
    request: Request
    settings: Sequence[Setting]
    own: Sequence[Sequence[Setting]]

    def text(self) -> str:
        """What must be the same for the same command to go on."""
        asked = {
            "content": self.request.content,
            "settings": [list(pair) for pair in self.settings],
            f"{self.word}s": [[list(pair) for pair in own] for own in self.own],
        }
        return json.dumps(asked, indent=1, default=str) + "\n"


def summary(rows: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation (of a sample, n - 1; 0 of one) of every figure that all have."""
    names = [n for n in rows[0] if n != "images" and all(n in r for r in rows)] if rows else []
    found = {}
    for name in names:
        values = [row[name] for row in rows]
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        found[name] = statistics.fmean(values), deviation
    return found


def carry_out(asked: Asked, to: Path | None, quarantine: bool, talk: Talk) -> tuple[Path, Several]:
    """Train all of them; the folder, and what came out.

    The folder is `to`, or the next free runs/NAME. Asked again with `to` and the same settings,
    what is finished stays, what was interrupted is resumed. Raises Stopped as training does, and
    RecipeError where `to` holds runs that were asked for otherwise.
    """
    with joined() as processes:
        if processes.size > 1:
            raise RecipeError("several runs are trained by one process; start it without torchrun")
    folder = signed(to, asked.request.name, asked.file, asked.text(), f"{asked.word}s")
    runs = [folder / f"{asked.word}-{number}" for number in range(1, len(asked.own) + 1)]
    for number, (run, own) in enumerate(zip(runs, asked.own, strict=True), 1):
        talk.say(f"{asked.word} {number} of {len(runs)}")
        finish(run, asked.request, [*asked.settings, *own], quarantine, talk)
    return folder, told(asked.word, runs)


def signed(to: Path | None, name: str, file: str, text: str, what: str) -> Path:
    """A folder that is signed with what was asked: a new one, the next free runs/NAME where none is
    given, or the one that was made for the same.

    file, text  what signs it; `what` it holds, for the error
    Raises RecipeError where `to` is signed otherwise.
    """
    if to is not None and (to / file).is_file():
        if (to / file).read_text("utf-8") != text:
            raise RecipeError(
                f"{to} holds {what} of another request (see {file}); choose another --to"
            )
        return to
    folder = claimed(to, name)
    with files.output_errors(folder):
        files.write_text(folder / file, text)
    return folder


def finish(
    run: Path,
    request: Request,
    settings: Sequence[Setting],
    quarantine: bool,
    talk: Talk,
    given: Opened | None = None,
) -> None:
    """Train a run of several, go on with it, or leave it as it is: finished. Raises ArtifactError
    for one that ended before its first checkpoint, which left a folder that says nothing."""
    if (run / NAME).exists():
        talk.say(f"{run} is there already")
    elif (run / CHECKPOINTS).exists():
        experiment.resume(run, (), talk, given)
    elif run.exists():
        raise ArtifactError(f"{run}: was begun but holds no checkpoint; remove it and ask again")
    else:
        experiment.train(request, settings, run, quarantine, talk, given)


def told(word: str, runs: list[Path]) -> Several:
    """The figures of finished runs, from their events."""
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
    return Several(word, runs, val, test, chosen)
