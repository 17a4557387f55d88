"""From a user's word to a set: the name of one, or a path whose format is recognised."""

from pathlib import Path

from sightline.data import catalog
from sightline.data.split import Splits
from sightline.errors import DataError, UnknownName
from sightline.talk import Talk


def open_set(what: str, root: str | None = None, talk: Talk | None = None) -> Splits:
    """The set that `what` names: a bare word is one of the catalog, a path has a slash or suffix.

    root  where a named set is looked for first

    Raises UnknownName or DataError.
    """
    if is_path(what):
        return catalog.open_path(Path(what))
    if what in catalog.DATASETS:
        return catalog.open_named(what, root, talk)
    if Path(what).exists():
        raise DataError(f"'{what}' is no named set; for the folder write ./{what}")
    raise UnknownName("data set", what, catalog.DATASETS)


def is_path(what: str) -> bool:
    """Whether a word as typed is a path rather than a name."""
    return "/" in what or "\\" in what or what in (".", "..") or "." in Path(what).name
