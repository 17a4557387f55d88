"""What an audit finds: one noun."""

from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str, int]  # part and row
UNSEEN = ("unreadable", "absent")  # kinds whose pictures cannot be shown
SEVERITIES = ("problem", "warning", "note")  # mend it; look at it; know it


@dataclass(frozen=True)
class Finding:
    """One thing about a set.

    severity  of SEVERITIES
    kind      one word: unreadable, duplicates, few, …; tests and programs go by it
    part      train, val, test; several where it lies between them: "train, test"
    text      a sentence
    groups    the images it is about: each alone, or together where they are copies
    """

    severity: str
    kind: str
    part: str
    text: str
    groups: tuple[tuple[Place, ...], ...] = ()

    @property
    def images(self) -> int:
        return sum(len(group) for group in self.groups)


def alone(part: str, rows: Iterable[int]) -> tuple[tuple[Place, ...], ...]:
    """Each row as a group of its own."""
    return tuple(((part, int(row)),) for row in rows)
