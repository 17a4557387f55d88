"""Which boxes overlap at all, found by tiles: `sightline.boxes.overlaps` for tensors."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sightline.boxes.overlaps import AT_ONCE, TILE

AT_ONCE_ON_DEVICE = 2048  # pairs of tiles: 32 megabytes an operation


def places(boxes: Tensor, classes: Tensor) -> Tensor:
    """(n,) an order of boxes by class, size and place: strips as high as tiles are wide."""
    if len(boxes) <= 2 * TILE:
        return torch.arange(len(boxes), device=boxes.device)
    middle = boxes[:, :2] / 2 + boxes[:, 2:] / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6).amax(1)
    strips = max(1.0, (len(boxes) / TILE) ** 0.5)
    low, high = middle[:, 1].amin(), middle[:, 1].amax()
    strip = torch.floor((middle[:, 1] - low) * (strips / (high - low).clamp(min=1e-6)))
    order = torch.argsort(middle[:, 0], stable=True)
    for key in (strip, torch.floor(torch.log2(sides)), classes):
        order = order[torch.argsort(key[order], stable=True)]
    return order


def overlaps(
    boxes: Tensor,
    classes: Tensor,
    first: Tensor,
    second: Tensor | None = None,
    above: float = 0.0,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
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
    a, b = torch.nonzero(torch.triu(meet) if within else meet, as_tuple=True)
    # a union is no smaller than either box, so less shared area than this cannot be enough
    enough = torch.maximum(sizes[rows].amin(1)[a], sizes[other_rows].amin(1)[b])
    enough = enough * (max(above, 0.0) * 0.9999)
    at_once = AT_ONCE if boxes.device.type == "cpu" else AT_ONCE_ON_DEVICE
    for start in range(0, len(a), at_once):
        i, j = a[start : start + at_once], b[start : start + at_once]
        shared = _shared(tiles[i, :, :, None], others[j, :, None, :])
        least = enough[start : start + at_once, None, None]
        pair, one, two = torch.nonzero(shared > least, as_tuple=True)
        found, other = rows[i[pair], one], other_rows[j[pair], two]
        common = shared[pair, one, two]
        wanted = classes[found] == classes[other]
        if within:
            wanted &= (found < other) | (i != j)[pair]
        found, other, common = found[wanted], other[wanted], common[wanted]
        share = common / (sizes[found] + sizes[other] - common)
        if within:
            found, other = torch.minimum(found, other), torch.maximum(found, other)
        yield found, other, share


def _shared(one: Tensor, two: Tensor) -> Tensor:
    """(p, 64, 64) areas that boxes (p, 4, 64, 1) and (p, 4, 1, 64) share; above 0 if they do."""
    shared = torch.minimum(one[:, 2], two[:, 2])
    shared -= torch.maximum(one[:, 0], two[:, 0])
    shared.clamp_(min=0)
    tall = torch.minimum(one[:, 3], two[:, 3])
    tall -= torch.maximum(one[:, 1], two[:, 1])
    shared *= tall
    return shared


def _areas(boxes: Tensor) -> Tensor:
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return sides[:, 0] * sides[:, 1]


def _tiled(rows: Tensor) -> Tensor:
    """(tiles, 64) rows; the last one fills up the last tile."""
    missing = -len(rows) % TILE
    return torch.cat([rows, rows[-1:].expand(missing)]).reshape(-1, TILE)


def _cornered(boxes: Tensor, rows: Tensor, of: Tensor) -> Tensor:
    """(tiles, 4, 64) corners; what fills up has no area, and lies where the last box begins."""
    found = boxes[rows].permute(0, 2, 1).contiguous()
    missing = rows.numel() - len(of)
    if missing:
        found[-1, 2:, -missing:] = found[-1, :2, -missing:]
    return found


def _meet(tiles: Tensor, classes: Tensor, others: Tensor, other_classes: Tensor) -> Tensor:
    """(tiles, others) whether two tiles have a class in common, perhaps, and outlines that meet."""
    low, high = tiles[:, :2].amin(2), tiles[:, 2:].amax(2)
    other_low, other_high = others[:, :2].amin(2), others[:, 2:].amax(2)
    return (
        (low[:, None] < other_high).all(2)
        & (other_low < high[:, None]).all(2)
        & (classes.amin(1)[:, None] <= other_classes.amax(1))
        & (other_classes.amin(1) <= classes.amax(1)[:, None])
    )
