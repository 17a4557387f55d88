"""Files from their official addresses: resumed when cut, checked, unpacked safely."""

import hashlib
import os
import shutil
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sightline.errors import DataError
from sightline.files import output_errors, sync_folder

BLOCK = 1 << 20
TIMEOUT = 20.0  # seconds without a byte
BYTE_CAP = 64 * 2**30  # of all that one archive unpacks to
COUNT_CAP = 2_000_000


@dataclass(frozen=True)
class Remote:
    """A file at its official address.

    digest  "md5:…" or "sha256:…" where one was published; None where none is on record
    size    bytes, where published
    """

    address: str
    digest: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        return self.address.rsplit("/", 1)[-1]


def fetch(
    remote: Remote,
    folder: Path,
    say: Callable[[str], None],
    tick: Callable[[float], None] = lambda _: None,
) -> Path:
    """Download into `folder`, going on where an earlier try was cut; the file's path.

    `tick` is called with the bytes that came. Raises DataError when the address cannot be reached
    or the file is not the published one.
    """
    target = folder / remote.name
    if target.exists():
        return target
    partial = folder / f"{remote.name}.partial"
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        _receive(remote.address, partial, tick)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(f"{remote.address}: cannot be reached ({reason})") from None
    found = _digest(partial, (remote.digest or "sha256:").split(":", 1)[0])
    if remote.digest is None:
        say(f"{remote.name}: no published hash on record; this file's is {found} (unverified)")
    elif found != remote.digest:
        partial.unlink()
        raise DataError(f"{remote.address}: came as {found}, published is {remote.digest}")
    partial.replace(target)
    sync_folder(folder)
    return target


def _receive(address: str, partial: Path, tick: Callable[[float], None]) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "sightline"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing is left to send
            return
        raise
    with answer, partial.open("ab" if done and answer.status == 206 else "wb") as file:
        tick(done if answer.status == 206 else 0)
        while block := answer.read(BLOCK):
            file.write(block)
            tick(len(block))
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path, kind: str) -> str:
    if kind not in ("md5", "sha256"):
        raise AssertionError(f"no such hash: {kind}")
    with path.open("rb") as file:
        return f"{kind}:{hashlib.file_digest(file, kind).hexdigest()}"


def extract(archive: Path, folder: Path) -> None:
    """Unpack a .zip, .tar, .tar.gz or .tgz into `folder`, which appears whole or not at all.

    Only plain files inside the folder are written: a link, a device, an absolute path or one with
    `..` is refused, as is an archive of more than 2 million files or 64 GB.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with output_errors(folder):
            partial.mkdir(parents=True)
            size = count = 0
            for name, length, content in _members(archive):
                size, count = size + length, count + 1
                if size > BYTE_CAP or count > COUNT_CAP:
                    raise DataError(f"{archive}: unpacks to more than the caps allow")
                target = partial / _inside(archive, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with content, target.open("wb") as file:
                    _copy(archive, name, content, file, length)
            partial.replace(folder)
            sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _inside(archive: Path, name: str) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise DataError(f"{archive}: member {name!r} lies outside the archive")
    return Path(*path.parts)


def _copy(archive: Path, name: str, content: IO[bytes], file: IO[bytes], length: int) -> None:
    """Exactly `length` bytes: a header that lies about its size is refused."""
    left = length
    while block := content.read(min(BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            break
        file.write(block)
    if left != 0:
        raise DataError(f"{archive}: member {name!r} is not of the size it says")


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each plain file."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                for member in file.infolist():
                    kind = stat.S_IFMT(member.external_attr >> 16)
                    if member.is_dir():
                        continue
                    if kind not in (0, stat.S_IFREG):
                        raise DataError(f"{archive}: member {member.filename!r} is no plain file")
                    yield member.filename, member.file_size, file.open(member)
            return
        with tarfile.open(archive) as tar:
            for entry in tar:
                if entry.isdir():
                    continue
                content = tar.extractfile(entry) if entry.isreg() else None
                if content is None:
                    raise DataError(f"{archive}: member {entry.name!r} is no plain file")
                yield entry.name, entry.size, content
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise DataError(f"{archive}: damaged archive ({error})") from None
