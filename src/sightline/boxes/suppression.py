"""Of boxes that show the same thing, keep the best: hard, soft and matrix suppression in NumPy.

All work in float32, take ties by index, and without `classes` treat all boxes as of one class.
Boxes without area overlap nothing. What is not finite is refused with a DataError.
"""

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.boxes.overlaps import overlaps, places
from sightline.errors import DataError

Boxes = NDArray[np.float32]
Rows = NDArray[np.int64]
Decay = Literal["linear", "gaussian"]
FIRST, LARGEST = 256, 2048  # boxes that are settled at a time
LN2 = 0.6931471805599453
# of 2 ** -x on [0, 1): the series of exp, to 1e-8
SERIES = tuple((-LN2) ** k / f for k, f in enumerate((1, 1, 2, 6, 24, 120, 720, 5040, 40320)))
POWERS = np.float32(0.5) ** np.arange(121, dtype=np.float32)  # exact


def suppress(
    boxes: Boxes,
    scores: Boxes,
    *,
    iou: float = 0.5,
    classes: ArrayLike | None = None,
    limit: int | None = None,
) -> Rows:
    """Rows (k,) of the boxes to keep, best score first: greedy non-maximum suppression.

    A box goes where a better one that stays, of its class, overlaps it by more than `iou`.

    boxes    (n, 4)
    scores   (n,); a tie is won by the lower row
    classes  (n,) or None: any box may suppress any other
    limit    the most boxes to keep
    """
    boxes, scores, kinds = checked(boxes, scores, classes)
    order = np.argsort(-scores, kind="stable")
    boxes, kinds = boxes[order], kinds[order]  # from here on a lower row is the better box
    place, limit = places(boxes, kinds), len(boxes) if limit is None else limit
    left = np.ones(len(boxes), np.bool_)
    kept: list[Rows] = []
    count, size = 0, FIRST
    while count < limit and left.any():
        stage = np.zeros(len(boxes), np.bool_)
        stage[np.flatnonzero(left)[:size]] = True
        near = place[stage[place]]
        stays = _settled(boxes, kinds, stage, near, iou)
        kept.append(np.flatnonzero(stays))
        count, size = count + len(kept[-1]), min(2 * size, LARGEST)
        left &= ~stage
        rest = place[left[place]]
        if len(rest) and count < limit:
            for _, other, share in overlaps(boxes, kinds, place[stays[place]], rest, iou):
                left[other[share > np.float32(iou)]] = False
    return order[np.concatenate([np.empty(0, np.int64), *kept])[:limit]]


def soft_suppress(
    boxes: Boxes,
    scores: Boxes,
    *,
    decay: Decay = "gaussian",
    sigma: float = 0.5,
    iou: float = 0.3,
    least: float = 0.001,
    classes: ArrayLike | None = None,
    limit: int | None = None,
) -> tuple[Rows, Boxes]:
    """Rows (k,) and lowered scores (k,), best first: Soft-NMS (Bodla et al. 2017).

    The best box is taken, those it overlaps are worth less by it, and so on.

    decay   "linear": (1 - IoU) where IoU > `iou`; "gaussian": exp(-IoU² / `sigma`)
    least   a box worth less, or nothing, is dropped
    classes, limit  as for `suppress`
    """
    boxes, scores, kinds = checked(boxes, scores, classes)
    known_decay(decay)
    place = places(boxes, kinds)
    left, final = scores.copy(), scores.copy()
    lowest = np.float32(max(least, 1e-30))
    known: dict[int, tuple[Rows, Boxes]] = {}  # of the best boxes: which they lower, and to what
    taken: list[int] = []
    while len(left) and len(taken) != limit:
        best = int(np.argmax(left))
        if left[best] < lowest:
            break
        if best not in known:
            alive = left >= lowest
            near = np.flatnonzero(alive)
            near = near[np.argsort(-left[near], kind="stable")[:FIRST]]
            pairs = overlaps(boxes, kinds, np.sort(near), place[alive[place]])
            known = _lowering(pairs, near, lambda part: _factor(part, decay, sigma, iou))
        taken.append(best)
        final[best] = left[best]
        rows, factors = known[best]
        left[rows] *= factors
        left[best] = 0
    best_first = np.array(taken, np.int64)
    return best_first, final[best_first]


