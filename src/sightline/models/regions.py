"""Regions of a map: cut out at one size, and sampled for a loss.

He, Gkioxari, Dollár and Girshick 2017, "Mask R-CNN", section 3 (RoIAlign).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

POINTS = 2  # along each side of a bin, at which the map is read


def align(map_: Tensor, boxes: Tensor, stride: int, side: int) -> Tensor:
    """(m, c, side, side): a map (c, h, w) read bilinearly within boxes (m, 4), each divided into
    side x side bins of which each is the mean of 2x2 points.

    stride  pixels of the boxes to one place of the map, whose middle is at half a stride; beyond
            its middles at the edge the map goes on as it is there
    """
    if not len(boxes):
        return map_.new_zeros(0, map_.shape[0], side, side)
    count, (height, width) = side * POINTS, map_.shape[-2:]
    steps = (torch.arange(count, device=boxes.device, dtype=boxes.dtype) + 0.5) / count
    low, spread = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    at = low[:, None] + steps[None, :, None] * spread[:, None]  # (m, count, 2)
    at = at / (stride * boxes.new_tensor([width, height])) * 2 - 1
    x = at[:, None, :, 0].expand(-1, count, -1)
    y = at[:, :, None, 1].expand(-1, -1, count)
    grid = torch.stack([x, y], -1).reshape(1, -1, count, 2).to(map_.dtype)
    read = F.grid_sample(map_[None], grid, padding_mode="border", align_corners=False)
    bins = F.avg_pool2d(read[0], POINTS)  # (c, m * side, side)
    return bins.unflatten(1, (len(boxes), side)).transpose(0, 1)


def sampled(labels: Tensor, count: int, objects: float) -> Tensor:
    """Rows (k,) of at most `count` labels, drawn at random: at most this share of them above 0,
    the rest 0; labels below 0 are left out."""
    found = _some(torch.nonzero(labels > 0)[:, 0], round(count * objects))
    return torch.cat([found, _some(torch.nonzero(labels == 0)[:, 0], count - len(found))])


def _some(rows: Tensor, count: int) -> Tensor:
    if len(rows) <= count:
        return rows
    return rows[torch.randperm(len(rows), device=rows.device)[:count]]
