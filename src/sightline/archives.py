"""Archives unpacked safely: plain files only, inside their folder, under caps."""

import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import IO, Any, final

from sightline.errors import DataError
from sightline.files import output_errors, sync_folder

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
BLOCK = 1 << 20
BYTE_CAP = 64 * 2**30  # of all that one archive unpacks to
COUNT_CAP = 2_000_000  # members, folders too
HEADER_CAP = 1 << 22  # bytes that a tar may have read at once: a name or a header of that length
BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    RuntimeError, ValueError,
)  # fmt: skip


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar (gz, bz2, xz) into `folder`, which appears whole or not at all.

    Only plain files inside the folder are written: a link, a device, an absolute path or one with
    `..` is refused, as is an archive of more than 2 million members or 64 GB. Of two members of
    one name the last stays, as everywhere. Raises DataError, or OutputError where `folder` is
    taken or cannot be written.
    """
    with output_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(".partial", f".{folder.name}.", folder.parent))
    try:
        partial = beside / "whole"  # made by mkdir, so that it has a folder's usual rights
        partial.mkdir()
        size = count = 0
        with closing(_members(archive)) as members:
            for name, length, content in members:
                with content or nullcontext():
                    size, count = size + length, count + 1
                    if length < 0 or size > BYTE_CAP or count > COUNT_CAP:
                        raise DataError(f"{archive}: unpacks to more than the caps allow")
                    if content is not None:
                        _write(archive, name, content, length, partial)
        if not any(partial.iterdir()):
            raise DataError(f"{archive}: holds no files")
        with output_errors(folder):
            partial.replace(folder)
            sync_folder(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(archive: Path, name: str, content: IO[bytes], length: int, folder: Path) -> None:
    """Exactly `length` bytes: a header that lies about its size is refused."""
    target, left = folder / _inside(archive, name), length
    above = [parent for parent in target.parents if parent.is_relative_to(folder)]
    with output_errors(target):
        if target.is_dir() or any(parent.is_file() for parent in above):
            raise DataError(f"{archive}: member {name!r} is a file here and a folder there")
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("wb", buffering=0)
    with file:
        while True:
            with _damage_named(archive):
                block = content.read(min(BLOCK, left + 1))
            left -= len(block)
            if not block or left < 0:
                break
            with output_errors(target):
                rest = memoryview(block)
                while rest:
                    rest = rest[file.write(rest) :]
    if left != 0:
        raise DataError(f"{archive}: member {name!r} is not of the size it says")


def _inside(archive: Path, name: str) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    parts = path.parts
    if path.is_absolute() or not parts or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(f"{archive}: member {name!r} lies outside the archive")
    return Path(*parts)


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        reason = str(error).split("\n", 1)[0][:100]
        raise DataError(f"{archive}: damaged archive ({reason})") from None


Member = tuple[str, int, IO[bytes] | None]  # name, size, content; None for a folder


def _members(archive: Path) -> Generator[Member, None, None]:
    """Every member, in order. The kind is told by the first bytes: a tar may end with a zip."""
    with _damage_named(archive):
        with archive.open("rb") as file:
            zipped = file.read(2) == b"PK"
        yield from _of_zip(archive) if zipped else _of_tar(archive)


def _of_zip(archive: Path) -> Generator[Member, None, None]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                yield member.filename, 0, None
                continue
            if kind not in (0, stat.S_IFREG):
                raise DataError(f"{archive}: member {member.filename!r} is no plain file")
            if member.flag_bits & 1:
                raise DataError(f"{archive}: member {member.filename!r} is encrypted")
            yield member.filename, member.file_size, file.open(member)


def _of_tar(archive: Path) -> Generator[Member, None, None]:
    with tarfile.open(archive, "r:*", tarinfo=_Entry) as tar:
        for entry in tar:
            tar.members = []  # type: ignore[attr-defined]  # else a kilobyte an entry is kept
            if entry.isdir():
                yield entry.name, 0, None
                continue
            plain = entry.isreg() and not entry.issparse()
            content = tar.extractfile(entry) if plain else None
            if content is None:
                raise DataError(f"{archive}: member {entry.name!r} is no plain file")
            yield entry.name, entry.size, content


@final
class _Entry(tarfile.TarInfo):
    """An entry whose long name or extended header is looked at before it is read into memory."""

    def _proc_member(self, tar: Any) -> Any:
        if self.type in (b"L", b"K", b"x", b"g", b"X") and self.size > HEADER_CAP:
            raise DataError(f"{tar.name}: damaged archive (a header of {self.size} bytes)")
        return super()._proc_member(tar)  # type: ignore[misc]
