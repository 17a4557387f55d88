"""A census of a set: counts, sizes and exact pixel statistics, in one pass over every image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.checking.truths import counts
from sightline.data.dataset import Dataset, top_of
from sightline.errors import DataError
from sightline.threads import THREADS, spread
from sightline.types import Images, Size

CHUNK = 64  # images in memory at a time, a thread
BARS = 10  # of a histogram
BAR = 40  # characters of the longest


@dataclass(frozen=True, eq=False)
class Census:
    """What one part of a set is made of.

    counts      images a class; yes-answers where an image has many labels; boxes of each class
                where it has those; else empty
    levels      (channels, 256) int64: how often a channel takes each value. Grey images count in
                all three channels where others have color
    sizes       (height, width) and how many images have it, the most frequent first
    grey        images of one channel
    top         the pixel value that stands for 1
    unreadable  a reason for each image that could not be decoded, which names its file
    """

    images: int
    classes: tuple[str, ...]
    counts: list[int]
    levels: NDArray[np.int64]
    sizes: list[tuple[Size, int]]
    grey: int
    top: int
    unreadable: list[str]

    @property
    def mean(self) -> list[float]:
        """A channel's mean, in [0, 1]."""
        values = np.arange(256) / self.top
        return (self.levels @ values / np.maximum(self.levels.sum(1), 1)).tolist()

    @property
    def deviation(self) -> list[float]:
        """A channel's standard deviation over all its pixels, in [0, 1]."""
        total = np.maximum(self.levels.sum(1), 1)
        away = (np.arange(256) / self.top - np.array(self.mean)[:, None]) ** 2
        return np.sqrt((self.levels * away).sum(1) / total).tolist()

    @property
    def value_range(self) -> tuple[int, int]:
        """The lowest and highest pixel value met."""
        met = np.flatnonzero(self.levels.sum(0))
        return (int(met[0]), int(met[-1])) if len(met) else (0, 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "images": self.images,
            "classes": dict(zip(self.classes, self.counts, strict=True)) if self.counts else {},
            "mean": self.mean,
            "deviation": self.deviation,
            "values": list(self.value_range),
            "top": self.top,
            "grey": self.grey,
            "sizes": [[*size, count] for size, count in self.sizes],
            "unreadable": self.unreadable,
        }

    def to_text(self) -> str:
        """Lines for a terminal, with bars."""
        low, high = self.value_range
        channels = "grey" if len(self.levels) == 1 else "red, green, blue"
        mean, deviation = (" ".join(f"{x:.4f}" for x in xs) for xs in (self.mean, self.deviation))
        lines = [
            f"{self.images:,} images, values {low} to {high}, {self.top} taken for 1",
            f"  mean       {mean}  ({channels})",
            f"  deviation  {deviation}",
        ]
        if self.grey and len(self.levels) == 3:
            lines.append(f"  {self.grey:,} of them grey")
        lines += ["sizes", *_size_bars(self.sizes)]
        if self.counts:
            lines += ["classes", *_bars(list(zip(self.classes, self.counts, strict=True)))]
        lines += [f"unreadable: {reason}" for reason in self.unreadable]
        return "\n".join(lines) + "\n"


def take_census(dataset: Dataset, tick: Callable[[int], None] = lambda _: None) -> Census:
    """Look at every image once, in bounded memory. `tick` is called with how many are done."""
    levels = np.zeros((3, 256), np.int64)
    sizes: dict[Size, int] = {}
    grey, unreadable = 0, []
    starts = range(0, len(dataset), CHUNK)
    for start in range(0, len(starts), THREADS):  # so that few results wait
        for found in spread(lambda s: _look(dataset, s), starts[start : start + THREADS]):
            levels += found[0]
            for size in found[1]:
                sizes[size] = sizes.get(size, 0) + 1
            grey, done = grey + found[2], len(found[1]) + len(found[3])
            unreadable += found[3]
            tick(done)
    seen = sum(sizes.values())
    return Census(
        images=seen,
        classes=dataset.classes,
        counts=counts(dataset),
        levels=levels[:1] if grey == seen else levels,
        sizes=sorted(sizes.items(), key=lambda item: (-item[1], item[0])),
        grey=grey,
        top=top_of(dataset, int(np.flatnonzero(levels.sum(0)).max(initial=0))),
        unreadable=unreadable,
    )


def _look(dataset: Dataset, start: int) -> tuple[NDArray[np.int64], list[Size], int, list[str]]:
    rows = range(start, min(start + CHUNK, len(dataset)))
    images, unreadable = _readable(dataset, rows)
    levels = np.zeros((3, 256), np.int64)
    grey = sum(image.shape[2] == 1 for image in images)
    for pixels in [images] if isinstance(images, np.ndarray) else images:
        for channel in range(3):
            if pixels.shape[-1] == 3 or channel == 0:
                own = np.bincount(pixels[..., channel].ravel(), minlength=256)
            levels[channel] += own
    return levels, [(image.shape[0], image.shape[1]) for image in images], grey, unreadable


def _readable(dataset: Dataset, rows: Sequence[int]) -> tuple[Images, list[str]]:
    try:
        return dataset.images(rows), []
    except DataError:
        images, unreadable = [], []
        for row in rows:  # one by one, to name each
            try:
                images.append(dataset.images([row])[0])
            except DataError as error:
                unreadable.append(str(error))
        return images, unreadable


def _size_bars(sizes: list[tuple[Size, int]]) -> list[str]:
    """Each size where there are few, else how widths and heights are spread."""
    if len(sizes) <= BARS:
        return _bars([(f"{width}x{height}", count) for (height, width), count in sizes])
    counts = [count for _, count in sizes]
    lines = []
    for name, side in (("width", 1), ("height", 0)):
        lengths = np.array([size[side] for size, _ in sizes])
        low, high = int(lengths.min()), int(lengths.max())
        bins = min(BARS, high - low + 1)
        edges = np.ceil(np.linspace(low, high + 1, bins + 1)).astype(int)
        spread, _ = np.histogram(lengths, edges - 0.5, weights=counts)
        names = [f"{name} {a} to {b - 1}" for a, b in pairwise(edges)]
        lines += _bars(list(zip(names, spread.astype(int).tolist(), strict=True)))
    return lines


def _bars(rows: list[tuple[str, int]]) -> list[str]:
    """A line each: a name, a bar in proportion, the count."""
    widest, most = max(len(name) for name, _ in rows), max(count for _, count in rows)
    lines = []
    for name, count in rows:
        length = max(1, round(BAR * count / max(1, most))) if count else 0
        lines.append(f"  {name:<{widest}}  {'█' * length:<{BAR}}  {count:,}")
    return lines
