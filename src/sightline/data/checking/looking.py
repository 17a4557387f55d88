"""One look at every image of a set: each is decoded once, and only a few bytes of it are kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.data.checking import duplicates
from sightline.data.dataset import Dataset, origin
from sightline.errors import DataError
from sightline.threads import spread
from sightline.types import Image

CHUNK = 512  # images that are handed out at a time: a million would else be as many waiting jobs
GATHERED = 32  # of a set of arrays, whose images may be large
SIDE = duplicates.SIDE

RECORD = np.dtype(
    [
        ("height", np.int32),
        ("width", np.int32),
        ("channels", np.int8),
        ("lowest", np.uint8),
        ("highest", np.uint8),
        ("alpha", np.bool_),
        ("chroma", np.uint8),
        ("contrast", np.float32),
        ("bytes", np.int64),
        ("digest", np.uint64),
        ("print", np.uint64),
    ]
)


@dataclass(frozen=True, eq=False)
class Looks:
    """What was seen of n images.

    records     (n,) of RECORD: 41 bytes an image; zeros where it could not be read
                  chroma    the largest difference of two channels of a pixel, of its thumbnail
                  contrast  the standard deviation of its grey thumbnail
                  bytes     of the file; of arrays, those of the pixels
                  digest    equal for equal pixels
                  print     close for close pictures, see duplicates.py
    unreadable  (row, reason) of what could not be decoded; the reason names the file
    """

    records: NDArray[Any]
    unreadable: list[tuple[int, str]]

    @property
    def readable(self) -> NDArray[np.bool_]:
        return self.records["height"] > 0

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Why each unreadable row is so."""
        return dict(self.unreadable)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n, 2) height and width; zeros where an image could not be read."""
        return np.stack([self.records["height"], self.records["width"]], 1).astype(np.int64)

    @property
    def highest(self) -> int:
        """The largest pixel value met."""
        return int(self.records["highest"].max(initial=0))


Seen = tuple[NDArray[Any], NDArray[np.uint8]]  # a record, and a grey thumbnail


def look(dataset: Dataset, tick: Callable[[int], None], prints: bool = True) -> Looks:
    """Decode every image once, files by several threads. `tick` is called with 1 for each.

    prints  whether what tells duplicates is kept too; digest, print, chroma, contrast are else 0
    """
    records = np.zeros(len(dataset), RECORD)
    unreadable: list[tuple[int, str]] = []
    for start in range(0, len(dataset), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset)))
        grey = np.zeros((len(rows), SIDE, SIDE), np.uint8)
        for at, seen in enumerate(_seen(dataset, rows, prints)):
            tick(1)
            if isinstance(seen, str):
                unreadable.append((start + at, seen))
            else:
                records[start + at], grey[at] = seen
        if prints:
            records["print"][rows] = duplicates.prints(grey)
            records["contrast"][rows] = grey.std((1, 2))
    return Looks(records, unreadable)


def _seen(dataset: Dataset, rows: NDArray[np.int64], prints: bool) -> Iterable[Seen | str]:
    found = [path_of(dataset, row) for row in rows.tolist()]
    paths = [path for path in found if path is not None]
    if len(paths) == len(rows):
        return spread(lambda path: _file(path, prints), paths)
    few = (rows[start : start + GATHERED] for start in range(0, len(rows), GATHERED))
    return (_record(image, prints, image.size) for some in few for image in dataset.images(some))


def path_of(dataset: Dataset, row: int) -> Path | None:
    """The file of an image; None for arrays."""
    found = origin(dataset, row)
    return found[0].path(found[1]) if found else None


def _file(path: Path, prints: bool) -> Seen | str:
    try:
        data = images.content(path)
        seen = _record(images.decode(data, str(path)), prints, len(data))
        seen[0]["alpha"] = images.has_alpha(data, str(path))
    except DataError as error:
        return str(error)
    return seen


def _record(image: Image, prints: bool, size: int) -> Seen:
    record, grey = np.zeros((), RECORD), np.zeros((SIDE, SIDE), np.uint8)
    record["height"], record["width"], record["channels"] = image.shape
    record["lowest"], record["highest"] = image.min(), image.max()
    record["bytes"] = size
    if prints:
        small = images.resize(image, (SIDE, SIDE))
        grey = images.to_channels(small, 1)[..., 0]
        if image.shape[2] == 3:
            record["chroma"] = duplicates.chroma(small[None])[0]
        digest = blake2b(repr(image.shape).encode(), digest_size=8)
        digest.update(np.ascontiguousarray(image).data)
        record["digest"] = np.frombuffer(digest.digest(), np.uint64)[0]
    return record, grey


def thumbnails(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(n, 32, 32, 3) of readable images, which are decoded again."""
    out = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)

    def fill(at: int) -> None:
        image = dataset.images(rows[at : at + 1])[0]
        out[at] = images.to_channels(images.resize(image, (SIDE, SIDE)), 3)

    if len(rows) and path_of(dataset, int(rows[0])) is None:
        for at in range(len(rows)):
            fill(at)
        return out
    spread(fill, range(len(rows)))
    return out
