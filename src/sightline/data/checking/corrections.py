"""Corrected labels: a list of members and what they are, and a set of files mended by it.

A CSV with the columns `member` and `label`; others are for people. A member is named as in split
files (`train/cat/1.jpg`); an empty label leaves it out; the label that it has changes nothing.
`sightline data suspects --to` writes such a list, to be looked through before it is used.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from sightline import files
from sightline.data.dataset import Dataset, Subset, origin
from sightline.data.members import Names, csv_lines, quoted
from sightline.data.split import Splits
from sightline.errors import DataError, UnknownName

COLUMNS = ("member", "label")


@dataclass(frozen=True)
class Corrections:
    """A list as read.

    rows  member -> (label, line); an empty label leaves the member out
    """

    path: Path
    rows: Mapping[str, tuple[str, int]]


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a list; `header` begins with COLUMNS. Raises OutputError where `path` is taken."""
    assert tuple(header[:2]) == COLUMNS
    text = "".join(",".join(map(quoted, row)) + "\n" for row in (header, *rows))
    with files.output_errors(path):  # a file's name may be no text: its bytes are kept
        files.write_bytes(path, text.encode("utf-8", "surrogateescape"), new=True)


def read(path: Path) -> Corrections:
    """A list. Raises DataError with file and line."""
    lines = csv_lines(path)
    line, header = lines[0] if lines else (1, [])
    lacking = [name for name in COLUMNS if header.count(name) != 1]
    if lacking:
        said = ",".join(header)
        raise DataError(f"{path}:{line}: header {said!r:.60}; expected one column {lacking[0]}")
    at, what = (header.index(name) for name in COLUMNS)
    rows: dict[str, tuple[str, int]] = {}
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise DataError(f"{path}:{line}: {len(cells)} cells; expected {len(header)}")
        member = cells[at]
        if member in rows:
            raise DataError(f"{path}:{line}: {member} is on line {rows[member][1]} already")
        rows[member] = cells[what], line
    return Corrections(path, rows)


@dataclass(frozen=True)
class Change:
    """A label of one image that is another one now; `label` is None where it is left out."""

    part: str
    row: int
    label: int | None


def changes(splits: Splits, corrections: Corrections) -> list[Change]:
    """What a list changes in a set with a label an image, in the order of the set.

    Raises DataError for another set, for a member that it lacks and for a class that it has not.
    """
    if splits.train.truths.label is None:
        raise DataError(f"{splits.train.name} is for {splits.train.truths.task}: it has no labels")
    names, left = Names(splits), dict(corrections.rows)
    found = []
    for part, dataset in splits.parts.items():
        given = dataset.truths.label
        assert given is not None
        for row, member in enumerate(names.of(dataset)):
            label, line = left.pop(member, (None, 0))
            if label is None:
                continue
            if label and label not in dataset.classes:
                place = f"class in {corrections.path}:{line}"
                raise UnknownName(place, label, dataset.classes)
            number = dataset.classes.index(label) if label else None
            if number != int(given[row]):
                found.append(Change(part, row, number))
    if left:
        member, (_, line) = next(iter(left.items()))
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        raise DataError(f"{corrections.path}:{line}: {member} is not in {splits.train.name}{more}")
    return found


def relabeled(kept: Subset, labels: Mapping[int, int]) -> Subset:
    """Rows of a part with the labels that they are corrected to, by the part's row.

    Raises DataError where a class is left without images.
    """
    before = kept.truths.label
    assert before is not None
    label = before.copy()
    for place, row in enumerate(kept.rows.tolist()):
        label[place] = labels.get(row, label[place])
    empty = np.setdiff1d(before, label)
    if len(empty):
        raise DataError(f"{kept.name}: no image would be left of {kept.classes[int(empty[0])]}")
    kept.truths = replace(kept.truths, label=label)
    return kept


def class_folder(dataset: Dataset) -> int:
    """Which component of the names of a set's files is the class.

    Raises DataError where the labels are not in folders.
    """
    label = dataset.truths.label
    assert label is not None
    possible = {0, 1}
    for row, number in enumerate(label.tolist()):
        found = origin(dataset, row)
        assert found is not None
        parts = PurePosixPath(found[0].paths.name(found[1])).parts[:-1]
        possible = {i for i in possible if i < len(parts) and parts[i] == dataset.classes[number]}
    if not possible:
        raise DataError(
            f"{dataset.name}: its labels are not names of folders; write it as a CSV first: "
            "sightline data convert … --format csv"
        )
    return min(possible)


def moved(home: Path, name: str, component: int, label: str) -> Path:
    """Where a file goes whose class is another now: numbered where its name is taken there."""
    parts = list(PurePosixPath(name).parts)
    parts[component] = label
    target, number = home.joinpath(*parts), 1
    first = target
    while target.exists():
        number += 1
        target = first.with_name(f"{first.stem}-{number}{first.suffix}")
    return target


def linked(source: Path, target: Path) -> None:
    """The file under another name: a link where the disk allows, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
