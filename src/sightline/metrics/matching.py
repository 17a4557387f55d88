"""Which predicted box is said to be which true one: as COCO, as VOC and by overlap alone."""

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.detected import Column, Floats, Ints, pairs

Bools = NDArray[np.bool_]
Pairs = tuple[Ints, Ints, Floats]


def of_one_class(predictions: Column, truths: Column, images: int, least: float) -> Pairs:
    """Rows of predictions and truths of the same image and class, and IoU, at least `least`."""
    keys = predictions.classes * images + predictions.images
    return pairs(
        predictions.boxes, keys, truths.boxes, truths.classes * images + truths.images, least
    )


def coco(found: Pairs, ious: Floats, ignored: Bools, predictions: int) -> tuple[Bools, Bools]:
    """COCO's matching: from the best confidence down, each takes the free truth it overlaps most.

    One that is asked for comes before one that is ignored; of equals the later is taken.

    found    pairs in rows that go from the best confidence down in each image and class
    ious     (t,) thresholds, ascending; no pair has less than the first
    ignored  (a, truths) which truths do not count, in each of a ranges of size
    returns  (t, a, predictions) matched with a truth that counts, with one that does not

    What no pair in common with an earlier prediction has is settled at once, in rounds.
    """
    order = np.lexsort((found[1], found[2], found[0]))
    row, truth, share = (part[order] for part in found)
    t, a = len(ious), len(ignored)
    right, aside = (np.zeros((t, a, predictions), np.bool_) for _ in range(2))
    taken = np.zeros((t, a, ignored.shape[1]), np.bool_)
    first = np.empty(ignored.shape[1], np.int64)
    while len(row):
        first[truth[::-1]] = row[::-1]  # the last to be written stays: the earliest prediction
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        ready = np.logical_and.reduceat(first[truth] == row, starts)
        now = np.repeat(ready, np.diff(starts, append=len(row)))
        i, j, overlap = row[now], truth[now], share[now]
        heads = np.flatnonzero(np.diff(i, prepend=-1))
        free = ~taken[:, :, j] & (overlap >= np.minimum(ious, 1 - 1e-10)[:, None, None])
        # by place among the pairs, the last is the best; what counts lies above what does not
        worth = np.arange(1, len(i) + 1, dtype=np.int32) + np.int32(len(i)) * ~ignored[:, j]
        best = np.maximum.reduceat(np.where(free, worth, 0), heads, axis=2)  # (t, a, ready)
        at = np.nonzero(best)
        choice = best[at]
        counts = choice > len(i)
        chosen = i[heads][at[2]]
        right[at[0], at[1], chosen], aside[at[0], at[1], chosen] = counts, ~counts
        taken[at[0], at[1], j[np.where(counts, choice - len(i), choice) - 1]] = True
        row, truth, share = row[~now], truth[~now], share[~now]
    return right, aside


def voc(found: Pairs, order: Ints, predictions: int) -> Bools:
    """(predictions,) VOC's matching: each goes with the truth that it overlaps most, of equals the
    first; the first to go with a truth, in this order of all predictions, is right."""
    row, truth, share = found
    by_share = np.lexsort((truth, -share, row))
    row, truth = row[by_share], truth[by_share]
    heads = np.flatnonzero(np.diff(row, prepend=-1))
    row, truth = row[heads], truth[heads]
    place = np.empty(predictions, np.int64)
    place[order] = np.arange(predictions)
    earliest = np.lexsort((place[row], truth))
    row, truth = row[earliest], truth[earliest]
    right = np.zeros(predictions, np.bool_)
    right[row[np.diff(truth, prepend=-1) != 0]] = True
    return right


def by_overlap(found: Pairs, same: Bools) -> tuple[Ints, Ints]:
    """Rows of predictions and of truths that go together, each used once.

    Pairs of the same class come first, then the rest, each in falling order of IoU; of equals the
    earlier prediction, then the earlier truth.
    """
    order = np.lexsort((found[1], found[0], -found[2], ~same))
    row, truth = found[0][order], found[1][order]
    rows, truths = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    while len(row):  # what is first of both its boxes' pairs is taken at once
        place = np.arange(len(row))
        first, first_truth = np.empty(row.max() + 1, int), np.empty(truth.max() + 1, int)
        first[row[::-1]], first_truth[truth[::-1]] = place[::-1], place[::-1]
        chosen = (first[row] == place) & (first_truth[truth] == place)
        rows.append(row[chosen])
        truths.append(truth[chosen])
        left = ~(np.isin(row, rows[-1]) | np.isin(truth, truths[-1]))
        row, truth = row[left], truth[left]
    return np.concatenate(rows), np.concatenate(truths)
