"""Boxes as arrays: how much they overlap, their shapes, and suppression of those that repeat.

A box is x0, y0, x1, y1 in continuous pixels (see `sightline.types`). `sightline.boxes.tensors` has
the same names for torch tensors, on any device, and makes the same decisions, bit for bit, where
boxes and scores are float32.
"""

from sightline.boxes.geometry import area, centers, clip, corners, iou
from sightline.boxes.suppression import matrix_suppress, soft_suppress, suppress

__all__ = [
    "area",
    "centers",
    "clip",
    "corners",
    "iou",
    "matrix_suppress",
    "soft_suppress",
    "suppress",
]
