"""Named sets from their official addresses, into the folder where they are looked for."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sightline import archives, download, files
from sightline.download import Remote
from sightline.errors import DataError, OutputError
from sightline.talk import Talk


def fetched(folder: Path, remotes: Sequence[Remote], talk: Talk) -> Path:
    """`folder`, after its files came; archives are unpacked into it and not kept.

    All is made beside it, in a folder that stays when a download is cut, so that the next try
    goes on; `folder` appears whole. Raises DataError or OutputError.
    """
    waiting = folder.with_name(f".{folder.name}.download")
    try:
        with files.output_errors(waiting):
            waiting.mkdir(parents=True, exist_ok=True)
        with files.locked(waiting, "downloading to it"):
            if not folder.is_dir():
                talk.say(f"{folder.name}: downloading to {folder}")
                _fetch(folder, remotes, waiting, talk)
            shutil.rmtree(waiting, ignore_errors=True)
    except OutputError:
        if not folder.is_dir():  # else another process was quicker
            raise
    return folder


def _fetch(folder: Path, remotes: Sequence[Remote], waiting: Path, talk: Talk) -> None:
    found = [download.fetch(remote, waiting, talk) for remote in remotes]
    whole = waiting / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    with files.output_errors(folder):
        whole.mkdir()
        for remote, path in zip(remotes, found, strict=True):
            _lay(path, remote, waiting / "unpacked", whole, talk)
        whole.rename(folder)
        files.sync_folder(folder.parent)


def _lay(
    path: Path, remote: Remote, unpacked: Path, whole: Path, talk: Talk, nested: bool = False
) -> None:
    """A file into `whole`; of an archive, what it holds in the folder that is the set.

    nested  it came in another archive; those that it holds in turn stay as they are
    """
    if not path.name.endswith(archives.SUFFIXES):
        shutil.copyfile(path, whole / path.name)
        return
    talk.say(f"unpacking {path.name}")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        archives.extract(path, unpacked)
    except DataError:
        if remote.digest is None:  # may have come damaged; one that was checked would come again
            path.unlink()
        raise
    inside = remote.inside
    if not (unpacked / inside).is_dir():
        raise DataError(f"{path}: expected a folder {inside} in it")
    for entry in sorted((unpacked / inside).iterdir()):
        if (whole / entry.name).exists():
            raise DataError(f"{path}: holds {entry.name}, as another file of the set does")
        if entry.is_file() and entry.name.endswith(archives.SUFFIXES) and not nested:
            inner = unpacked.with_name(f"{unpacked.name}-inner")
            _lay(entry, Remote(entry.name), inner, whole, talk, nested=True)
        else:
            entry.rename(whole / entry.name)
    shutil.rmtree(unpacked)
