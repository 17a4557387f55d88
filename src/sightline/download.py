"""Files from their official addresses: resumed when cut, checked."""

import hashlib
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from sightline.errors import DataError
from sightline.files import output_errors, sync_folder
from sightline.talk import Silent, Talk

BLOCK = 1 << 18
TIMEOUT = 20.0  # seconds without a byte
TRIES = 5  # connections that bring something, for one file
BYTE_CAP = 64 * 2**30  # of one file
UNREACHED = (OSError, HTTPException)  # of a connection; those of the disk are OutputError by then


@dataclass(frozen=True)
class Remote:
    """A file at its official address.

    digest  "md5:…" or "sha256:…" where one was published, whole or its beginning; None where none
            is on record
    size    bytes, where published
    inside  of an archive, the folder in it that is the set ("BCCD_Dataset-master"); "" for all
    """

    address: str
    digest: str | None = None
    size: int | None = None
    inside: str = ""

    @property
    def name(self) -> str:
        return self.address.rsplit("/", 1)[-1]


def fetch(remote: Remote, folder: Path, talk: Talk | None = None) -> Path:
    """Download into `folder`, going on where an earlier try was cut; the file's path.

    Raises DataError when the address cannot be reached, ends early each time, or the file is not
    the published one; OutputError when it cannot be written. What came stays, to go on from, but
    for a file of another hash.
    """
    talk = talk or Silent()
    target, partial = folder / remote.name, folder / f"{remote.name}.partial"
    if target.exists():
        return target
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _receive_all(remote, partial, talk)
    with output_errors(folder):
        found = digest_of(partial, (remote.digest or "sha256:").split(":", 1)[0])
    if remote.digest is None:
        talk.say(f"{remote.name}: no published hash on record; this file's is {found} (unverified)")
    elif not found.startswith(remote.digest):
        partial.unlink()
        raise DataError(f"{remote.address}: came as {found}, published is {remote.digest}")
    with output_errors(folder):
        partial.replace(target)
        _tag_of(partial).unlink(missing_ok=True)
        sync_folder(folder)
    return target


def _receive_all(remote: Remote, partial: Path, talk: Talk) -> None:
    """Connect as often as something comes, until all is there."""
    for _ in range(TRIES):
        before = _size(partial)
        try:
            whole = _receive(remote, partial, talk)
        except UNREACHED as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
            if _size(partial) <= before:
                raise DataError(f"{remote.address}: cannot be reached ({reason})") from None
            continue
        if whole:
            return
        if _size(partial) <= before:
            break
    raise DataError(
        f"{remote.address}: ended early, after {_size(partial)} bytes; try again to go on there"
    )


def _receive(remote: Remote, partial: Path, talk: Talk) -> bool:
    """One connection; whether it brought the last byte."""
    done, tag = _size(partial), _tag_of(partial)
    request = urllib.request.Request(remote.address, headers={"User-Agent": "sightline"})
    known = tag.read_text("latin-1") if tag.exists() else ""
    if done and (known or remote.digest):  # else two versions could be joined unnoticed
        request.add_header("Range", f"bytes={done}-")
        if known:
            request.add_header("If-Range", known)
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not done:
            raise
        with output_errors(partial):
            if error.headers.get("Content-Range") == f"bytes */{done}":
                return True  # nothing is left to send
            partial.unlink()  # what is here is no beginning of what is there
            tag.unlink(missing_ok=True)
        return _receive(remote, partial, talk)
    with answer:
        start = _start(answer)
        if start not in (0, done):
            raise DataError(f"{remote.address}: answered with bytes that were not asked for")
        return _save(answer, start, partial, remote.name, talk)


def _start(answer: HTTPResponse) -> int:
    """The position in the file at which an answer begins."""
    if answer.status != 206:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _save(answer: HTTPResponse, start: int, partial: Path, name: str, talk: Talk) -> bool:
    """Write what comes behind the first `start` bytes; whether it is as long as was said."""
    length = answer.headers.get("Content-Length", "")
    end = start + int(length) if length.isdecimal() else None
    with output_errors(partial):
        tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        _tag_of(partial).write_text("" if tag.startswith("W/") else tag, "latin-1", "ignore")
        file = partial.open("r+b" if start else "wb", buffering=0)
    done = start
    with file, talk.bar(f"{name}, MB", (end or 0) // 10**6) as (tick, note):
        file.seek(start)
        tick(done / 1e6)
        while block := answer.read1(BLOCK):  # what is there: no more is lost when it falls silent
            with output_errors(partial):
                left = memoryview(block)
                while left:
                    left = left[file.write(left) :]
            done += len(block)
            if done > BYTE_CAP:
                raise DataError(f"{name}: longer than {BYTE_CAP} bytes")
            tick(len(block) / 1e6)
            note("")
        with output_errors(partial):
            os.fsync(file.fileno())
    return end is None or done == end


def _tag_of(partial: Path) -> Path:
    """Where a file's version, as its server calls it, is kept while it is incomplete."""
    return partial.with_name(f"{partial.name}.version")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def digest_of(path: Path, kind: str) -> str:
    """The hash of a file as `Remote.digest` writes it, whole."""
    assert kind in ("md5", "sha256"), f"no such hash: {kind}"
    with path.open("rb") as file:
        return f"{kind}:{hashlib.file_digest(file, kind).hexdigest()}"
