"""Pixels, boxes, masks and points through matrices, as arrays.

Coordinates are continuous (a pixel is a unit square).
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.data.boxes import Boxes, Instances
from sightline.instances import of_mask
from sightline.types import Size

Border = Literal["mirror", "edge", "gray"]  # what lies outside a canvas
Matrices = NDArray[np.float64]  # (n, 2, 3)
Keep = float | Literal["center"]  # which boxes stay: see moved_boxes
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom
BORDERS = {
    "mirror": cv2.BORDER_REFLECT,
    "edge": cv2.BORDER_REPLICATE,
    "gray": cv2.BORDER_CONSTANT,
}


def warped_arrays(
    source: NDArray[np.uint8],
    matrices: Matrices,
    size: Size,
    border: Border,
    fill: int,
    how: int = cv2.INTER_LINEAR,
) -> NDArray[np.uint8]:
    """(n, h, w[, c]) uint8 by OpenCV; what shrinks by more than two is averaged down first.

    fill  the value outside, for the border gray
    """
    out = np.empty((len(source), *size, *source.shape[3:]), np.uint8)
    scales = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    for pixels, matrix, scale, target in zip(source, matrices, scales, out, strict=True):
        shrunk, moved, left = pixels, matrix.copy(), scale
        while how == cv2.INTER_LINEAR and left < 0.5 and min(shrunk.shape[:2]) > 1:
            height, width = shrunk.shape[:2]
            half = (max(1, width // 2), max(1, height // 2))
            shrunk = cv2.resize(shrunk, half, interpolation=cv2.INTER_AREA)
            moved[:, 0] *= width / half[0]
            moved[:, 1] *= height / half[1]
            left *= 2.0
        # OpenCV counts pixel centers from 0, we from .5.
        moved[:, 2] += moved[:, :2].sum(1) * 0.5 - 0.5
        warped = cv2.warpAffine(
            shrunk,
            moved,
            (size[1], size[0]),
            flags=how,
            borderMode=BORDERS[border],
            borderValue=(fill, fill, fill),
        )
        target[...] = warped.reshape(target.shape)
    return out


def extents(boxes: Boxes, matrices: Matrices) -> NDArray[np.float64]:
    """(m, 4): the extent of each box's corners after its image's map, not clipped."""
    image = boxes.images
    x0, y0, x1, y1 = boxes.boxes.astype(np.float64).T
    corners = np.stack([np.stack([x0, x1, x0, x1], 1), np.stack([y0, y0, y1, y1], 1)], 1)
    moved = matrices[image, :, :2] @ corners + matrices[image, :, 2:]  # (m, 2, 4)
    return np.concatenate([moved.min(2), moved.max(2)], 1)


def moved_boxes(
    boxes: Boxes,
    matrices: Matrices,
    size: Size,
    keep: Keep = 0.25,
    within: Rectangle | None = None,
) -> Boxes:
    """Boxes through their images' maps: the extent of the moved corners, clipped to `size`.

    keep    the least share of a box's extent that is left inside, or it is dropped; "center": its
            center must be
    within  the part of `size` that is seen, where it is not all

    After a turn the extent of the corners is wider than the object's own; where the object's mask
    is known, the box is the extent of the moved mask, and what counts as visible are the mask's
    pixels.
    """
    seen = within or (0, 0, size[1], size[0])
    low, high = np.array(seen[:2], np.float64), np.array(seen[2:], np.float64)
    whole = extents(boxes, matrices)
    if boxes.instances is not None:
        each = matrices[boxes.images]
        inside, share, instances = _seen_through(boxes.instances, each, size, seen)
    else:
        inside = np.clip(whole, np.tile(low, 2), np.tile(high, 2))
        area, left = ((x[:, 2:] - x[:, :2]).prod(1) for x in (whole, inside))
        share, instances = left / np.maximum(area, 1e-9), None
    if keep == "center":
        center = (whole[:, :2] + whole[:, 2:]) / 2
        stays = ((center >= low) & (center < high)).all(1) & (share > 0)
    else:
        stays = share >= keep
    out = Boxes(inside.astype(np.float32), boxes.classes, boxes.starts, instances)
    return out.kept(np.flatnonzero(stays))


def _seen_through(
    instances: Instances, matrices: Matrices, size: Size, within: Rectangle
) -> tuple[NDArray[np.float64], NDArray[np.float64], Instances]:
    """The extent, the share still visible and the moved mask of each; matrices (m, 2, 3)."""
    moved = moved_instances(instances, matrices, size, within)
    inside = np.array([moved.at(row).extent() for row in range(len(moved))]).reshape(-1, 4)
    areas = np.array([[instances.at(r).area, moved.at(r).area] for r in range(len(moved))])
    whole, seen = areas.reshape(-1, 2).astype(np.float64).T
    scales = np.abs(np.linalg.det(matrices[:, :, :2]))
    return inside, seen / np.maximum(whole * scales, 1.0), moved


def moved_instances(
    instances: Instances, matrices: Matrices, size: Size, within: Rectangle | None = None
) -> Instances:
    """Instance masks through a matrix each (m, 2, 3), nearest; none is mirrored in or dropped, and
    nothing is left of them outside `within`."""
    left, top, right, bottom = within or (0, 0, size[1], size[0])
    found = []
    for row, matrix in enumerate(matrices):
        mask = instances.at(row).mask().astype(np.uint8)[None]
        moved = moved_masks(mask, matrix[None], size, "gray", outside=0)[0]
        seen = np.zeros_like(moved)
        seen[top:bottom, left:right] = moved[top:bottom, left:right]
        found.append(of_mask(seen))
    return Instances.of(found)


def moved_masks(
    masks: NDArray[np.uint8], matrices: Matrices, size: Size, border: Border, outside: int = 255
) -> NDArray[np.uint8]:
    """Masks (n, h, w) through their images' maps, nearest; `outside` where nothing is mirrored in:
    of a repeated edge nobody has said what it is."""
    around: Border = "mirror" if border == "mirror" else "gray"
    return warped_arrays(masks, matrices, size, around, outside, cv2.INTER_NEAREST)


def chained(first: Matrices, then: Matrices) -> Matrices:
    """One map for two, one after the other."""
    linear = then[:, :, :2] @ first[:, :, :2]
    constant = then[:, :, :2] @ first[:, :, 2:] + then[:, :, 2:]
    return np.concatenate([linear, constant], 2)


def inverted(matrices: Matrices) -> Matrices:
    """The maps that undo these."""
    linear = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([linear, -linear @ matrices[:, :, 2:]], 2)


def moved_points(points: NDArray[np.float32], matrices: Matrices) -> NDArray[np.float32]:
    """Points (n, k, 2) through their images' maps; nan stays nan."""
    moved = points.astype(np.float64) @ matrices[:, :, :2].transpose(0, 2, 1)
    return (moved + matrices[:, None, :, 2]).astype(np.float32)
