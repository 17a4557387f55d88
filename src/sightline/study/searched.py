"""A search carried out, by one process or several, and what it found: a table, JSON, the page."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.errors import OutputError, Stopped
from sightline.overrides import Setting
from sightline.study import search_page
from sightline.study.search import Search, Wanted, again, begin
from sightline.study.space import short
from sightline.study.spaces import at_edges
from sightline.study.trials import Trial, counts
from sightline.study.trying import BEST, last, work, write_best
from sightline.talk import Talk
from sightline.wording import some

ROWS = 20  # trials in the terminal's table
SHARE = 30  # times what drawing the page costs must pass before the next


def search(
    what: str,
    wanted: Wanted,
    changes: Sequence[Setting],
    to: Path | None,
    jobs: int,
    talk: Talk,
) -> Search:
    """Begin a search, go on with it or join it, until it has the trials that were asked for.

    jobs  processes that carry out trials; this one only waits where there are more than one

    Raises SightlineError; Stopped when interrupted, all being saved.
    """
    found = begin(what, wanted, changes, to, talk)
    talk.say("\n".join(_words(found, jobs)))
    page = _Page()
    if jobs == 1:
        work(found, talk, page.after)
    else:
        _side_by_side(found, jobs, wanted.url, talk)
    write_best(found)
    search_page.write(found)
    return found


def _words(found: Search, jobs: int) -> list[str]:
    """What is searched and how, before it begins."""
    ways = found.ways
    lines = [f"search in {found.folder}: {found.trials} trials by {ways.goal[1:]} on validation"]
    lines += [f"  {key}: {axis.words}" for key, axis in ways.space.items()]
    drawn = "at random" if ways.sampler == "random" else "by TPE, from where the best were"
    lines.append(f"  values drawn {drawn}; trial n has seed {ways.seed} + n")
    if jobs > 1 and (ways.sampler == "tpe" or ways.pruner != "none"):
        what = "what is drawn" if ways.sampler == "tpe" else "what is pruned"
        lines.append(f"  {what} depends on which process is quicker: not reproducible")
    there = found.found.all()
    if there:
        lines.append(f"  there already: {counts(there)}")
    return lines


class _Page:
    """Draws the page after a trial, but not so often that it takes more than a thirtieth of the
    time."""

    def __init__(self) -> None:
        self._next = 0.0

    def after(self, found: Search) -> None:
        began = time.monotonic()
        if began < self._next:
            return
        write_best(found)
        search_page.write(found)
        ended = time.monotonic()
        self._next = ended + SHARE * (ended - began)


def _side_by_side(found: Search, jobs: int, url: str, talk: Talk) -> None:
    """So many processes, each a search of the same folder; what they say is said here."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    threads = min(threads, int(os.environ.get("OMP_NUM_THREADS", threads)))
    own = {"OMP_NUM_THREADS": str(threads)} | ({"SIGHTLINE_STORAGE": url} if url else {})
    command = [sys.executable, "-m", "sightline", "search", str(found.folder)]
    command += ["--trials", str(found.trials)]
    read, write = os.pipe()
    begun = [
        subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=write)
        for _ in range(jobs)
    ]
    os.close(write)
    interrupted = False
    with os.fdopen(read, encoding="utf-8", errors="replace") as lines:
        while True:
            try:
                for line in lines:
                    if line.startswith(("trial ", "sightline:")):
                        talk.say(line.rstrip())
                break
            except KeyboardInterrupt:  # which the processes got, too
                interrupted = True
    codes = [process.wait() for process in begun]
    if interrupted or 130 in codes:
        raise Stopped(f"stopped; all is saved, go on with: {again(found.folder)}")
    if any(codes):
        raise OutputError(
            f"{sum(map(bool, codes))} of {jobs} processes ended with an error; when that is "
            f"mended, go on with: {again(found.folder)}"
        )


def to_text(found: Search) -> str:
    """The best trials as a table, and how to go on."""
    known, ranked = found.found.all(), found.ranked
    space, name = found.ways.space, found.ways.goal[1:]
    heads = ["trial", f"val {name}", "epochs", "seconds", *map(last, space)]
    rows = [_row(found, trial) for trial in ranked[:ROWS]]
    lines = _table(heads, rows) if rows else []
    lines += [f"… and {len(ranked) - ROWS} more"] if len(ranked) > ROWS else []
    lines.append(counts(known))
    lines += [f"trial {t.number} refused: {t.why}" for t in known if t.state == "refused"][:3]
    if ranked:
        edges = at_edges(space, ranked[0].values)
        if edges:
            lines.append(f"the best {some(edges)} lies at the end of its range: look beyond it")
        best = found.folder / BEST
        lines.append(f"best     {best}")
        lines.append(f"next     sightline train {best}  # trained and tested, once")
    lines.append(f"page     {found.folder / search_page.NAME}")
    return "\n".join(lines) + "\n"


def _row(found: Search, trial: Trial) -> list[str]:
    values = [short(trial.values.get(key)) for key in found.ways.space]
    figure = "–" if trial.figure is None else f"{trial.figure:.4f}"
    return [str(trial.number), figure, str(trial.epochs), f"{trial.seconds:.1f}", *values]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]


def to_dict(found: Search) -> dict[str, Any]:
    """As JSON has it."""
    ranked = found.ranked
    return {
        "search": str(found.folder),
        "goal": found.ways.goal,
        "best": _trial(ranked[0]) if ranked else None,
        "recipe": str(found.folder / BEST) if ranked else None,
        "importance": search_page.importance(found),
        "trials": [_trial(trial) for trial in found.found.all()],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state,
        "figure": trial.figure,
        "epochs": trial.epochs,
        "best_epoch": trial.best,
        "seconds": round(trial.seconds, 3),
        "values": trial.values,
    } | ({"why": trial.why} if trial.why else {})