def matrix_suppress(
    boxes: Boxes,
    scores: Boxes,
    *,
    decay: Decay = "gaussian",
    sigma: float = 2.0,
    least: float = 0.05,
    classes: ArrayLike | None = None,
    limit: int | None = None,
) -> tuple[Rows, Boxes]:
    """Rows (k,) and lowered scores (k,), best first: Matrix NMS (SOLOv2, Wang et al. 2020, 3.4).

    A score is multiplied by the least, over all better boxes i of the class, of f(IoU with i) /
    f(the most that i itself is overlapped by a better box), f(x) being 1 - x ("linear") or
    exp(-`sigma` x²). A box that lies exactly on a better one lowers no other.

    least, classes, limit  as for `soft_suppress`
    """
    boxes, scores, kinds = checked(boxes, scores, classes)
    known_decay(decay)
    order = np.argsort(-scores, kind="stable")
    scores, boxes, kinds = scores[order], boxes[order], kinds[order]
    place = places(boxes, kinds)
    covered = np.zeros(len(boxes), np.float32)  # the most by which a better box overlaps this one
    for _, worse, share in overlaps(boxes, kinds, place):
        np.maximum.at(covered, worse, share)
    if decay == "gaussian":
        worst = np.zeros(len(boxes), np.float32)
    else:
        worst = np.ones(len(boxes), np.float32)
    for better, worse, share in overlaps(boxes, kinds, place):
        falls = covered[better] < 1
        i, j, part = better[falls], worse[falls], share[falls]
        if decay == "gaussian":
            np.maximum.at(worst, j, part * part - covered[i] * covered[i])
        else:
            np.minimum.at(worst, j, (1 - part) / (1 - covered[i]))
    scores = scores * (exp_of_minus(worst * np.float32(sigma)) if decay == "gaussian" else worst)
    best = np.lexsort((order, -scores))
    best = best[scores[best] >= np.float32(least)][:limit]
    return order[best], scores[best]


def exp_of_minus(x: Boxes) -> Boxes:
    """exp(-x) of (n,) x >= 0, to a few units in the last place.

    By sums and products alone, which are the same on every machine; exp is not, and one bit would
    let NumPy and torch decide otherwise.
    """
    halvings = np.minimum(x * np.float32(1 / LN2), np.float32(120))
    whole = np.floor(halvings)
    part = halvings - whole
    found = np.full_like(part, SERIES[-1])
    for factor in SERIES[-2::-1]:
        found = found * part + np.float32(factor)
    return found * POWERS[whole.astype(np.int64)]


def checked(boxes: Boxes, scores: Boxes, classes: ArrayLike | None) -> tuple[Boxes, Boxes, Rows]:
    """Boxes (n, 4) and scores (n,) as float32, classes (n,); raises DataError."""
    boxes, scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    kinds = np.zeros(len(boxes), np.int64) if classes is None else np.asarray(classes, np.int64)
    if boxes.shape != (len(scores), 4) or kinds.shape != scores.shape:
        raise DataError(
            f"boxes are {boxes.shape}, scores {scores.shape}, classes {kinds.shape}; they should "
            f"be (n, 4), (n,) and (n,)"
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise DataError("a box or a score to suppress by is not a finite number")
    return boxes, scores, kinds


def known_decay(decay: str) -> None:
    if decay not in ("linear", "gaussian"):
        raise DataError(f"unknown decay '{decay}'; there are linear, gaussian")


def _settled(
    boxes: Boxes, kinds: Rows, stage: NDArray[np.bool_], near: Rows, iou: float
) -> NDArray[np.bool_]:
    """(n,) which of a stage's boxes stay.

    In rounds: what no better box threatens stays, what that overlaps goes, until all is settled.
    """
    parts = [np.empty((2, 0), np.int64)]
    for better, worse, share in overlaps(boxes, kinds, near, None, iou):
        falls = share > np.float32(iou)
        parts.append(np.stack([better[falls], worse[falls]]))
    better, worse = np.concatenate(parts, 1)
    stays = stage.copy()
    while len(better):
        threatened = np.zeros(len(boxes), np.bool_)
        threatened[worse] = True
        stays[worse[~threatened[better]]] = False
        open_pairs = stays[better] & stays[worse]
        better, worse = better[open_pairs], worse[open_pairs]
    return stays


def _lowering(
    pairs: Iterable[tuple[Rows, Rows, Boxes]], rows: Rows, factor: Callable[[Boxes], Boxes]
) -> dict[int, tuple[Rows, Boxes]]:
    """By row: the other boxes that it overlaps, and by what it multiplies their scores."""
    parts = [(one, other, factor(share)) for one, other, share in pairs]
    first = np.concatenate([np.empty(0, np.int64), *(part[0] for part in parts)])
    second = np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)])
    factors = np.concatenate([np.empty(0, np.float32), *(part[2] for part in parts)])
    order = np.argsort(first, kind="stable")
    second, factors = second[order], factors[order]
    starts = np.searchsorted(first[order], rows)
    ends = np.searchsorted(first[order], rows, side="right")
    return {
        row: (second[start:end], factors[start:end])
        for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    }


def _factor(share: Boxes, decay: Decay, sigma: float, iou: float) -> Boxes:
    """What is left of a score (n,) after a better box that overlaps it so much."""
    if decay == "gaussian":
        return exp_of_minus(share * share * np.float32(1 / sigma))
    found: Boxes = np.where(share > np.float32(iou), 1 - share, np.float32(1))
    return found
