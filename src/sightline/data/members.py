"""Members: what each image of a set is called, wherever the set lies; groups and split files by it.

A file's name is its path below the folder that all parts of the set share (`train/cat/1.jpg`), an
array's row is its part and number (`train:31`). A split file is a CSV of two columns:

member,part            train, train-dev, val, test; or unused
member,fold            1 to k; or train-dev, test, unused
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from sightline import files
from sightline.data.dataset import Dataset, FileDataset, Joined, Subset
from sightline.data.readers import listing
from sightline.data.split import PART_NAMES, Owners, Splits, cut, folded
from sightline.errors import DataError
from sightline.wording import some

SUFFIX = ".csv"
UNUSED = "unused"
FOLDER = "folder"  # as a group: that of the member
CAP = 2**30  # bytes of a split file; a million members are 40 million


@final
class Names:
    """The name of each row of a set's parts, and of whatever was cut from them."""

    def __init__(self, splits: Splits) -> None:
        sources = [(part, base) for part, whole in splits.parts.items() for base in _bases(whole)]
        roots = {_absolute(b) for _, b in sources if isinstance(b, FileDataset)}
        shared = os.path.commonpath(roots) if roots else ""
        self.prefixes: dict[int, str] = {}
        self._kept = [base for _, base in sources]  # so that no other object takes its id
        for part, base in sources:
            if isinstance(base, FileDataset):
                inner = Path(_absolute(base)).relative_to(shared).as_posix()
                self.prefixes[id(base)] = "" if inner == "." else f"{inner}/"
            else:
                self.prefixes.setdefault(id(base), f"{part}:")

    def of(self, dataset: Dataset) -> list[str]:
        """One a row."""
        return self._of(dataset, np.arange(len(dataset)))

    def at(self, dataset: Dataset, row: int) -> str:
        """That of one row."""
        return self._of(dataset, np.array([row]))[0]

    def _of(self, dataset: Dataset, rows: NDArray[np.int64]) -> list[str]:
        if isinstance(dataset, Subset):
            return self._of(dataset.whole, dataset.rows[rows])
        if isinstance(dataset, Joined):
            found = [""] * len(rows)
            for whole, inner, places in dataset.divided(rows):
                for place, name in zip(places.tolist(), self._of(whole, inner), strict=True):
                    found[place] = name
            return found
        prefix = self.prefixes[id(dataset)]
        if not isinstance(dataset, FileDataset):
            return [f"{prefix}{row}" for row in rows.tolist()]
        paths = dataset.paths
        return [prefix + paths.name(row).replace(os.sep, "/") for row in rows.tolist()]


def _bases(dataset: Dataset) -> list[Dataset]:
    if isinstance(dataset, Subset):
        return _bases(dataset.whole)
    if isinstance(dataset, Joined):
        return [base for whole in dataset.wholes for base in _bases(whole)]
    return [dataset]


def _absolute(dataset: FileDataset) -> str:
    return os.path.abspath(dataset.paths.root)  # noqa: PTH100 - links stay as they are


def owners(splits: Splits, group: str) -> Owners:
    """What tells the groups of a set apart.

    group  a regular expression searched in the member's name: its group if it has one, else all
           that matched; or "folder", the folder that the member lies in

    Numbers hold within one set. What is returned raises DataError for a member without a match.
    """
    _pattern(group)  # what is wrong with it is said now
    names = Names(splits)
    return lambda dataset: np.unique(_keys(dataset, names, group), return_inverse=True)[1]


def groups(splits: Splits, chosen: Splits, group: str) -> dict[str, set[str]]:
    """The groups in each part of what was cut from a set; `group` as in `owners`."""
    names = Names(splits)
    return {part: set(_keys(rows, names, group)) for part, rows in chosen.parts.items()}


def _keys(dataset: Dataset, names: Names, group: str) -> list[str]:
    """The group of each row."""
    pattern, members = _pattern(group), names.of(dataset)
    keys = [listing.found(pattern, member) for member in members]
    odd = [member for member, key in zip(members, keys, strict=True) if not key]
    if odd:
        raise DataError(
            f"{dataset.name}: no group in {len(odd)} of {len(members)} members by {group!r} "
            f"(first: {odd[0]})"
        )
    return keys


def _pattern(group: str) -> re.Pattern[str]:
    return listing.pattern("(.+)/[^/]*" if group == FOLDER else group, "group")


def assigned(
    whole: Splits,
    val: float,
    test: float,
    seed: int,
    train_dev: float = 0.0,
    k: int | None = None,
    owners: Owners | None = None,
) -> dict[str, Dataset]:
    """What `write` takes: the set's parts, the missing ones cut as `split.cut` does; or with `k`
    its folds "1" to "k" and what is left beside them, as `split.folded` does."""
    if k is None:
        return cut(whole, val, test, seed, train_dev, owners).parts
    parted, numbers = folded(whole, k, test, seed, train_dev, owners)
    train, *others = parted.parts.items()
    cuts = [np.flatnonzero(numbers == number) for number in range(1, k + 1)]
    return {str(i): Subset(train[1], rows) for i, rows in enumerate(cuts, start=1)} | dict(others)


