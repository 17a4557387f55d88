"""Columns: named arrays of a set's parts in one HDF5 file, written in chunks, read by memory map.

    /about              JSON, as bytes
    /train/NAME         (rows, ...) one column, contiguous; so also /val and /test

Packs of images are such files, and matrices of features. HDF5 makes the skeleton only, in memory:
rows are then written where it says they lie. A full disk so is an ordinary error; the library
itself (2.0) cannot close a file that it could not write, and crashes when the process ends.

Reading trusts nothing: links, chunks, filters, external and virtual layouts are refused, and no
column is longer than the file it lies in.
"""

import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline import files
from sightline.errors import DataError, OutputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
ABOUT = "about"
ABOUT_CAP = 64 * 2**20  # bytes of JSON
PAGE = 4096
ALIGNED = 64  # where columns start, so that numbers of any type may be read in place
DAMAGED = (KeyError, ValueError, TypeError, AttributeError, OSError, RuntimeError, RecursionError)


@dataclass(frozen=True)
class Column:
    """A column to be written.

    rows   how many
    shape  of one row
    dtype  as NumPy spells it, little-endian: u1, <i8, <f4, S40
    """

    rows: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


Layout = Mapping[str, Mapping[str, Column]]  # part -> name -> column


@contextmanager
def writing(path: Path, about: Mapping[str, Any], layout: Layout) -> Iterator["Writer"]:
    """A new file with these columns, to be filled within the block; it appears whole or not at all.

    about  plain JSON values

    Raises OutputError where `path` is taken or has no room.
    """
    header = json.dumps(about).encode()
    skeleton, offsets = _skeleton(layout, len(header))
    with files.output_errors(path):
        if path.exists():
            raise files.exists_already(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_room(path, skeleton.length)
        handle, name = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
    partial = Path(name)
    try:
        # Unbuffered, so that nothing is left to be written when an error closes the file.
        with open(handle, "wb", buffering=0) as file:  # noqa: PTH123
            writer = Writer(path, file, layout, offsets)
            with files.output_errors(path):
                file.truncate(skeleton.length)
                for number, page in sorted(skeleton.pages.items()):
                    writer.put(number * PAGE, page[: skeleton.length - number * PAGE])
                writer.put(offsets["", ABOUT], header)
            yield writer
            writer.require_full()
            with files.output_errors(path):
                os.fsync(file.fileno())
        with files.output_errors(path):
            files.take_name(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _require_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        size, unit = (2**30, "GB") if needed >= 2**30 else (2**20, "MB")
        raise OutputError(
            f"cannot write {path}: it takes {needed / size:.1f} {unit}, {free / size:.1f} are free"
        )


@final
class Writer:
    """Appends rows to the columns of a new file."""

    def __init__(
        self, path: Path, file: io.FileIO, layout: Layout, offsets: Mapping[tuple[str, str], int]
    ) -> None:
        self.path, self.layout = path, layout
        self._file, self._offsets = file, offsets
        self._done = {(part, name): 0 for part, columns in layout.items() for name in columns}

    def append(self, part: str, **chunks: ArrayLike) -> None:
        """The next rows of some columns of a part. Raises OutputError when the disk is full."""
        for name, chunk in chunks.items():
            column, done = self.layout[part][name], self._done[part, name]
            rows = np.asarray(chunk)
            kind = np.dtype(column.dtype)
            assert rows.shape[1:] == column.shape, f"{name}: {rows.shape}, not {column.shape}"
            assert done + len(rows) <= column.rows, f"{name}: more than {column.rows} rows"
            assert np.can_cast(rows.dtype, kind), f"{name}: {rows.dtype}, not {kind}"
            if rows.size:
                start = self._offsets[part, name] + done * column.row_bytes
                with files.output_errors(self.path):
                    self.put(start, np.ascontiguousarray(rows, kind).tobytes())
            self._done[part, name] += len(rows)

    def put(self, offset: int, content: bytes | bytearray) -> None:
        """All of `content`, which one call of the system may not take whole."""
        self._file.seek(offset)
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def require_full(self) -> None:
        for (part, name), done in self._done.items():
            rows = self.layout[part][name].rows
            assert done == rows, f"{part}/{name}: {done} of {rows} rows"


@final
class _Sparse(io.RawIOBase):
    """A file in memory that keeps the pages written to, however far apart they lie."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.length, self._at = 0, 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self.length)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def truncate(self, size: int | None = None) -> int:
        self.length = self._at if size is None else size
        return self.length

    def write(self, content: Any) -> int:
        for position, byte in enumerate(bytes(content), start=self._at):
            self.pages.setdefault(position // PAGE, bytearray(PAGE))[position % PAGE] = byte
        self._at += len(content)
        self.length = max(self.length, self._at)
        return len(content)

    def readinto(self, into: Any) -> int:
        empty = bytes(PAGE)
        for i in range(len(into)):
            into[i] = self.pages.get((self._at + i) // PAGE, empty)[(self._at + i) % PAGE]
        self._at += len(into)
        return len(into)


def _skeleton(layout: Layout, header: int) -> tuple[_Sparse, dict[tuple[str, str], int]]:
    """An HDF5 file without its rows, and the offset at which each column's begin."""
    image, offsets = _Sparse(), {}
    parts = {"": {ABOUT: Column(header, (), "u1")}} | dict(layout)
    with h5py.File(image, "w", alignment_threshold=1, alignment_interval=ALIGNED) as file:
        for part, columns in parts.items():
            group = file.create_group(part) if part else file
            for name, column in columns.items():
                rule = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                rule.set_layout(h5py.h5d.CONTIGUOUS)
                rule.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                rule.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                shape = (column.rows, *column.shape)
                made = group.create_dataset(name, shape, np.dtype(column.dtype), dcpl=rule)
                offsets[part, name] = made.id.get_offset() or 0
    return image, offsets


@dataclass(frozen=True)
class Place:
    """Where a column lies in its file. Handed to another process, it is mapped there again."""

    path: Path
    name: str
    offset: int
    shape: tuple[int, ...]
    dtype: str

    def mapped(self) -> NDArray[Any]:
        """The rows as they lie in the file, read when touched; not to be written to."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        try:
            rows = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path}: {self.name} cannot be read ({error})") from None
        return rows.view(np.ndarray)


@final
class Columns:
    """What lies in a file of columns: `about`, and by part and name the place of each column.

    Raises DataError where the file is damaged, cut short or something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Finished files never change: no lock is needed, and some disks have none.
            with h5py.File(path, "r", locking=False) as file:
                self.parts = {
                    part: {name: self._place(group, name) for name in group}
                    for part, group in self._groups(file)
                }
                header = self._place(file, ABOUT)
        except DAMAGED as error:
            raise DataError(f"{path}: damaged or no HDF5 file ({_first_line(error)})") from None
        self.about = self._about(header)

    def _groups(self, file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
        for name in file:
            if name != ABOUT:
                found = self._own(file, name)
                if not isinstance(found, h5py.Group):
                    raise DataError(f"{self.path}: {name} is no part of a set")
                yield name, found

    def _own(self, group: h5py.Group, name: str) -> Any:
        """A member that lies in this file; others are not even looked at."""
        link = group.get(name, getlink=True)
        if link is None:
            raise DataError(f"{self.path}: {name} is missing")
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{self.path}: {name} is a link to elsewhere")
        return group[name]

    def _place(self, group: h5py.Group, name: str) -> Place:
        found, full = self._own(group, name), f"{group.name}/{name}".lstrip("/")
        if not isinstance(found, h5py.Dataset) or found.shape is None:
            raise DataError(f"{self.path}: {full} is no array")
        if found.chunks or found.external or found.is_virtual or found.dtype.kind not in "iufS":
            raise DataError(f"{self.path}: {full} is not laid out as a column of numbers")
        offset, length = found.id.get_offset(), math.prod(found.shape) * found.dtype.itemsize
        if length and (offset is None or offset + length > self.path.stat().st_size):
            raise DataError(f"{self.path}: {full} is cut short")
        return Place(self.path, full, offset or 0, found.shape, found.dtype.str)

    def _about(self, place: Place) -> dict[str, Any]:
        if place.dtype != "|u1" or len(place.shape) != 1 or place.shape[0] > ABOUT_CAP:
            raise DataError(f"{self.path}: {ABOUT} is no JSON")
        try:
            found = json.loads(place.mapped().tobytes())
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path}: {ABOUT} is no JSON ({error})") from None
        if not isinstance(found, dict):
            raise DataError(f"{self.path}: {ABOUT} is no JSON object")
        return found

    def place(self, part: str, name: str, dtype: str, shape: tuple[int | None, ...]) -> Place:
        """Where a column lies, after a look that it is of this type and shape.

        shape  None where any length will do; "S" as dtype takes bytes of any width
        """
        place = self.parts.get(part, {}).get(name)
        full, kind = f"{part}/{name}", np.dtype(dtype)
        if place is None:
            raise DataError(f"{self.path}: {full} is missing")
        found = np.dtype(place.dtype)
        alike = found.kind == "S" if kind.kind == "S" else found == kind
        fits = len(place.shape) == len(shape) and all(
            want is None or want == have for want, have in zip(shape, place.shape, strict=True)
        )
        if not alike or not fits:
            expected = ", ".join("any" if want is None else str(want) for want in shape)
            raise DataError(
                f"{self.path}: {full} is {found} of {place.shape}; expected {kind} of ({expected})"
            )
        return place


def recognises(path: Path) -> bool:
    """Whether a file begins as an HDF5 file does."""
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:100]
