"""Of boxes that show the same thing, keep the best: `sightline.boxes.suppression` for tensors.

All work in float32 on the boxes' device and decide as the NumPy versions do; see there for what
each means. Soft suppression, where each step waits for the last, is NumPy's own.
"""

import torch
from torch import Tensor

from sightline.boxes import suppression
from sightline.boxes.suppression import (
    FIRST,
    LARGEST,
    LN2,
    POWERS,
    SERIES,
    Decay,
    known_decay,
)
from sightline.boxes.tensors.overlaps import overlaps, places
from sightline.errors import DataError


def suppress(
    boxes: Tensor,
    scores: Tensor,
    *,
    iou: float = 0.5,
    classes: Tensor | None = None,
    limit: int | None = None,
) -> Tensor:
    """Rows (k,) of the boxes to keep, best score first: greedy non-maximum suppression.

    A box goes where a better one that stays, of its class, overlaps it by more than `iou`.

    boxes    (n, 4)
    scores   (n,); a tie is won by the lower row
    classes  (n,) or None: any box may suppress any other
    limit    the most boxes to keep
    """
    boxes, scores, kinds = _checked(boxes, scores, classes)
    order = torch.argsort(-scores, stable=True)
    boxes, kinds = boxes[order], kinds[order]  # from here on a lower row is the better box
    place, limit = places(boxes, kinds), len(boxes) if limit is None else limit
    left = torch.ones_like(kinds, dtype=torch.bool)
    kept = [order[:0]]
    count, size = 0, FIRST
    while count < limit and bool(left.any()):
        stage = torch.zeros_like(left)
        stage[torch.nonzero(left)[:size, 0]] = True
        stays = _settled(boxes, kinds, stage, place[stage[place]], iou)
        kept.append(torch.nonzero(stays)[:, 0])
        count, size = count + len(kept[-1]), min(2 * size, LARGEST)
        left &= ~stage
        rest = place[left[place]]
        if count < limit:
            for _, other, share in overlaps(boxes, kinds, place[stays[place]], rest, iou):
                left[other[share > iou]] = False
    return order[torch.cat(kept)[:limit]]


def soft_suppress(
    boxes: Tensor,
    scores: Tensor,
    *,
    decay: Decay = "gaussian",
    sigma: float = 0.5,
    iou: float = 0.3,
    least: float = 0.001,
    classes: Tensor | None = None,
    limit: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Rows (k,) and lowered scores (k,), best first: Soft-NMS (Bodla et al. 2017).

    The best box is taken, those it overlaps are worth less by it, and so on.

    decay   "linear": (1 - IoU) where IoU > `iou`; "gaussian": exp(-IoU² / `sigma`)
    least   a box worth less, or nothing, is dropped
    classes, limit  as for `suppress`
    """
    known_decay(decay)
    boxes, scores, kinds = _checked(boxes, scores, classes)
    rows, lowered = suppression.soft_suppress(
        boxes.cpu().numpy(),
        scores.cpu().numpy(),
        decay=decay,
        sigma=sigma,
        iou=iou,
        least=least,
        classes=None if classes is None else kinds.cpu().numpy(),
        limit=limit,
    )
    return torch.from_numpy(rows).to(boxes.device), torch.from_numpy(lowered).to(boxes.device)


def matrix_suppress(
    boxes: Tensor,
    scores: Tensor,
    *,
    decay: Decay = "gaussian",
    sigma: float = 2.0,
    least: float = 0.05,
    classes: Tensor | None = None,
    limit: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Rows (k,) and lowered scores (k,), best first: Matrix NMS (SOLOv2, Wang et al. 2020, 3.4).

    A score is multiplied by the least, over all better boxes i of the class, of f(IoU with i) /
    f(the most that i itself is overlapped by a better box), f(x) being 1 - x ("linear") or
    exp(-`sigma` x²). A box that lies exactly on a better one lowers no other.

    least, classes, limit  as for `soft_suppress`
    """
    boxes, scores, kinds = _checked(boxes, scores, classes)
    known_decay(decay)
    order = torch.argsort(-scores, stable=True)
    scores, boxes, kinds = scores[order], boxes[order], kinds[order]
    place = places(boxes, kinds)
    covered = torch.zeros_like(scores)  # the most by which a better box overlaps this one
    for _, worse, share in overlaps(boxes, kinds, place):
        covered.scatter_reduce_(0, worse, share, "amax")
    worst = torch.zeros_like(scores) if decay == "gaussian" else torch.ones_like(scores)
    for better, worse, share in overlaps(boxes, kinds, place):
        falls = covered[better] < 1
        i, j, part = better[falls], worse[falls], share[falls]
        if decay == "gaussian":
            worst.scatter_reduce_(0, j, part * part - covered[i] * covered[i], "amax")
        else:
            worst.scatter_reduce_(0, j, (1 - part) / (1 - covered[i]), "amin")
    scores = scores * (_exp_of_minus(worst * sigma) if decay == "gaussian" else worst)
    best = torch.argsort(order, stable=True)
    best = best[torch.argsort(-scores[best], stable=True)]
    best = best[scores[best] >= least][:limit]
    return order[best], scores[best]


def _exp_of_minus(x: Tensor) -> Tensor:
    """exp(-x) of (n,) x >= 0 by the sums and products that NumPy's version makes."""
    halvings = (x * (1 / LN2)).clamp(max=120)
    whole = torch.floor(halvings)
    part = halvings - whole
    found = torch.full_like(part, SERIES[-1])
    for factor in SERIES[-2::-1]:
        found = found * part
        found += factor
    return found * torch.from_numpy(POWERS).to(x.device)[whole.long()]


def _checked(
    boxes: Tensor, scores: Tensor, classes: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (n, 4) and scores (n,) as float32, classes (n,); raises DataError."""
    boxes, scores = boxes.detach().float(), scores.detach().float()
    kinds = torch.zeros_like(scores, dtype=torch.int64) if classes is None else classes.long()
    if boxes.shape != (len(scores), 4) or kinds.shape != scores.shape:
        raise DataError(
            f"boxes are {tuple(boxes.shape)}, scores {tuple(scores.shape)}, classes "
            f"{tuple(kinds.shape)}; they should be (n, 4), (n,) and (n,)"
        )
    if not bool(boxes.isfinite().all() & scores.isfinite().all()):
        raise DataError("a box or a score to suppress by is not a finite number")
    return boxes, scores, kinds


def _settled(boxes: Tensor, kinds: Tensor, stage: Tensor, near: Tensor, iou: float) -> Tensor:
    """(n,) which of a stage's boxes stay.

    In rounds: what no better box threatens stays, what that overlaps goes, until all is settled.
    """
    parts = [near.new_empty((2, 0))]
    for better, worse, share in overlaps(boxes, kinds, near, None, iou):
        falls = share > iou
        parts.append(torch.stack([better[falls], worse[falls]]))
    better, worse = torch.cat(parts, 1)
    stays = stage.clone()
    while len(better):
        threatened = torch.zeros_like(stage)
        threatened[worse] = True
        stays[worse[~threatened[better]]] = False
        open_pairs = stays[better] & stays[worse]
        better, worse = better[open_pairs], worse[open_pairs]
    return stays
