"""Area, overlap and the two ways to write a box, for tensors; with gradients."""

import math

import torch
from torch import Tensor

from sightline.types import Size

TINY = 1e-7  # keeps a division by nothing, and its gradient, a number


def area(boxes: Tensor) -> Tensor:
    """(...,) areas of (..., 4) boxes; 0 where a box ends before it begins."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (n, m) in [0, 1] of boxes (n, 4) and (m, 4); 0 without an area."""
    return iou_of_pairs(first[:, None], second[None])


def iou_of_pairs(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (...,) of boxes (..., 4) and (..., 4), which broadcast."""
    return _shares(first, second)[0]


def generalized_iou(first: Tensor, second: Tensor) -> Tensor:
    """GIoU (...,) in [-1, 1] of boxes (..., 4) and (..., 4), which broadcast.

    IoU less the share of the box around both that neither covers (Rezatofighi et al. 2019);
    1 - GIoU is a loss that pulls boxes together that do not overlap.
    """
    share, union = _shares(first, second)
    around = area(_around(first, second))
    return share - (around - union) / around.clamp(min=TINY)


def distance_iou(first: Tensor, second: Tensor) -> Tensor:
    """DIoU (...,) in [-1, 1] of boxes (..., 4) and (..., 4), which broadcast.

    IoU less (distance of the centers / diagonal of the box around both)² (Zheng et al. 2020).
    """
    share, _ = _shares(first, second)
    around = _around(first, second)
    diagonal = ((around[..., 2:] - around[..., :2]) ** 2).sum(-1)
    apart = (first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]) / 2
    return share - (apart**2).sum(-1) / diagonal.clamp(min=TINY)


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """CIoU (...,) of boxes (..., 4) and (..., 4), which broadcast: DIoU less a term of shape.

    The term is a v, v = 4 / pi² (difference of atan(width / height))², a = v / (1 - IoU + v),
    through which no gradient runs (Zheng et al. 2020).
    """
    share, _ = _shares(first, second)
    turn = _slant(first) - _slant(second)
    v = 4 / math.pi**2 * turn**2
    with torch.no_grad():
        weight = v / (1 - share + v).clamp(min=TINY)
    return distance_iou(first, second) - weight * v


def clip(boxes: Tensor, size: Size) -> Tensor:
    """Boxes (..., 4) cut off at the edges of an image; one wholly outside is left without area."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)


def centers(boxes: Tensor) -> Tensor:
    """Corners (..., 4) to center x, center y, width, height (..., 4)."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes[..., :2] + sides / 2, sides], -1)


def corners(boxes: Tensor) -> Tensor:
    """Center x, center y, width, height (..., 4) to corners (..., 4)."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)


def _shares(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU (...,) and union (...,)."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    sides = (high - low).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    union = area(first) + area(second) - shared
    return shared / torch.where(shared > 0, union, 1), union


def _around(first: Tensor, second: Tensor) -> Tensor:
    """The smallest box (..., 4) around both."""
    low = torch.minimum(first[..., :2], second[..., :2])
    return torch.cat([low, torch.maximum(first[..., 2:], second[..., 2:])], -1)


def _slant(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=TINY)
    return torch.atan2(sides[..., 0], sides[..., 1])