def write(path: Path, whole: Splits, assigned: Mapping[str, Dataset]) -> None:
    """Write which member of a set goes where; members in none of `assigned` are unused.

    assigned  what was cut from `whole`, by part; or by fold ("1", "2", …) and part

    Lines stand in the order of the set. Raises OutputError where `path` is taken, DataError where
    it is no .csv or an image is in the set twice.
    """
    if path.suffix.lower() != SUFFIX:
        raise DataError(f"{path}: a split file ends in {SUFFIX}")
    if path.exists():
        raise files.exists_already(path)
    names = Names(whole)
    table = dict.fromkeys(_located(whole, names), UNUSED)
    for value, dataset in assigned.items():
        table |= dict.fromkeys(names.of(dataset), value)
    lines = [f"member,{'fold' if '1' in assigned else 'part'}"]
    lines += [f"{quoted(member)},{value}" for member, value in table.items()]
    text = "".join(f"{line}\n" for line in lines)
    with files.output_errors(path):  # a file's name may be no text: its bytes are kept
        files.write_bytes(path, text.encode("utf-8", "surrogateescape"), new=True)


def quoted(text: str) -> str:
    """Quoted where need be; Python's writer leaves a carriage return bare."""
    return '"{}"'.format(text.replace('"', '""')) if re.search('[,"\r\n]', text) else text


def _located(splits: Splits, names: Names) -> dict[str, tuple[str, int]]:
    """Part and row of each member."""
    found: dict[str, tuple[str, int]] = {}
    for part, dataset in splits.parts.items():
        for row, member in enumerate(names.of(dataset)):
            if member in found:
                raise DataError(f"{dataset.name}: {member} is in it twice; a split names it once")
            found[member] = part, row
    return found


@dataclass(frozen=True)
class SplitFile:
    """A split file as read.

    rows   member -> (value, line)
    folds  how many; 0 of a file of parts
    """

    path: Path
    rows: dict[str, tuple[str, int]]
    folds: int

    def part(self, value: str, fold: int | None) -> str:
        """The part that a value stands for where `fold` is validation."""
        if not value.isdecimal():
            return value
        return "val" if int(value) == fold else "train"


def read(path: Path) -> SplitFile:
    """A split file. Raises DataError with file and line."""
    lines = csv_lines(path)
    line, header = lines[0] if lines else (1, [])
    if header not in (["member", "part"], ["member", "fold"]):
        said = ",".join(header)
        raise DataError(f"{path}:{line}: header {said!r:.60}; expected member,part or member,fold")
    by_fold = header[1] == "fold"
    rows: dict[str, tuple[str, int]] = {}
    for line, cells in lines[1:]:
        if len(cells) != 2:
            raise DataError(f"{path}:{line}: {len(cells)} cells; expected {','.join(header)}")
        member, value = cells[0], cells[1].strip()
        if member in rows:
            raise DataError(f"{path}:{line}: {member} is on line {rows[member][1]} already")
        rows[member] = _value(value, by_fold, f"{path}:{line}"), line
    folds = {int(value) for value, _ in rows.values() if value.isdecimal()}
    missing = set(range(1, max({2, *folds}) + 1)) - folds if by_fold else set()
    if missing:
        raise DataError(f"{path}: no member is in fold {min(missing)}")
    return SplitFile(path, rows, len(folds))


def csv_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Cells and number of each line that is not empty."""
    text = files.content(path, CAP).decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _value(value: str, by_fold: bool, place: str) -> str:
    if not by_fold:
        if value not in (*PART_NAMES, UNUSED):
            raise DataError(
                f"{place}: part {value!r:.40}; expected {', '.join(PART_NAMES)} or {UNUSED}"
            )
        return value
    if re.fullmatch("[1-9][0-9]{0,3}", value) or value in ("train-dev", "test", UNUSED):
        return value
    raise DataError(
        f"{place}: fold {value!r:.40}; expected 1 or more, or train-dev, test or {UNUSED}"
    )


def apply(
    file: SplitFile,
    splits: Splits,
    fold: int | None = None,
    absent: frozenset[str] = frozenset(),
) -> Splits:
    """The set in the parts of a file, whatever parts it had of its own.

    fold    which one is validation, of a file of folds
    absent  members that are left out of the set, and may be in the file

    Raises DataError for a member that the set or the file lacks.
    """
    _require_fold(file, fold)
    located = _located(splits, Names(splits))
    _require_match(file, located, absent, splits.train.name)
    rows: dict[str, dict[str, list[int]]] = {name: {} for name in PART_NAMES}
    for member, (own, row) in located.items():
        part = file.part(file.rows[member][0], fold)
        if part != UNUSED:
            rows[part].setdefault(own, []).append(row)
    parts: dict[str, Dataset] = {}
    for part, chosen in rows.items():
        pieces = [Subset(splits.parts[own], numbers) for own, numbers in chosen.items()]
        if pieces:
            parts[part] = pieces[0] if len(pieces) == 1 else Joined(pieces)
    if "train" not in parts:
        raise DataError(f"{file.path}: no member is train")
    return Splits.of(parts)


def _require_fold(file: SplitFile, fold: int | None) -> None:
    if fold is None and file.folds:
        raise DataError(
            f"{file.path}: folds 1 to {file.folds}; say which is validation: data.fold=1"
        )
    if fold is not None and not 1 <= fold <= file.folds:
        there = f"folds 1 to {file.folds}" if file.folds else "parts, not folds"
        raise DataError(f"{file.path}: data.fold is {fold}, but the file has {there}")


def _require_match(
    file: SplitFile, located: Iterable[str], absent: frozenset[str], name: str
) -> None:
    known = set(located) | absent
    unknown = [member for member in file.rows if member not in known]
    if unknown:
        line, more = file.rows[unknown[0]][1], len(unknown) - 1
        rest = f" (and {more} more)" if more else ""
        raise DataError(f"{file.path}:{line}: {unknown[0]} is not in {name}{rest}")
    missing = [member for member in located if member not in file.rows]
    if missing:
        raise DataError(
            f"{file.path}: {len(missing)} members of {name} are not in it ({some(missing, 3)}); "
            f"give each a part, or {UNUSED}"
        )
