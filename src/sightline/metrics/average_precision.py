"""Average precision from boxes that are right or wrong: COCO's 101 points, VOC's 11 and all."""

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.detected import Floats, Ints

Bools = NDArray[np.bool_]
RECALLS = np.linspace(0.0, 1.0, 101)


def coco_precision(right: Bools, counted: Bools, truths: Ints) -> Floats:
    """(rows,) the mean of the precision at 101 recalls, each the best at that recall or above.

    right    (rows, n) predictions of a class in falling order of confidence: hits
    counted  (rows, n) hits and false alarms; the rest is ignored
    truths   (rows,) how many there are to find; nan where there are none
    """
    rows, n = right.shape
    if not n:
        return np.where(truths > 0, 0.0, np.nan)
    hits = np.cumsum(right, 1)
    # as pycocotools has it: the last bit of precision depends on it
    precision = hits / (np.cumsum(counted, 1) + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    total = np.maximum(truths, 1)[:, None]
    needed = np.maximum(np.floor(RECALLS * total).astype(np.int64) - 1, 0)  # (rows, 101)
    for _ in range(3):
        needed += needed / total < RECALLS
    shift = np.arange(rows)[:, None] * (n + 101 + total.max())  # one row's hits above another's
    at = np.searchsorted((hits + shift).reshape(-1), (needed + shift).reshape(-1))
    at = at.reshape(needed.shape) - np.arange(rows)[:, None] * n
    points = np.take_along_axis(best, np.minimum(at, n - 1), 1)
    found: Floats = np.where(at < n, points, 0.0).mean(1)
    found[truths == 0] = np.nan
    return found


def voc_precision(right: Bools, truths: int) -> tuple[float, float]:
    """VOC's average precision of a class: by 11 points (to 2009) and under all (from 2010).

    right    (n,) hits, in falling order of confidence
    truths   how many there are to find, at least 1

    The points are recalls of at least i / 10, compared as whole numbers.
    """
    if not len(right):
        return 0.0, 0.0
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(10 * hits, np.arange(11) * truths)
    eleven = float(np.append(best, 0.0)[at].sum()) / 11
    return eleven, float(best[right].sum()) / truths
