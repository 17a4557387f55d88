"""A CSV with a picture's path in its first column, and what to learn in the others.

image,label            one class an image
image,sunny,indoor     1, 0 or empty (unknown): many labels an image
image,age,height       numbers: regression
"""

import csv
from pathlib import Path

import numpy as np

from sightline.data.dataset import FileDataset, Truths
from sightline.data.split import Splits
from sightline.errors import DataError

PATH_COLUMNS = ("image", "path", "file", "filename")


def read(path: Path) -> Splits:
    """The set a CSV describes; paths are relative to the CSV's folder."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: {error}") from None
    rows = [row for row in rows if row]
    if len(rows) < 2:
        raise DataError(f"{path}: no rows below the header")
    header, body = [name.strip() for name in rows[0]], rows[1:]
    if len(header) < 2 or header[0].lower() not in PATH_COLUMNS:
        raise DataError(
            f"{path}: header {','.join(header)!r}; expected 'image' and then what to learn"
        )
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise DataError(f"{path}:{number}: {len(row)} cells, the header has {len(header)}")
    paths = [row[0].strip() for row in body]
    cells = [[cell.strip() for cell in row[1:]] for row in body]
    truths, classes = _truths(path, header[1:], cells)
    return Splits(FileDataset(path.parent, paths, truths, classes, name=path.stem))


def _truths(path: Path, names: list[str], cells: list[list[str]]) -> tuple[Truths, tuple[str, ...]]:
    if len(names) == 1 and names[0].lower() in ("label", "class"):
        column = [row[0] for row in cells]
        classes = sorted(set(column))
        if "" in classes:
            raise DataError(f"{path}:{column.index('') + 2}: no label")
        if len(classes) < 2:
            raise DataError(
                f"{path}: one class only ({classes[0]}); a classifier needs two or more"
            )
        position = {name: i for i, name in enumerate(classes)}
        return Truths(label=np.array([position[c] for c in column], np.int64)), tuple(classes)
    flat = {cell for row in cells for cell in row}
    if flat <= {"0", "1", ""}:
        code = {"0": 0, "1": 1, "": -1}
        return Truths(labels=np.array([[code[c] for c in row] for row in cells], np.int8)), tuple(
            names
        )
    return Truths(values=_numbers(path, names, cells)), tuple(names)


def _numbers(path: Path, names: list[str], cells: list[list[str]]) -> np.ndarray:
    out = np.empty((len(cells), len(names)), np.float32)
    for number, row in enumerate(cells):
        for column, cell in enumerate(row):
            try:
                out[number, column] = float(cell)
            except ValueError:
                out[number, column] = np.nan
            if not np.isfinite(out[number, column]):
                raise DataError(
                    f"{path}:{number + 2}: {names[column]} is {cell!r}; expected a number "
                    "(or one column called 'label' for classes)"
                )
    return out
