"""Detection: boxes with classes and confidences against true boxes.

Figures as pycocotools gives them (tests hold them to 1e-9), and as the VOC development kit defines
its own. Truths are all asked for: flags for difficult objects and crowds are not kept by our data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sightline.metrics import matching
from sightline.metrics.average_precision import coco_precision, voc_precision
from sightline.metrics.detected import Column, Floats, Ints, Portion, column
from sightline.metrics.meter import Meter
from sightline.types import Annotation

IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
MOST = 100  # boxes of an image and class that count


class DetectionMeter(Meter):
    """Mean average precision and recall. Predictions need boxes, classes and confidence.

    The size of an object is its mask's area where truths have instances, else its box's. A class
    without truths enters no mean.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._predictions: list[Portion] = []
        self._truths: list[Portion] = []
        self._tables: Tables | None = None

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        """Raises DataError where a box or confidence is not finite."""
        assert all(p.confidence is not None for p in predictions)
        said = Portion.of(predictions, indices, len(self.classes))
        true = Portion.of(truths, indices, len(self.classes))
        self._predictions.append(said)
        self._truths.append(true)
        self._tables = None

    def merge(self, other: Self) -> None:
        """The order of merging changes nothing: images are taken in that of the set."""
        self._predictions += other._predictions
        self._truths += other._truths
        self._tables = None

    @property
    def tables(self) -> "Tables":
        """Everything that can be said about what was taken in so far."""
        if self._tables is None:
            predictions, indices = column(self._predictions, best_first=True)
            truths, _ = column(self._truths, best_first=False)
            self._tables = Tables(self.classes, predictions, truths, indices)
        return self._tables

    def result(self) -> dict[str, float]:
        """All are means over classes that have truths; nan where there are none.

        map, map50, map75   COCO's, over IoU .5 to .95, at .5, at .75
        map_small, _medium, _large  of truths below 32², up to 96² and above (px²); where there are
        ar1, ar10, ar100    recall, over IoU .5 to .95, by at most so many boxes an image and class
        ar_small, …         by at most 100
        recall              at IoU .5, by at most 100
        voc, voc11          VOC's at IoU .5: under all points, and by 11
        images
        """
        tables = self.tables
        ap, recalls = tables.precisions, tables.recalls
        out = {
            "map": _mean(ap[:, 0]),
            "map50": _mean(ap[0, 0]),
            "map75": _mean(ap[5, 0]),
            "recall": _mean(recalls[0, 0, :, 2]),
        }
        out |= {f"ar{n}": _mean(recalls[:, 0, :, i]) for i, n in enumerate((1, 10, 100))}
        for i, size in enumerate(AREAS):
            if i and not np.isnan(ap[:, i]).all():
                out[f"map_{size}"] = _mean(ap[:, i])
                out[f"ar_{size}"] = _mean(recalls[:, i, :, 2])
        out |= {"voc": _mean(tables.voc[:, 1]), "voc11": _mean(tables.voc[:, 0])}
        return out | {"images": float(len(tables.indices))}


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall of a class at every confidence that was given, falling; all (m,)."""

    confidence: Floats
    precision: Floats
    recall: Floats

    @property
    def f1(self) -> Floats:
        both = self.precision + self.recall
        found: Floats = 2 * self.precision * self.recall / np.where(both > 0, both, 1)
        return found


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """One line of the table by class; nan where it has no truths. The curve is at IoU .5."""

    name: str
    truths: int
    predictions: int
    map: float
    map50: float
    map75: float
    recall: float
    voc: float
    voc11: float
    curve: Curve


@dataclass(frozen=True, eq=False)
class Tables:
    """Figures of a set by IoU, size and class.

    indices      (n,) of the images in the data set, ascending
    """

    classes: tuple[str, ...]
    predictions: Column
    truths: Column
    indices: Ints

    @cached_property
    def precisions(self) -> Floats:
        """(ious, sizes, classes) average precision."""
        right, counted = self._judged
        found = np.full((len(IOUS), len(AREAS), len(self.classes)), np.nan)
        for k, rows in enumerate(self._by_class):
            if not self._wanted[0, k]:
                continue
            rows = rows[self.predictions.ranks[rows] < MOST]  # noqa: PLW2901
            truths = np.tile(self._wanted[:, k], len(IOUS))
            hits, judged = (x[:, :, rows].reshape(len(truths), -1) for x in (right, counted))
            found[:, :, k] = coco_precision(hits, judged, truths).reshape(len(IOUS), -1)
        return found

    @cached_property
    def recalls(self) -> Floats:
        """(ious, sizes, classes, 3) shares of the truths found by 1, 10 and 100 boxes at most."""
        right, _ = self._judged
        found = np.full((len(IOUS), len(AREAS), len(self.classes), 3), np.nan)
        wanted = np.where(self._wanted > 0, self._wanted, np.nan)
        starts = np.searchsorted(self.predictions.classes, np.arange(len(self.classes) + 1))
        for i, most in enumerate((1, 10, MOST)):
            hits = np.zeros((*right.shape[:2], right.shape[2] + 1), np.int32)
            np.cumsum(right & (self.predictions.ranks < most), 2, out=hits[:, :, 1:])
            found[..., i] = np.diff(hits[:, :, starts], axis=2) / wanted
        return found

    @cached_property
    def voc(self) -> Floats:
        """(classes, 2) VOC's average precision at IoU .5, by 11 points and under all."""
        order = np.concatenate([np.empty(0, np.int64), *self._by_class])
        right = matching.voc(self._pairs, order, len(self.predictions))
        found = np.full((len(self.classes), 2), np.nan)
        for k, rows in enumerate(self._by_class):
            if self._truths_of[k]:
                found[k] = voc_precision(right[rows], int(self._truths_of[k]))
        return found

    def by_class(self) -> list[ClassFigures]:
        """A line a class, in the order of classes."""
        ap = self.precisions[:, 0]
        return [
            ClassFigures(
                name,
                truths=int(self._truths_of[k]),
                predictions=len(self._by_class[k]),
                map=float(ap[:, k].mean()),
                map50=float(ap[0, k]),
                map75=float(ap[5, k]),
                recall=float(self.recalls[0, 0, k, 2]),
                voc=float(self.voc[k, 1]),
                voc11=float(self.voc[k, 0]),
                curve=self.curve(k),
            )
            for k, name in enumerate(self.classes)
        ]

    def curve(self, kind: int, iou: int = 0) -> Curve:
        """Of one class, at one of IOUS; equal confidences are one point."""
        right, counted = (x[iou, 0] for x in self._judged)
        rows = self._by_class[kind]
        rows = rows[counted[rows]]
        falling = self.predictions.values[rows]
        last = np.flatnonzero(np.diff(falling, append=-np.inf))
        hits = np.cumsum(right[rows])[last]
        total = self._truths_of[kind]
        return Curve(falling[last], hits / (last + 1), hits / total if total else hits * np.nan)

    @cached_property
    def _pairs(self) -> matching.Pairs:
        return matching.of_one_class(
            self.predictions, self.truths, max(1, len(self.indices)), float(IOUS[0])
        )

    @cached_property
    def _judged(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(ious, sizes, predictions) hits; hits and false alarms."""
        row, truth, share = self._pairs
        near = self.predictions.ranks[row] < MOST
        ignored = ~np.stack([_within(self.truths.values, *bounds) for bounds in AREAS.values()])
        right, aside = matching.coco(
            (row[near], truth[near], share[near]), IOUS, ignored, len(self.predictions)
        )
        sized = np.stack([_within(self.predictions.areas, *bounds) for bounds in AREAS.values()])
        return right, (right | (sized & ~aside)) & (self.predictions.ranks < MOST)

    @cached_property
    def _wanted(self) -> Ints:
        """(sizes, classes) truths that count."""
        found = [
            np.bincount(
                self.truths.classes[_within(self.truths.values, *bounds)],
                minlength=len(self.classes),
            )
            for bounds in AREAS.values()
        ]
        return np.stack(found)

    @cached_property
    def _truths_of(self) -> Ints:
        """(classes,)"""
        return np.bincount(self.truths.classes, minlength=len(self.classes))

    @cached_property
    def _by_class(self) -> list[Ints]:
        """Rows of the predictions of each class in falling order of confidence."""
        order = np.lexsort((-self.predictions.values, self.predictions.classes))
        ends = np.searchsorted(self.predictions.classes, np.arange(1, len(self.classes)))
        return np.split(order, ends)


def _within(areas: Floats, low: float, high: float) -> NDArray[np.bool_]:
    return (areas >= low) & (areas <= high)


def _mean(values: Floats) -> float:
    """Over what is a number; nan where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
