"""What lies in a folder: its files, its pictures by stem, its parts; shared by the readers."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from sightline.errors import DataError
from sightline.files import content
from sightline.images import SUFFIXES
from sightline.wording import some

PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
PARTS |= {"test": "test", "testing": "test", "train-dev": "train-dev", "train_dev": "train-dev"}
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})  # left by file managers, never data
DEEPEST = 32  # folders within folders
TEXT_CAP = 64 * 2**20  # bytes of one annotation file, unless its reader says otherwise


def files(folder: Path) -> Iterator[str]:
    """Files below `folder`, relative to it, in the order of their names; without hidden ones and
    litter. Links to folders are followed."""
    return _files(str(folder), "", DEEPEST)


def _files(folder: str, inner: str, depth: int) -> Iterator[str]:
    if not depth:
        raise DataError(f"{folder}: folders within folders, {DEEPEST} deep; a link to itself?")
    try:
        with os.scandir(folder) as entries:
            # With its slash a folder sorts where its files do among all.
            names = [f"{e.name}/" if e.is_dir() else e.name for e in entries if not _hidden(e.name)]
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from None
    names.sort()
    for name in names:
        if name.endswith("/"):
            yield from _files(f"{folder}/{name[:-1]}", f"{inner}{name}", depth - 1)
        else:
            yield f"{inner}{name}"


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def loose(folder: Path) -> list[str]:
    """Names of the pictures in `folder` itself, sorted."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if not e.is_dir() and not _hidden(e.name)]
    return sorted(name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES)


def require_folder(root: Path) -> None:
    """Raise DataError where `root` is no folder that can be listed."""
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise DataError(f"{root}: {error.strerror}") from None


def pictures(folder: Path) -> list[str]:
    """Files below `folder` that are named as pictures are, relative to it, sorted."""
    return [name for name in files(folder) if PurePosixPath(name).suffix.lower() in SUFFIXES]


def stem(name: str) -> str:
    """A relative path without its suffix: `a/b.jpg` -> `a/b`."""
    suffix = PurePosixPath(name).suffix
    return name[: -len(suffix)] if suffix else name


def by_stem(folder: Path, names: Iterable[str], ending: str = "") -> dict[str, str]:
    """Names by their stem, which `ending` may follow. Raises DataError where two have one."""
    found: dict[str, str] = {}
    for name in names:
        key = stem(name).removesuffix(ending)
        if key in found:
            raise DataError(f"{folder}: {found[key]} and {name} differ in their suffix only")
        found[key] = name
    return found


def paired(left: Path, right: Path, ending: str = "") -> list[tuple[str, str]]:
    """Pictures of two folders that share a stem. Raises DataError that names those alone."""
    ours = by_stem(left, pictures(left))
    theirs = by_stem(right, pictures(right), ending)
    for here, partners, folder, other in ((ours, theirs, left, right), (theirs, ours, right, left)):
        alone = [name for key, name in here.items() if key not in partners]
        if alone:
            raise DataError(f"{folder}: without a partner in {other.name}/: {some(alone)}")
    if not ours:
        raise DataError(f"{left}: no pictures")
    return [(name, theirs[key]) for key, name in ours.items()]


def folders(root: Path) -> list[str]:
    """Names of the folders in `root`, sorted, without hidden ones; [] where it is no folder."""
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(e.name for e in entries if not _hidden(e.name) and e.is_dir())


def there(path: Path) -> bool:
    """Whether a file or folder is there; one whose name no file can have is not."""
    try:
        return path.exists()
    except OSError:
        return False


def child(root: Path, names: Iterable[str]) -> Path | None:
    """The first folder of `root` that has one of these names."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def parts(root: Path) -> dict[str, Path]:
    """The folders of `root` called train, val, test, or as people spell them; {} without train."""
    found: dict[str, Path] = {}
    twice: list[str] = []
    for name in folders(root):
        part = PARTS.get(name.lower())
        if part:
            twice += [f"{found[part].name}/ and {name}/"] if part in found else []
            found[part] = root / name
    if "train" not in found:
        return {}
    if twice:
        raise DataError(f"{root}: both {twice[0]}; keep one")
    return found


def twins(root: Path, left: Iterable[str], right: Iterable[str]) -> dict[str, tuple[Path, Path]]:
    """Two folders of pictures by part: `root/images` and `root/masks` are train, unless they hold
    parts of their own or lie in parts; {} where they are not. left and right are their names."""
    ours, theirs = child(root, left), child(root, right)
    if ours and theirs:
        inner = parts(ours)
        if inner:
            return {part: (folder, theirs / folder.name) for part, folder in inner.items()}
        return {"train": (ours, theirs)}
    found: dict[str, tuple[Path, Path]] = {}
    for part, folder in parts(root).items():
        ours, theirs = child(folder, left), child(folder, right)
        if ours and theirs:
            found[part] = ours, theirs
        elif ours or theirs:
            there, gone = (ours, right) if ours else (theirs, left)
            raise DataError(f"{there}: expected {next(iter(gone))}/ beside it")
    return found if "train" in found else {}


def below(root: Path, path: Path) -> str:
    """Relative to `root` where it lies there, else as it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def text(path: Path, cap: int = TEXT_CAP) -> str:
    """The text of an annotation file, UTF-8 with or without a mark."""
    try:
        return content(path, cap).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None


def lines(path: Path) -> list[tuple[int, str]]:
    """The lines of an annotation file that are not blank, stripped, with their numbers from 1."""
    numbered = enumerate(text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip()]


def require(root: Path, names: Iterable[tuple[str, str]]) -> None:
    """Raise DataError for the first (name, place) whose file is not below `root`.

    Each folder is listed once, however many files it holds.
    """
    known: dict[Path, frozenset[str]] = {}
    for name, place in names:
        path = root / name
        if path.parent not in known:
            beside = path.parent.iterdir() if there(path.parent) else ()
            known[path.parent] = frozenset(file.name for file in beside)
        if path.name not in known[path.parent]:
            raise DataError(f"{place}: no image {path}")


def pattern(text: str, what: str) -> re.Pattern[str]:
    """A regular expression of one group or none; `what` says in errors what it is for."""
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise DataError(f"{what} {text!r}: {error}") from None
    if compiled.groups > 1:
        raise DataError(f"{what} {text!r}: {compiled.groups} groups in it; expected one")
    return compiled


def found(pattern: re.Pattern[str], name: str) -> str:
    """What a pattern finds in a name: its group if it has one, else all that matched; "" where it
    finds nothing."""
    match = pattern.search(name)
    return (match[pattern.groups] or "") if match else ""
