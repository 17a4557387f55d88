"""What a detector gets wrong at a confidence: confusion with the background, misses, alarms."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.detected import Column, Floats, Ints, pairs
from sightline.metrics.detection import Tables
from sightline.metrics.matching import by_overlap

Kind = Literal["class", "place", "repeat", "background"]
NEAR = 0.1  # below this IoU a box has nothing to do with another (Bolya et al. 2020, TIDE)


@dataclass(frozen=True, eq=False)
class Fault:
    """A true box that was missed, or a predicted one that is a false alarm.

    index       the image, in the data set
    box         (4,) x0, y0, x1, y1
    label       its class
    confidence  of a false alarm; of a miss that of the box it met, 0 where it met none
    met         (4,) the box of the other side that it overlaps most, of its class where one does
                as it should; None below an IoU of 0.1
    met_label   and its class
    overlap     and their IoU
    kind        "class": met well, but of another class; "repeat": met well and of its class, but
                that belongs to another; "place": met, but not well enough; "background": met none
    """

    index: int
    box: tuple[float, ...]
    label: int
    confidence: float
    met: tuple[float, ...] | None
    met_label: int | None
    overlap: float
    kind: Kind


@dataclass(frozen=True, eq=False)
class Faults:
    """Of the predictions of at least `confidence`, taken as right from an IoU of `iou`.

    confusion  (classes + 1, classes + 1) truth x guess; the last row are alarms on the background,
               the last column objects that nothing was said of
    misses     true boxes that no prediction of their class was matched with, the largest first
    alarms     predictions that no truth of their class was matched with, the surest first

    A box is matched once: with one of its class if it can be, what is left with one of any class,
    in falling order of IoU.
    """

    confidence: float
    iou: float
    confusion: Ints
    misses: list[Fault]
    alarms: list[Fault]


def faults(tables: Tables, confidence: float = 0.5, iou: float = 0.5, most: int = 50) -> Faults:
    """The confusion of all, and the worst `most` misses and alarms.

    confidence  in [0, 1]
    iou         in (0, 1]
    """
    said = tables.predictions.kept(tables.predictions.values >= confidence)
    true = tables.truths
    by_image = np.argsort(true.images, kind="stable")
    row, place, share = pairs(
        said.boxes, said.images, true.boxes[by_image], true.images[by_image], NEAR
    )
    truth = by_image[place]
    same = said.classes[row] == true.classes[truth]
    well = share >= iou
    guesses, found = by_overlap((row[well], truth[well], share[well]), same[well])
    right = said.classes[guesses] == true.classes[found]
    confusion = _confusion(said, true, guesses, found, len(tables.classes))
    missed = _others(len(true), found[right])
    alarms = _others(len(said), guesses[right])
    missed = missed[np.argsort(-true.areas[missed], kind="stable")][:most]
    alarms = alarms[np.argsort(-said.values[alarms], kind="stable")][:most]
    score = share + 2.0 * (well & same) + well  # how much a pair tells
    order = np.lexsort((row, -score))
    near = (row[order], truth[order], share[order])
    return Faults(
        confidence,
        iou,
        confusion,
        [_fault(tables, true, t, said, _met(near, 1, t), iou) for t in missed.tolist()],
        [_fault(tables, said, p, true, _met(near, 0, p), iou) for p in alarms.tolist()],
    )


def _confusion(said: Column, true: Column, guesses: Ints, found: Ints, kinds: int) -> Ints:
    confusion = np.zeros((kinds + 1, kinds + 1), np.int64)
    np.add.at(confusion, (true.classes[found], said.classes[guesses]), 1)
    missed = true.classes[_others(len(true), found)]
    alarms = said.classes[_others(len(said), guesses)]
    confusion[:kinds, kinds] = np.bincount(missed, minlength=kinds)
    confusion[kinds, :kinds] = np.bincount(alarms, minlength=kinds)
    return confusion


def _others(n: int, rows: Ints) -> Ints:
    """Of n rows those that are not among these."""
    left = np.ones(n, np.bool_)
    left[rows] = False
    return np.flatnonzero(left)


def _met(near: tuple[Ints, Ints, Floats], side: int, row: int) -> tuple[int, float] | None:
    """The other box that tells most about this one, and their IoU."""
    hits: NDArray[np.intp] = np.flatnonzero(near[side] == row)
    return (int(near[1 - side][hits[0]]), float(near[2][hits[0]])) if len(hits) else None


def _fault(
    tables: Tables,
    of: Column,
    row: int,
    others: Column,
    met: tuple[int, float] | None,
    iou: float,
) -> Fault:
    other, overlap = (-1, 0.0) if met is None else met
    met_label = None if met is None else int(others.classes[other])
    if of is not tables.truths:
        confidence = float(of.values[row])
    else:
        confidence = 0.0 if met is None else float(others.values[other])
    kind: Kind = "class"
    if met is None:
        kind = "background"
    elif overlap < iou:
        kind = "place"
    elif met_label == of.classes[row]:
        kind = "repeat"
    return Fault(
        index=int(tables.indices[of.images[row]]),
        box=tuple(of.boxes[row].tolist()),
        label=int(of.classes[row]),
        confidence=confidence,
        met=None if met is None else tuple(others.boxes[other].tolist()),
        met_label=met_label,
        overlap=overlap,
        kind=kind,
    )
