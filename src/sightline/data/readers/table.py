"""A CSV with a picture's path in its first column, and what to learn in the others.

image,label                 one class an image
image,sunny,indoor          1, 0 or empty (unknown): many labels an image
image,age,height            numbers: regression
image,x0,y0,x1,y1,label     a box a row, in pixels; all empty for an image without boxes. A column
                            confidence, as predictions have it, is passed over
image,nose_x,nose_y         landmarks: x and y of each in pixels; both empty where not visible
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.data.dataset import FileDataset
from sightline.data.readers import objects
from sightline.data.split import PART_NAMES, Splits
from sightline.data.truths import Truths
from sightline.errors import DataError

PATH_COLUMNS = ("image", "path", "file", "filename")
LABEL_COLUMNS = ("label", "class")
CORNERS = ("x0", "y0", "x1", "y1")
CONFIDENCE = "confidence"
YES_OR_NO = {"1": 1, "0": 0, "": -1}
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """A parsed CSV: names of the columns after the first, and a row an image or box.

    images  (rows,) paths; cells (rows, names); lines (rows,) where each row ends in the file
    """

    path: Path
    names: list[str]
    images: list[str]
    cells: list[list[str]]
    lines: list[int]

    def place(self, row: int) -> str:
        return f"{self.path}:{self.lines[row]}"


def recognises(root: Path) -> bool:
    """Whether `root` is a .csv, or a folder with train.csv."""
    return root.suffix.lower() == ".csv" if root.is_file() else (root / "train.csv").is_file()


def read(path: Path) -> Splits:
    """The set a CSV describes, or the parts of a folder with train.csv, val.csv, test.csv.

    Paths are relative to the CSV's folder. Raises DataError with file and line.
    """
    files = {"train": path}
    if path.is_dir():
        files = {part: path / f"{part}.csv" for part in PART_NAMES}
        files = {part: file for part, file in files.items() if part == "train" or file.is_file()}
    tables = {part: _parsed(file) for part, file in files.items()}
    train = tables["train"]
    for table in tables.values():
        if table.names != train.names:
            said = ",".join(table.names)
            raise DataError(
                f"{table.path}: its columns are {said}; train's {','.join(train.names)}"
            )
    build = {"boxes": _boxes, "label": _label, "landmarks": _landmarks, "columns": _columns}[
        kind(train.names, str(train.path))
    ]
    name = path.name if path.is_dir() else path.stem
    return Splits.of(build(tables, name))


def _parsed(path: Path) -> Table:
    rows: list[tuple[int, list[str]]] = []
    line = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            try:
                rows = [(reader.line_num, [c.strip() for c in row]) for row in reader if row]
            finally:
                line = reader.line_num
    except csv.Error as error:
        raise DataError(f"{path}:{line}: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    if len(rows) < 2:
        raise DataError(f"{path}: no rows below the header")
    header, body = rows[0][1], rows[1:]
    _check_header(path, header)
    for line, row in body:
        if len(row) != len(header):
            raise DataError(f"{path}:{line}: {len(row)} cells, the header has {len(header)}")
        if not row[0]:
            raise DataError(f"{path}:{line}: no image")
    images, cells = [row[0] for _, row in body], [row[1:] for _, row in body]
    return Table(path, header[1:], images, cells, [line for line, _ in body])


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) < 2 or header[0].lower() not in PATH_COLUMNS:
        raise DataError(
            f"{path}: header {','.join(header)!r}; expected 'image' and then what to learn"
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: two columns are called {twice!r}")


Tables = dict[str, Table]
Sets = dict[str, FileDataset]


def kind(names: list[str], where: str = "") -> str:
    """What the columns after the first say is to be learned: boxes, label, landmarks, or columns.

    Raises DataError where some columns are of landmarks, and one lacks its other half; `where` they
    stand is named.
    """
    lower = {name.lower() for name in names}
    boxes = len(names) - (CONFIDENCE in lower) == 5
    if boxes and any(lower - {CONFIDENCE} == {*CORNERS, label} for label in LABEL_COLUMNS):
        return "boxes"
    if len(names) == 1 and lower <= set(LABEL_COLUMNS):
        return "label"
    return "landmarks" if _are_landmarks(names, where) else "columns"


def _are_landmarks(names: list[str], where: str) -> bool:
    """Whether every column is an x or a y of something, and something has both."""
    halves = [(name[:-2], name[-1:]) for name in names if name[-2:] in ("_x", "_y") and name[:-2]]
    whole = [stem for stem, axis in halves if axis == "x" and (stem, "y") in halves]
    if len(halves) < len(names) or not whole:
        return False
    for stem, axis in halves:
        other = "y" if axis == "x" else "x"
        if (stem, other) not in halves:
            raise DataError(f"{where}: column {stem}_{axis} has no {stem}_{other}")
    return True


def _label(tables: Tables, name: str) -> Sets:
    for table in tables.values():
        if [""] in table.cells:
            raise DataError(f"{table.place(table.cells.index(['']))}: no label")
    classes = sorted({row[0] for table in tables.values() for row in table.cells})
    if len(classes) < 2:
        path = tables["train"].path
        raise DataError(f"{path}: one class only ({classes[0]}); a classifier needs two or more")
    position = {label: index for index, label in enumerate(classes)}
    return {
        part: _set(
            table,
            Truths(label=np.array([position[row[0]] for row in table.cells], np.int64)),
            classes,
            name,
        )
        for part, table in tables.items()
    }


def _columns(tables: Tables, name: str) -> Sets:
    """Many labels where every cell of every part is 1, 0 or empty; else numbers."""
    flat = {cell for table in tables.values() for row in table.cells for cell in row}
    build = _yes_or_no if flat <= set(YES_OR_NO) else _numbers
    return {part: _set(table, build(table), table.names, name) for part, table in tables.items()}


def _landmarks(tables: Tables, name: str) -> Sets:
    names = [column[:-2] for column in tables["train"].names if column.endswith("_x")]
    return {part: _set(table, _points(table, names), names, name) for part, table in tables.items()}


def _points(table: Table, names: list[str]) -> Truths:
    points = np.full((len(table.cells), len(names), 2), np.nan, np.float32)
    at = [[table.names.index(f"{name}_{axis}") for axis in "xy"] for name in names]
    for number, row in enumerate(table.cells):
        for landmark, pair in enumerate(at):
            given = [row[column] for column in pair]
            if not any(given):
                continue
            if not all(given):
                empty, full = sorted(pair, key=lambda column: row[column] != "")
                raise DataError(
                    f"{table.place(number)}: {table.names[empty]} is empty and {table.names[full]} "
                    f"is {row[full]!r}; expected both, or neither where it is not visible"
                )
            for axis, column in enumerate(pair):
                place = f"{table.place(number)}: {table.names[column]}"
                points[number, landmark, axis] = objects.number(row[column], place)
    return Truths(landmarks=points)


def _yes_or_no(table: Table) -> Truths:
    return Truths(
        labels=np.array([[YES_OR_NO[cell] for cell in row] for row in table.cells], np.int8)
    )


def _numbers(table: Table) -> Truths:
    values = np.empty((len(table.cells), len(table.names)), np.float32)
    for number, row in enumerate(table.cells):
        for column, cell in enumerate(row):
            try:
                value = float(cell)
            except ValueError:
                value = math.nan
            if not abs(value) <= LARGEST:
                raise DataError(
                    f"{table.place(number)}: {table.names[column]} is {cell!r}; expected a number "
                    "(or one column called 'label' for classes)"
                )
            values[number, column] = value
    return Truths(values=values)


def _set(table: Table, truths: Truths, classes: list[str], name: str) -> FileDataset:
    return FileDataset(table.path.parent, table.images, truths, classes, name)


def _boxes(tables: Tables, name: str) -> Sets:
    """Images in the order of their first rows."""
    parts = {part: _listed(table) for part, table in tables.items()}
    classes = sorted({label for part in parts.values() for image in part for label in image.labels})
    return {
        part: objects.dataset(tables[part].path.parent, images, classes, name)
        for part, images in parts.items()
    }


def _listed(table: Table) -> list[objects.Listed]:
    columns = [name.lower() for name in table.names]
    order = [columns.index(corner) for corner in CORNERS]
    last = next(i for i, name in enumerate(columns) if name in LABEL_COLUMNS)
    found: dict[str, objects.Listed] = {}
    for number, (image, row) in enumerate(zip(table.images, table.cells, strict=True)):
        listed = found.setdefault(image, objects.Listed(image, [], []))
        if not any(row):
            continue
        place = table.place(number)
        if not row[last]:
            raise DataError(f"{place}: no label")
        x0, y0, x1, y1 = (objects.number(row[i], f"{place}: {columns[i]}") for i in order)
        listed.boxes.append((x0, y0, x1, y1))
        listed.labels.append(row[last])
    return list(found.values())
