"""Findings on pictures: what cannot be read, and what is unlike the rest."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sightline import memory
from sightline.data.checking.duplicates import COLORED
from sightline.data.checking.findings import Finding, alone
from sightline.data.checking.looking import Looks, path_of
from sightline.data.dataset import Dataset, top_of
from sightline.data.readers.listing import there
from sightline.wording import plural, size_in_words

FLAT = 2.0  # grey levels of 255: a thumbnail that deviates by less shows nothing
DARK = 32  # of 255: an image that never passes it, in a set that does
HUGE = 4096  # pixels of a side, as large as a view may be
SMALL = 8  # pixels of a side, below which nothing is to be seen
FAR_SIZE = 4.0  # times the median image's longest side, or one part in that
FAR_RATIO = 3.0  # times the median image's width over height


def on_images(part: str, dataset: Dataset, looks: Looks) -> Iterator[Finding]:
    """What is to be said about the pictures of one part."""
    yield from _unreadable(part, dataset, looks)
    rows = np.flatnonzero(looks.readable)
    if not len(rows):
        return
    seen = looks.records[rows]
    top = top_of(dataset, looks.highest)
    yield from _empty(part, rows, seen, top)
    yield from _colors(part, rows, seen)
    yield from _sizes(part, rows, seen)
    if top != 255:
        text = f"pixel values go from 0 to {top}, not to 255; {top} is taken for white"
        yield Finding("note", "range", part, text)


def flat(dataset: Dataset, looks: Looks) -> NDArray[np.bool_]:
    """(n,) readable images that show nothing: of one grey all over."""
    small = looks.records["contrast"] < FLAT * top_of(dataset, looks.highest) / 255
    return looks.readable & small & (looks.records["chroma"] <= COLORED)


def _unreadable(part: str, dataset: Dataset, looks: Looks) -> Iterator[Finding]:
    absent: list[int] = []
    broken: list[int] = []
    for row, _ in looks.unreadable:
        path = path_of(dataset, row)
        (absent if path is not None and not there(path) else broken).append(row)
    if absent:
        text = f"{plural(len(absent), 'file')} listed but not there"
        yield Finding("problem", "absent", part, text, alone(part, absent))
    if broken:
        text = f"{plural(len(broken), 'file')} cannot be read: damaged, cut short or no picture"
        yield Finding("problem", "unreadable", part, text, alone(part, broken))


def _empty(part: str, rows: NDArray, seen: NDArray, top: int) -> Iterator[Finding]:
    dark = (seen["highest"] < DARK) & (seen["lowest"] < seen["highest"]) & (top == 255)
    blank = (seen["contrast"] < FLAT * top / 255) & (seen["chroma"] <= COLORED) & ~dark
    if blank.any():
        text = f"{plural(int(blank.sum()), 'image')} of one grey all over"
        yield Finding("warning", "blank", part, text, alone(part, rows[blank]))
    if dark.any():
        text = (
            f"{plural(int(dark.sum()), 'image')} with no value above {DARK - 1} of 255: "
            "black to the eye, or of another value range"
        )
        yield Finding("warning", "dark", part, text, alone(part, rows[dark]))


def _colors(part: str, rows: NDArray, seen: NDArray) -> Iterator[Finding]:
    if seen["alpha"].any():
        rows_with = rows[seen["alpha"]]
        text = f"{plural(len(rows_with), 'image')} with transparency, which is laid over white"
        yield Finding("note", "alpha", part, text, alone(part, rows_with))
    grey = seen["chroma"] <= COLORED / 255 * seen["highest"]  # dark images may have color too
    few = grey if grey.sum() <= len(grey) / 2 else ~grey
    if few.any():
        what, rest = ("grey", "in color") if few is grey else ("in color", "grey")
        text = f"{plural(int(few.sum()), 'image')} {what} among {int((~few).sum()):,} {rest}"
        yield Finding("note", "grey", part, text, alone(part, rows[few]))
    stored = grey & (seen["channels"] == 3)
    if grey.all() and stored.any():
        text = f"{plural(int(stored.sum()), 'image')} stored in three channels though all are grey"
        yield Finding("note", "channels", part, text)


def _sizes(part: str, rows: NDArray, seen: NDArray) -> Iterator[Finding]:
    height, width = seen["height"].astype(float), seen["width"].astype(float)
    small = np.minimum(height, width) < SMALL
    if small.any():
        text = f"{plural(int(small.sum()), 'image')} with a side under {SMALL} pixels"
        yield Finding("warning", "small", part, text, alone(part, rows[small]))
    longest = np.maximum(height, width)
    huge = longest >= HUGE
    if huge.any():
        text = (
            f"{plural(int(huge.sum()), 'image')} with a side of {HUGE:,} pixels or more: slow to "
            "decode; sightline data pack does it once"
        )
        yield Finding("note", "huge", part, text, alone(part, rows[huge]))
    middle = float(np.median(longest))
    odd = np.maximum(longest / middle, middle / longest) > FAR_SIZE
    if odd.any():
        text = (
            f"{plural(int(odd.sum()), 'image')} over {FAR_SIZE:g} times larger or smaller than "
            f"the median, whose longest side is {middle:g} pixels"
        )
        yield Finding("note", "size", part, text, alone(part, rows[odd]))
    ratio = width / height
    usual = float(np.median(ratio))
    odd = np.maximum(ratio / usual, usual / ratio) > FAR_RATIO
    if odd.any():
        text = (
            f"{plural(int(odd.sum()), 'image')} over {FAR_RATIO:g} times wider or taller in shape "
            f"than the median, which is {usual:.2g} to 1; stretched to one size they distort"
        )
        yield Finding("note", "ratio", part, text, alone(part, rows[odd]))


def decoded_bytes(looks: Looks) -> int:
    """What the readable images take in memory as they are."""
    seen = looks.records
    return int((seen["height"].astype(np.int64) * seen["width"] * seen["channels"]).sum())


def between_parts(
    parts: dict[str, Dataset], looks: dict[str, Looks], free: int
) -> Iterator[Finding]:
    """What is to be said of all pictures together; `free` bytes of memory are free."""
    tops = {
        part: top_of(parts[part], looks[part].highest)
        for part in parts
        if looks[part].readable.any()
    }
    if len(set(tops.values())) > 1:
        said = ", ".join(f"{part} 0 to {top}" for part, top in tops.items())
        yield Finding("problem", "ranges", ", ".join(tops), f"parts differ in value range: {said}")
    needed = sum(decoded_bytes(look) for look in looks.values())
    if needed > memory.SHARE * free:
        text = (
            f"{size_in_words(needed)} when decoded, {size_in_words(free)} of memory free: too much "
            "to be held as it is; a smaller canvas or a pack is read as it goes"
        )
        yield Finding("note", "memory", ", ".join(parts), text)
