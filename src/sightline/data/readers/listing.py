"""What lies in a folder: its files, its pictures by stem, its parts; shared by the readers."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import NoReturn

from sightline.data.dataset import Dataset
from sightline.data.readers.folders import LITTER, PARTS
from sightline.data.split import Splits
from sightline.errors import DataError
from sightline.images import SUFFIXES

NAMED = 5  # files named in one message
TEXT_CAP = 64 * 2**20  # bytes of one annotation file, unless its reader says otherwise


def files(folder: Path) -> list[str]:
    """Files below `folder`, relative to it, sorted; without hidden ones and litter."""
    found: list[str] = []
    for here, inside, names in os.walk(folder, onerror=_unreadable):
        inside[:] = [name for name in inside if not _hidden(name)]
        inner = PurePosixPath(Path(here).relative_to(folder).as_posix())
        found += [str(inner / name) for name in names if not _hidden(name)]
    return sorted(found)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"{error.filename}: {error.strerror}")


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
            raise DataError(f"{folder}: without a partner in {other.name}/: {listed(alone)}")
    if not ours:
        raise DataError(f"{left}: no pictures")
    return [(name, theirs[key]) for key, name in ours.items()]


def listed(names: list[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


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
            raise DataError(f"{there}: expected {' or '.join(gone)} beside it")
    return found if "train" in found else {}


def below(root: Path, path: Path) -> str:
    """Relative to `root` where it lies there, else as it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def splits(sets: Mapping[str, Dataset]) -> Splits:
    """From sets by part; `train` is there."""
    return Splits.of(sets)


def content(path: Path, cap: int = TEXT_CAP) -> bytes:
    """The bytes of an annotation file, at most `cap`."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise DataError(f"{path}: not a plain file")
        if state.st_size > cap:
            size = state.st_size / 2**20
            raise DataError(f"{path}: {size:.0f} MB, over the cap of {cap >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None


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
