"""Causes of mistakes, as a person ticked them, and the ceiling of what fixing each could bring.

Ng's course 4.10: look at about 100 mistakes, tick causes in a table, sum its columns. A cause of
40 % of the mistakes is worth at most 40 % of the error. 4.11: "wrong label" is a column, too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightline.data.members import csv_lines
from sightline.errors import DataError
from sightline.metrics.classification import wilson
from sightline.study.mistakes import Mistakes

WRONG_LABEL = "wrong label"
UNKNOWN = "cannot tell"
CAUSES = ("blurred", WRONG_LABEL, "looks like both", "cut off or small", UNKNOWN)
HEADER = ("index", "source", "truth", "guess", "confidence")  # before a column a cause
NO = ("", "0")
LONGEST = 60  # letters of a cause


@dataclass(frozen=True)
class Tags:
    """causes  in the order of the columns
    ticked  by the mistake's index; one without any is not in it"""

    causes: tuple[str, ...]
    ticked: Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Ceiling:
    """What fixing a cause could bring.

    count      mistakes with it, of those looked at
    share      of them, 0 to 1; low, high: its 95 % interval (Wilson), equal to it where every
               mistake was looked at
    error      left when all of these are right, at best
    """

    cause: str
    count: int
    share: float
    low: float
    high: float
    error: float


@dataclass(frozen=True)
class Causes:
    """looked  mistakes that anything was ticked for, of `wrong` in `images`"""

    looked: int
    wrong: int
    images: int
    ceilings: tuple[Ceiling, ...]

    @property
    def error(self) -> float:
        return self.wrong / self.images

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"error": self.error}


def read(path: Path, mistakes: Mistakes) -> Tags:
    """A table of ticks, as the page saves it: columns of HEADER, then one a cause, whose cells are
    empty or 0 for no.

    Raises DataError with file and line for another table, or one of another model's mistakes.
    """
    lines = csv_lines(path)
    line, header = lines[0] if lines else (1, [])
    causes = tuple(name.strip() for name in header[len(HEADER) :])
    if tuple(header[: len(HEADER)]) != HEADER or not causes:
        said = ",".join(header)
        raise DataError(f"{path}:{line}: header {said!r:.80}; expected {','.join(HEADER)},CAUSE,…")
    odd = [name for name in causes if not name or causes.count(name) > 1]
    if odd:
        raise DataError(f"{path}:{line}: cause {odd[0]!r:.60}; each needs a name of its own")
    known = {mistake.index: mistake for mistake in mistakes.every}
    ticked: dict[int, frozenset[str]] = {}
    seen: dict[int, int] = {}
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise DataError(f"{path}:{line}: {len(cells)} cells; expected {len(header)}")
        mistake = known.get(int(cells[0])) if cells[0].isascii() and cells[0].isdigit() else None
        if mistake is None or _plain(mistake.source) != _plain(cells[1]):
            raise DataError(
                f"{path}:{line}: {cells[1]:.80} ({cells[0]:.20}) is no mistake of {mistakes.model} "
                f"on {mistakes.part}; the table is of another model"
            )
        if mistake.index in seen:
            raise DataError(
                f"{path}:{line}: {mistake.source} is on line {seen[mistake.index]} already"
            )
        seen[mistake.index] = line
        marks = zip(causes, cells[len(HEADER) :], strict=True)
        chosen = frozenset(cause for cause, mark in marks if mark.strip() not in NO)
        if chosen:
            ticked[mistake.index] = chosen
    return Tags(causes, ticked)


def _plain(source: str) -> str:
    """A source as a browser writes it: what is no text is lost there."""
    return source.encode("utf-8", "replace").decode("utf-8").replace("\ufffd", "?")


def summed(tags: Tags, wrong: int, images: int) -> Causes:
    """The columns summed, the most frequent cause first; `wrong` mistakes in `images`."""
    looked = len(tags.ticked)
    found = []
    for cause in tags.causes:
        count = sum(cause in those for those in tags.ticked.values())
        share = count / looked if looked else 0.0
        low, high = wilson(count, looked) if 0 < looked < wrong else (share, share)
        found.append(Ceiling(cause, count, share, low, high, wrong / images * (1 - share)))
    found.sort(key=lambda ceiling: -ceiling.count)
    return Causes(looked, wrong, images, tuple(found))


def advice(causes: Causes) -> list[str]:
    """What the table says, in sentences."""
    if not causes.looked:
        return ["Nothing was ticked yet."]
    said = []
    first = next((c for c in causes.ceilings if c.count and c.cause != UNKNOWN), None)
    if first is not None:
        said.append(
            f"Begin with “{first.cause}”: fixing all of it would take the error from "
            f"{100 * causes.error:.2f} % to {100 * first.error:.2f} % at best."
        )
    labels = next((c for c in causes.ceilings if c.cause == WRONG_LABEL and c.count), None)
    if labels is not None:
        said.append(
            f"Wrong labels are {100 * labels.share:.0f} % of the mistakes: mend them in validation "
            "and test alike, and look at right answers, too (sightline data suspects)."
        )
    return said
