"""Which boxes overlap at all, found by tiles.

Boxes are put in an order in which neighbors are near in place, size and class, and cut into tiles
of 64. Pairs of tiles whose outlines do not meet are dropped; within the others every box is
compared with every box, many tiles in one operation. Exact, and memory is bounded.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Rows = NDArray[np.int64]
TILE = 64
AT_ONCE = 64  # pairs of tiles: 64 x 64 x 64 floats are a megabyte, which stays in the cache


def places(boxes: Boxes, classes: Rows) -> Rows:
    """(n,) an order of boxes by class, size and place: strips as high as tiles are wide."""
    if len(boxes) <= 2 * TILE:
        return np.arange(len(boxes))
    middle = boxes[:, :2] / 2 + boxes[:, 2:] / 2
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6).max(1)
    strips = max(1.0, (len(boxes) / TILE) ** 0.5)
    low, high = middle[:, 1].min(), middle[:, 1].max()
    strip = np.floor((middle[:, 1] - low) * (strips / max(float(high - low), 1e-6)))
    return np.lexsort((middle[:, 0], strip, np.floor(np.log2(sides)), classes))


def overlaps(
    boxes: Boxes, classes: Rows, first: Rows, second: Rows | None = None, above: float = 0.0
) -> Iterator[tuple[Rows, Rows, Boxes]]:
    """Pairs of a box of `first` and one of `second` that overlap and are of one class, in portions.

    first, second  (k,) (m,) rows of the boxes (n, 4), in the order of `places`; without `second`
                   every pair of two of the first, once, the lower row before the higher
    above          pairs of a lower IoU than this may be left out
    yields         rows (p,) of the first, of the second, and their IoU (p,)
    """
    if not len(first) or (second is not None and not len(second)):
        return
    within = second is None
    rows = _tiled(first)
    tiles, sizes = _cornered(boxes, rows, first), _areas(boxes)
    other_rows, others = rows, tiles
    if second is not None:
        other_rows = _tiled(second)
        others = _cornered(boxes, other_rows, second)
    meet = _meet(tiles, classes[rows], others, classes[other_rows])
    a, b = np.nonzero(np.triu(meet) if within else meet)
    # a union is no smaller than either box, so less shared area than this cannot be enough
    enough = np.maximum(sizes[rows].min(1)[a], sizes[other_rows].min(1)[b])
    enough *= np.float32(max(above, 0.0) * 0.9999)
    for start in range(0, len(a), AT_ONCE):
        i, j = a[start : start + AT_ONCE], b[start : start + AT_ONCE]
        shared = _shared(tiles[i, :, :, None], others[j, :, None, :])
        hits = np.flatnonzero(shared > enough[start : start + AT_ONCE, None, None])
        pair, inside = hits // TILE**2, hits % TILE**2
        found = rows[i[pair], inside // TILE]
        other = other_rows[j[pair], inside % TILE]
        wanted = classes[found] == classes[other]
        if within:
            wanted &= (found < other) | (i != j)[pair]
        found, other, common = found[wanted], other[wanted], shared.reshape(-1)[hits[wanted]]
        share = common / (sizes[found] + sizes[other] - common)
        if within:
            found, other = np.minimum(found, other), np.maximum(found, other)
        yield found, other, share


def _shared(one: Boxes, two: Boxes) -> Boxes:
    """(p, 64, 64) areas that boxes (p, 4, 64, 1) and (p, 4, 1, 64) share; above 0 if they do."""
    shared = np.minimum(one[:, 2], two[:, 2])
    shared -= np.maximum(one[:, 0], two[:, 0])
    np.maximum(shared, 0, out=shared)
    tall = np.minimum(one[:, 3], two[:, 3])
    tall -= np.maximum(one[:, 1], two[:, 1])
    shared *= tall
    return shared


def _areas(boxes: Boxes) -> Boxes:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    found: Boxes = sides[:, 0] * sides[:, 1]
    return found


def _tiled(rows: Rows) -> Rows:
    """(tiles, 64) rows; the last one fills up the last tile."""
    missing = -len(rows) % TILE
    return np.concatenate([rows, np.repeat(rows[-1:], missing)]).reshape(-1, TILE)


def _cornered(boxes: Boxes, rows: Rows, of: Rows) -> Boxes:
    """(tiles, 4, 64) corners; what fills up has no area, and lies where the last box begins."""
    found = boxes[rows].transpose(0, 2, 1).copy()
    missing = rows.size - len(of)
    if missing:
        found[-1, 2:, -missing:] = found[-1, :2, -missing:]
    return found


def _meet(tiles: Boxes, classes: Rows, others: Boxes, other_classes: Rows) -> NDArray[np.bool_]:
    """(tiles, others) whether two tiles have a class in common, perhaps, and outlines that meet."""
    low, high = tiles[:, :2].min(2), tiles[:, 2:].max(2)
    other_low, other_high = others[:, :2].min(2), others[:, 2:].max(2)
    least, most = classes.min(1), classes.max(1)
    other_least, other_most = other_classes.min(1), other_classes.max(1)
    found: NDArray[np.bool_] = (
        (low[:, None] < other_high).all(2)
        & (other_low < high[:, None]).all(2)
        & (least[:, None] <= other_most)
        & (other_least <= most[:, None])
    )
    return found
