"""Findings on copies: within a part, across parts, and those with different truths."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.data.checking import duplicates
from sightline.data.checking.findings import Finding, Place
from sightline.data.checking.images import flat
from sightline.data.checking.looking import Looks, thumbnails
from sightline.data.dataset import Dataset
from sightline.wording import plural

Groups = list[tuple[Place, ...]]


@dataclass(frozen=True)
class Copies:
    """Groups of images that show the same.

    exact     to the pixel
    near      nearly: compressed, brightened, moved by a pixel; of exact copies only the first is in
    mirrored  left for right
    cut       whether so many images look alike that only the closest were compared
    """

    exact: Groups
    near: Groups
    mirrored: Groups
    cut: bool = False


def copies(parts: dict[str, Dataset], looks: dict[str, Looks]) -> Copies:
    """All copies, over the whole set."""
    records = np.concatenate([looks[part].records for part in parts])
    starts = np.cumsum([0, *(len(dataset) for dataset in parts.values())])
    shows = np.concatenate([~flat(parts[part], looks[part]) for part in parts])
    shows &= records["height"] > 0
    readable = np.flatnonzero(records["height"] > 0)
    exact = [readable[group] for group in duplicates.equal(records["digest"][readable])]
    for group in exact:
        shows[group[1:]] = False
    rows = np.flatnonzero(shows)
    straight, turned, cut = duplicates.proposed(records["print"][rows])

    def shown(which: NDArray[np.int64]) -> NDArray[np.uint8]:
        out = np.empty((len(which), duplicates.SIDE, duplicates.SIDE, 3), np.uint8)
        for dataset, low, high in zip(parts.values(), starts, starts[1:], strict=False):
            inside = (which >= low) & (which < high)
            out[inside] = thumbnails(dataset, which[inside] - low)
        return out

    near = duplicates.confirmed(rows[straight], len(records), shown)
    together = np.arange(len(records))
    for group in near:
        together[group] = group[0]
    turned = turned[together[rows[turned[:, 0]]] != together[rows[turned[:, 1]]]]
    mirrored = duplicates.confirmed(rows[turned], len(records), shown, flipped=True)
    names = list(parts)

    def places(group: NDArray[np.int64]) -> tuple[Place, ...]:
        at = np.searchsorted(starts, group, side="right") - 1
        return tuple((names[k], int(i - starts[k])) for k, i in zip(at, group, strict=True))

    return Copies(
        [places(group) for group in exact],
        [places(group) for group in near],
        [places(group) for group in mirrored],
        cut,
    )


def on_copies(parts: dict[str, Dataset], found: Copies) -> Iterator[Finding]:
    """What copies there are, and which of them matter: across parts, or with another truth."""
    yield from _told(found.exact, "duplicates", "leak", "exact copies", ("warning", "problem"))
    yield from _contradictions(parts, found.exact, "conflict", "problem", "exact copies")
    yield from _told(found.near, "near", "near-leak", "near copies", ("note", "warning"))
    yield from _contradictions(parts, found.near, "near-conflict", "warning", "near copies")
    what = "mirrored copies"
    yield from _told(found.mirrored, "mirrored", "mirrored", what, ("note", "note"))
    if found.cut:
        text = "so many images look alike that only the closest were compared for near copies"
        yield Finding("note", "many-alike", ", ".join(parts), text)


def _told(
    groups: Groups, kind: str, across: str, what: str, severities: tuple[str, str]
) -> Iterator[Finding]:
    """A finding for each combination of parts that groups lie in."""
    by_parts: dict[str, Groups] = {}
    for group in groups:
        by_parts.setdefault(", ".join(dict.fromkeys(part for part, _ in group)), []).append(group)
    for where, those in by_parts.items():
        several = ", " in where
        count = sum(len(group) for group in those)
        text = f"{plural(len(those), 'group')} of {what}, {count:,} images"
        if several:
            text = f"{what} in several parts: {plural(len(those), 'group')}, {count:,} images"
            text += "; a score on them is remembered, not learned" if across != kind else ""
        yield Finding(severities[several], across if several else kind, where, text, tuple(those))


def _contradictions(
    parts: dict[str, Dataset], groups: Groups, kind: str, severity: str, what: str
) -> Iterator[Finding]:
    exact = kind == "conflict"
    odd = [group for group in groups if len({said(parts, at, exact) for at in group}) > 1]
    if odd:
        text = f"{plural(len(odd), 'group')} of {what} with different truths; one of them is wrong"
        where = ", ".join(dict.fromkeys(part for group in odd for part, _ in group))
        yield Finding(severity, kind, where, text, tuple(odd))


def said(parts: dict[str, Dataset], place: Place, boxes: bool = True) -> object:
    """What copies must agree in, as one value; None for truths that are pictures.

    boxes  whether boxes and landmarks count, in whole pixels; of near copies they may differ
    """
    truths, row = parts[place[0]].truths, place[1]
    for column in (truths.label, truths.labels, truths.values):
        if column is not None:
            return np.asarray(column[row]).tobytes()
    if truths.landmarks is not None and truths.boxes is None and boxes:
        return np.rint(truths.landmarks[row]).tobytes()
    if truths.boxes is None or not boxes:
        return None
    truth = truths.boxes.at(row)
    table = np.concatenate([truth["classes"][:, None], np.rint(truth["boxes"])], 1)
    return table[np.lexsort(table.T)].tobytes()
