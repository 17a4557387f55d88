"""Folds that searches for suspects have kept: below one root, a folder a search, of bounded size.

A folder is in use as long as a process shares its lock; what is in use is not removed. So two
searches may run at once, also the same one twice: a fold that both compute is written whole, twice.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

if sys.platform != "win32":
    import fcntl

LIMIT = 2**30  # bytes of all searches in the user's cache
LOCK = ".lock"
_NAME = re.compile(r"[0-9a-f]{24}")  # of `out_of_fold.key_of`: nothing else is ever removed


def usual() -> Path:
    """The root in the user's cache."""
    return platformdirs.user_cache_path("sightline") / "suspects"


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Keep a search's folder, which is made, from being removed by other processes; it becomes the
    last one used. A place that cannot be written is done without."""
    handle: int | None = None
    with suppress(OSError):
        handle = _shared(folder)
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):
                os.utime(folder / LOCK)
            os.close(handle)


def _shared(folder: Path) -> int:
    """A handle that shares the lock of a folder."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if sys.platform != "win32":
                fcntl.flock(handle, fcntl.LOCK_SH)
            if os.path.samestat(os.fstat(handle), (folder / LOCK).stat()):
                os.utime(folder / LOCK)
                return handle
        except FileNotFoundError:  # removed while this waited
            pass
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def prune(root: Path, limit: int = LIMIT) -> int:
    """Remove searches, the longest unused first, until all that is left takes `limit` bytes or
    less. Those in use stay, however large. Returns how many were removed."""
    found = []
    with suppress(OSError):
        for folder in root.iterdir():
            if _NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
                with suppress(OSError):
                    found.append((_used(folder), _bytes(folder), folder))
    total, removed = sum(size for _, size, _ in found), 0
    for _, size, folder in sorted(found):
        if total <= limit:
            break
        with suppress(OSError):
            if _removed(folder):
                total, removed = total - size, removed + 1
    return removed


def _used(folder: Path) -> float:
    lock = folder / LOCK
    return (lock if lock.exists() else folder).stat().st_mtime


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())


def _removed(folder: Path) -> bool:
    """Whether nobody used the folder, which then is gone. Raises OSError."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        shutil.rmtree(folder)
        return True
    finally:
        os.close(handle)
