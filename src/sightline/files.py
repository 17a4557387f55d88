"""Files that are whole or absent: written beside their target, flushed, then renamed."""

import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, Any

from sightline.errors import DataError, OutputError

if sys.platform != "win32":
    import fcntl


# Opening a pipe would wait for its writer, who may never come.
READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def atomic(path: Path, new: bool = False) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its name when the block ends without error.

    new  raise OutputError where another was quicker to take the name, which is else replaced

    The bytes and the folder entry are flushed to disk first, so that after a power cut the file is
    the old one or the new one, never half of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if new:
            take_name(Path(name), path)
            Path(name).unlink(missing_ok=True)
            return
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, where the system can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes, new: bool = False) -> None:
    with atomic(path, new) as file:
        file.write(content)


def write_text(path: Path, content: str, new: bool = False) -> None:
    """UTF-8; what a file name held that is no text is written as \\x escapes."""
    write_bytes(path, content.encode("utf-8", "backslashreplace"), new)


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=True) + "\n")


def exists_already(path: Path, option: str = "--to") -> OutputError:
    """The error for a path given as output, with this option, that is taken."""
    return OutputError(f"{path} exists; {option} never overwrites: choose another name")


def take_name(partial: Path, path: Path) -> None:
    """Give a finished file its name; raises OutputError where another was quicker to take it."""
    partial.chmod(0o666 & ~_umask())
    try:
        os.link(partial, path)  # a rename would replace what is there
    except FileExistsError:
        raise exists_already(path) from None
    except OSError:  # a disk without links
        if path.exists():
            raise exists_already(path) from None
        partial.rename(path)
    sync_folder(path.parent)


def claim_folder(path: Path) -> Path:
    """Make `path`, which must not exist; two processes never both get it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        path.mkdir()
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return path


def claim_next_folder(root: Path, name: str) -> Path:
    """Make and return `root/name`, or `root/name-2`, `-3`, ... whichever is free first.

    What has no place in the name of a folder is written as a dash.
    """
    for path in _numbered(root, _plain(name) or "run"):
        if not path.exists():
            with suppress(OutputError):
                return claim_folder(path)
            if not path.exists():  # not a race lost: the place itself is at fault
                return claim_folder(path)
    raise AssertionError("numbers do not end")


def next_free(root: Path, name: str, suffix: str) -> Path:
    """`root/name.suffix`, or name-2, -3, ... whichever does not exist yet; nothing is made."""
    paths = _numbered(root, _plain(name) or "picture", suffix)
    return next(path for path in paths if not path.exists())


def _numbered(root: Path, name: str, suffix: str = "") -> Iterator[Path]:
    yield root / f"{name}{suffix}"
    yield from (root / f"{name}-{number}{suffix}" for number in count(2))


def _plain(name: str) -> str:
    """What of a name can stand in that of a file or folder."""
    return re.sub(r"[^\w. -]+", "-", name).strip(". ")[:100]


@contextmanager
def whole_folder(to: Path) -> Iterator[Path]:
    """An empty folder that takes the name `to` when the block ends without error.

    Raises OutputError where `to` is taken, and what the system says where it cannot be made.
    """
    if to.exists():
        raise exists_already(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{to.name}.", suffix=".partial", dir=to.parent))
    try:
        folder = beside / "whole"  # made by mkdir, so that it has a folder's usual rights
        folder.mkdir()
        yield folder
        if to.exists():
            raise exists_already(to)
        folder.rename(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sync_folder(to.parent)


@contextmanager
def locked(folder: Path, doing: str = "training in it") -> Iterator[None]:
    """Hold a folder against other processes; the lock is gone when this one ends, however it does.

    doing  what another process that holds it is said to be at

    Raises OutputError where another holds it. On Windows nothing is held.
    """
    with output_errors(folder):
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(f"{folder}: another process is {doing}") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into one line that names the place."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def plain(path: Path, cap: int) -> Iterator[tuple[int, int]]:
    """A plain file of at most `cap` bytes, open to be read: its handle and size. Pipes and devices
    would never end.

    Raises DataError, naming it, where it is none, too large, or cannot be opened or read.
    """
    handle = _opened(path)
    try:
        yield handle, _size(path, handle, cap)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    finally:
        os.close(handle)


def content(path: Path, cap: int) -> bytes:
    """The bytes of a plain file of at most `cap`. Raises DataError as `plain` does.

    Called for every image: few steps, and few calls of the system, since each lets go of Python's
    lock and threads wait to have it back.
    """
    handle = _opened(path)
    try:
        size = _size(path, handle, cap)
        data = os.read(handle, size)
        while len(data) < size and (more := os.read(handle, size - len(data))):
            data += more
        return data
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        return os.open(path, READING)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a name that no file can have
        raise DataError(f"{str(path)!r}: {error}") from None


def _size(path: Path, handle: int, cap: int) -> int:
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        raise DataError(f"{path}: not a plain file")
    if state.st_size > cap:
        size = state.st_size / 2**20
        raise DataError(f"{path}: {size:.0f} MB, over the cap of {cap >> 20} MB")
    return state.st_size
