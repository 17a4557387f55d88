"""What `sightline.boxes` does, for torch tensors on any device, and the overlaps that losses need.

Decisions are those of the NumPy versions, bit for bit, where boxes and scores are float32.
"""

from sightline.boxes.tensors.geometry import (
    area,
    centers,
    clip,
    complete_iou,
    corners,
    distance_iou,
    generalized_iou,
    iou,
    iou_of_pairs,
)
from sightline.boxes.tensors.suppression import matrix_suppress, soft_suppress, suppress

__all__ = [
    "area",
    "centers",
    "clip",
    "complete_iou",
    "corners",
    "distance_iou",
    "generalized_iou",
    "iou",
    "iou_of_pairs",
    "matrix_suppress",
    "soft_suppress",
    "suppress",
]
