"""What an audit finds: one noun, and the words it is told in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Place = tuple[str, int]  # part and row
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


def plural(count: int, noun: str, many: str = "") -> str:
    """ "1 image", "2,000 images" """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def some(names: Sequence[str], limit: int = 5) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def size_in_words(count: float) -> str:
    """Bytes as "1.2 GB", "83 MB" or "5 kB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.{1 if count < 10 * factor else 0}f} {unit}"
    return f"{max(1, round(count / 1e3))} kB" if count else "0 kB"
