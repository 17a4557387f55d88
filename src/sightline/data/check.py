"""A look at every image before anything is planned: what cannot be read, sizes, values, balance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.data.checking.looking import Looks, look
from sightline.data.dataset import Dataset, Subset, top_of
from sightline.data.split import class_counts
from sightline.errors import DataError
from sightline.wording import plural

LISTED = 50  # unreadable files named in one message


@dataclass(frozen=True, eq=False)
class Findings:
    """What a look at a set found.

    sizes       (n, 2) height and width of every readable image
    grey        how many have one channel
    highest     pixel value met
    top         the value range of the pixels is 0 to this
    counts      images a class
    unreadable  (row, reason) of what could not be decoded; the reason names the file
    noun        what `classes` are, one and many
    """

    name: str
    classes: tuple[str, ...]
    sizes: NDArray[np.int64]
    grey: int
    highest: int
    top: int
    counts: list[int]
    unreadable: list[tuple[int, str]]
    noun: tuple[str, str] = ("class", "classes")

    @property
    def images(self) -> int:
        return len(self.sizes)

    @property
    def median_size(self) -> tuple[int, int]:
        height, width = np.median(self.sizes, axis=0)
        return int(height), int(width)

    def sentence(self) -> str:
        """The findings in one line."""
        low, high = self.sizes.min(0), self.sizes.max(0)
        size = f"{low[1]}x{low[0]}"
        if (low != high).any():
            size += f" to {high[1]}x{high[0]}"
        parts = [f"{self.name}: {self.images} readable images"]
        parts += [plural(len(self.classes), *self.noun)]
        if self.counts:
            few, many = min(self.counts), max(self.counts)
            parts.append(f"{few} each" if few == many else f"{few} to {many} each")
        parts += [f"{size} pixels", f"values 0 to {self.highest}"]
        return ", ".join(parts)

    @property
    def imbalance(self) -> float:
        """The largest class over the smallest; 1 where there are no classes."""
        return max(self.counts) / max(1, min(self.counts)) if self.counts else 1.0


def examine(dataset: Dataset, tick: Callable[[int], None] = lambda _: None) -> Findings:
    """Decode every image once. `tick` is called with 1 for each."""
    return summary(dataset, look(dataset, tick, prints=False), class_counts(dataset))


def noun_of(task: str) -> tuple[str, str]:
    """What a set's classes are called, one and many."""
    return ("landmark", "landmarks") if task == "landmarks" else ("class", "classes")


def summary(dataset: Dataset, looks: Looks, counts: list[int]) -> Findings:
    """What was seen of a set, in few numbers."""
    good = looks.readable
    return Findings(
        name=dataset.name,
        classes=dataset.classes,
        sizes=looks.sizes[good],
        grey=int((looks.records["channels"][good] == 1).sum()),
        highest=looks.highest,
        top=top_of(dataset, looks.highest),
        counts=counts,
        unreadable=looks.unreadable,
        noun=noun_of(dataset.truths.task),
    )


def without_unreadable(dataset: Dataset, findings: Findings, quarantine: bool) -> Dataset:
    """The set itself when all can be read; else an error that lists every file at once, or, under
    `quarantine`, the rows that can."""
    bad = findings.unreadable
    if not bad:
        return dataset
    if quarantine and len(bad) < len(dataset):
        rows = np.setdiff1d(np.arange(len(dataset)), [row for row, _ in bad])
        return Subset(dataset, rows)
    lines = [f"{dataset.name}: {len(bad)} of {len(dataset)} files cannot be read:"]
    lines += [f"  {reason}" for _, reason in bad[:LISTED]]
    if len(bad) > LISTED:
        lines.append(f"  … and {len(bad) - LISTED} more")
    lines.append("mend or remove them, or go on without them: --quarantine")
    raise DataError("\n".join(lines))
