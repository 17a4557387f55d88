"""The page of a search: what was tried, what came out, and what mattered; one file, no script."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from sightline import files, page
from sightline.page import number, percent
from sightline.study import search_pictures as pictures
from sightline.study.search import Search, again
from sightline.study.space import short
from sightline.study.spaces import at_edges
from sightline.study.trials import counts, importances
from sightline.study.trying import BEST, last
from sightline.version import __version__
from sightline.wording import SHARES

NAME = "search.html"
LEAST = 4  # finished trials, from which importance is reckoned at all
ENOUGH = 10  # finished trials a setting, from which it is more than a hint
DRAWS = 8  # of two thirds of the trials, whose spread says how sure it is


def importance(found: Search) -> dict[str, dict[str, float]]:
    """The share of the differences between finished trials that each setting explains alone, by
    fANOVA (Hutter et al. 2014), largest first: "share", and "low" and "high" over eight draws of
    two thirds of the trials. Empty below four trials, or where all came out alike."""
    done = found.ranked
    if len(done) < LEAST or len({trial.figure for trial in done}) < 2 or len(found.ways.space) < 2:
        return {}
    whole = importances(found.found, [trial.number for trial in done], found.ways.seed)
    rng = np.random.default_rng(found.ways.seed)
    numbers = sorted(trial.number for trial in done)
    spread: dict[str, list[float]] = {key: [] for key in whole}
    for _ in range(DRAWS):
        drawn = rng.choice(numbers, max(3, 2 * len(numbers) // 3), replace=False)
        for key, share in importances(found.found, drawn.tolist(), found.ways.seed).items():
            spread[key].append(share)
    return {
        key: {"share": share, "low": min([share, *spread[key]]), "high": max([share, *spread[key]])}
        for key, share in whole.items()
    }


def write(found: Search) -> Path:
    """Write DIR/search.html; returns its path. Raises OutputError."""
    known, ranked, ways = found.found.all(), found.ranked, found.ways
    name, space = ways.goal[1:], ways.space
    shown = [trial for trial in known if trial.state != "running"]
    scale = pictures.scale_of(shown, ways.sign)
    drawn: dict[str, Any] = {"parallel": [], "progress": []}
    if scale is not None:
        for narrow in (False, True):
            lines = pictures.parallel(space, shown, ranked, scale, name, narrow)
            drawn["parallel"].append(lines)
            drawn["progress"].append(pictures.progress(shown, scale, ways.sign, name, narrow))
    text = (
        page.environment()
        .get_template("search.html")
        .render(
            version=__version__,
            said=found.said,
            name=name,
            goal=ways.goal,
            ways=ways,
            wanted=found.trials,
            counts=counts(known),
            running=sum(trial.state == "running" for trial in known),
            best=ranked[0] if ranked else None,
            headline=_figure(name, ranked[0].figure) if ranked else "–",
            drawn=drawn,
            importance={last(key): shares for key, shares in importance(found).items()},
            finished=len(ranked),
            enough=ENOUGH * len(space),
            rows=_rows(found),
            heads=[(key, last(key)) for key in space],
            space=[(key, axis.words) for key, axis in space.items()],
            edges=at_edges(space, ranked[0].values) if ranked else [],
            recipe=shlex.quote(str(found.folder / BEST)),
            again=again(found.folder),
            folder=shlex.quote(str(found.folder)),
        )
    )
    path = found.folder / NAME
    with files.output_errors(path):
        files.write_text(path, text)
    return path


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value, 10_000) if name in SHARES else number(value)


def _rows(found: Search) -> list[dict[str, Any]]:
    """The table: the finished trials, the best first, then the others by number."""
    ranked = found.ranked
    others = [trial for trial in found.found.all() if trial.state != "finished"]
    return [
        {
            "trial": trial,
            "figure": _figure(found.ways.goal[1:], trial.figure),
            "said": [short(trial.values.get(key)) for key in found.ways.space],
        }
        for trial in [*ranked, *others]
    ]
