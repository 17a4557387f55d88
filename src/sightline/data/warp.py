"""Pixels, boxes, masks and points through matrices: one warp and one product an image.

Coordinates are continuous (a pixel is a unit square). What lies outside a canvas is mirrored in, or
grey where objects must not be doubled.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.data.boxes import Boxes, Instances
from sightline.instances import of_mask
from sightline.types import Size

GRAY = 128  # outside the canvas, where nothing is mirrored in
Matrices = NDArray[np.float64]  # (n, 2, 3)


def window(canvases: Tensor, top: int, left: int, size: Size) -> Tensor:
    """A window of the canvases (n, h, w, c); beyond the edge, the edge pixel is repeated."""
    height, width = canvases.shape[1:3]
    if top >= 0 and left >= 0 and top + size[0] <= height and left + size[1] <= width:
        return canvases[:, top : top + size[0], left : left + size[1]]
    rows = torch.arange(top, top + size[0]).clamp(0, height - 1)
    columns = torch.arange(left, left + size[1]).clamp(0, width - 1)
    return canvases[:, rows][:, :, columns]


def shifted(canvases: Tensor, matrices: Matrices, size: Size) -> Tensor:
    """Canvases (n, h, w, c) through mirrors and whole-pixel shifts, by indexing: exact."""
    columns = _sources(matrices[:, 0, 0], matrices[:, 0, 2], size[1], canvases.shape[2])
    rows = _sources(matrices[:, 1, 1], matrices[:, 1, 2], size[0], canvases.shape[1])
    same = np.arange(size[0])
    if size[0] == canvases.shape[1] and (rows == same).all():
        flipped = columns[:, :1] != 0
        across_once = np.arange(size[1])
        mirrors = np.where(flipped, across_once[::-1], across_once)
        if size[1] == canvases.shape[2] and (columns == mirrors).all():  # a mirror or nothing
            chosen = torch.from_numpy(flipped).to(canvases.device)[:, :, None, None]
            return torch.where(chosen, canvases.flip(2), canvases) if flipped.any() else canvases
    n = torch.arange(len(canvases), device=canvases.device)[:, None, None]
    down = torch.from_numpy(rows).to(canvases.device)[:, :, None]
    across = torch.from_numpy(columns).to(canvases.device)[:, None, :]
    return canvases[n, down, across]


def _sources(
    sign: NDArray[np.float64], shift: NDArray[np.float64], length: int, side: int
) -> NDArray[np.int64]:
    """(n, length) canvas positions of input positions, mirrored back at the edges."""
    exact = (np.arange(length) + 0.5 - shift[:, None]) * sign[:, None] - 0.5
    at = np.rint(exact).astype(np.int64) % (2 * side)
    return np.where(at < side, at, 2 * side - 1 - at)


def warped(canvases: Tensor, matrices: Matrices, size: Size, mirror: bool) -> Tensor:
    """Canvases (n, h, w, c) uint8 through affine maps, in grey levels.

    On the CPU by OpenCV, (n, h, w, c) uint8; elsewhere by grid sampling, float32 of the same shape.
    """
    if canvases.device.type == "cpu":
        border = cv2.BORDER_REFLECT if mirror else cv2.BORDER_CONSTANT
        return torch.from_numpy(
            warped_arrays(canvases.numpy(), matrices, size, cv2.INTER_LINEAR, border)
        )
    return _grid_sampled(canvases, matrices, size, mirror)


def warped_arrays(
    source: NDArray[np.uint8],
    matrices: Matrices,
    size: Size,
    how: int,
    border: int,
    fill: int = GRAY,
) -> NDArray[np.uint8]:
    """(n, h, w[, c]) uint8 by OpenCV; what shrinks by more than two is averaged down first."""
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
            borderMode=border,
            borderValue=(fill, fill, fill),
        )
        target[...] = warped.reshape(target.shape)
    return out


def _grid_sampled(canvases: Tensor, matrices: Matrices, size: Size, mirror: bool) -> Tensor:
    """(n, h, w, c) float32; what shrinks by more than two is averaged down first."""
    scales = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    halvings = np.maximum(0, np.ceil(-np.log2(np.maximum(2 * scales, 1e-6)) - 1e-9)).astype(int)
    if not halvings.any():
        return _sampled_once(canvases, matrices, size, mirror)
    out = canvases.new_empty((len(canvases), *size, canvases.shape[3]), dtype=torch.float32)
    for level in np.unique(halvings).tolist():
        rows = np.flatnonzero(halvings == level)
        pixels = canvases[torch.from_numpy(rows).to(canvases.device)].permute(0, 3, 1, 2).float()
        moved = matrices[rows].copy()
        for _ in range(level):
            height, width = pixels.shape[2:]
            if min(height, width) == 1:
                break
            pixels = _areas(height, pixels) @ pixels @ _areas(width, pixels).T
            moved[:, :, 0] *= width / (width // 2)
            moved[:, :, 1] *= height / (height // 2)
        smaller = pixels.permute(0, 2, 3, 1)
        out[torch.from_numpy(rows).to(out.device)] = _sampled_once(smaller, moved, size, mirror)
    return out


def _areas(side: int, like: Tensor) -> Tensor:
    """(side // 2, side): the share of each old pixel in each new one, as OpenCV's INTER_AREA."""
    new, old = torch.arange(side // 2).double()[:, None], torch.arange(side).double()[None]
    step = side / (side // 2)
    shared = torch.minimum((new + 1) * step, old + 1) - torch.maximum(new * step, old)
    return (shared.clamp_min(0) / step).to(like.device, like.dtype)


def _sampled_once(canvases: Tensor, matrices: Matrices, size: Size, mirror: bool) -> Tensor:
    height, width = canvases.shape[1:3]
    linear = np.linalg.inv(matrices[:, :, :2])
    offset = -(linear @ matrices[:, :, 2:])[:, :, 0]
    # input pixel -> canvas pixel, both rescaled to grid_sample's [-1, 1]
    half_in, half_out = np.array([width, height]) / 2, np.array([size[1], size[0]]) / 2
    theta = np.empty((len(matrices), 2, 3))
    theta[:, :, :2] = linear * half_out / half_in[:, None]
    theta[:, :, 2] = (linear @ half_out + offset) / half_in - 1
    grid = F.affine_grid(
        torch.from_numpy(theta).to(canvases.device, torch.float32),
        [len(canvases), canvases.shape[3], *size],
        align_corners=False,
    )
    pixels = canvases.permute(0, 3, 1, 2).to(torch.float32)
    if mirror:
        out = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    else:  # zeros outside, around grey
        out = F.grid_sample(pixels - GRAY, grid, padding_mode="zeros", align_corners=False) + GRAY
    return out.permute(0, 2, 3, 1)


def colored(inputs: Tensor, colors: NDArray[np.float32]) -> Tensor:
    """Inputs (n, c, h, w) through one 3x4 map an image, then clipped to [0, 1].

    Grey images take the map of equal channels.
    """
    n, channels, height, width = inputs.shape
    maps = torch.from_numpy(colors).to(inputs.device)
    if channels == 1:
        gain = maps[:, :, :3].sum(2).mean(1).view(n, 1, 1, 1)
        lift = maps[:, :, 3].mean(1).view(n, 1, 1, 1)
        return torch.addcmul(lift, inputs, gain).clamp_(0, 1)
    flat = inputs.permute(0, 2, 3, 1).reshape(n, height * width, 3)
    moved = torch.baddbmm(maps[:, None, :, 3], flat, maps[:, :, :3].transpose(1, 2))
    return moved.clamp_(0, 1).view(n, height, width, 3).permute(0, 3, 1, 2)


def blurred(inputs: Tensor, deviations: NDArray[np.float64]) -> Tensor:
    """Inputs (n, c, h, w) through a Gaussian of its own each, 0 for none; edges are mirrored."""
    n, channels, height, width = inputs.shape
    reach = min(4, height - 1, width - 1)
    if reach < 1 or not deviations.any():
        return inputs
    away = np.arange(-reach, reach + 1)
    kernels = np.exp(-0.5 * (away / np.maximum(deviations, 1e-6)[:, None]) ** 2)
    kernels /= kernels.sum(1, keepdims=True)
    weight = torch.from_numpy(kernels).to(inputs.device, torch.float32)
    weight = weight.repeat_interleave(channels, 0)  # (n * c, 2 * reach + 1)
    flat = F.pad(inputs.reshape(1, n * channels, height, width), (reach,) * 4, mode="reflect")
    flat = F.conv2d(flat, weight[:, None, :, None], groups=n * channels)
    flat = F.conv2d(flat, weight[:, None, None, :], groups=n * channels)
    return flat.view(n, channels, height, width)


def noised(inputs: Tensor, deviations: NDArray[np.float64], keys: NDArray[np.uint64]) -> Tensor:
    """Inputs plus Gaussian noise, each image's from its own counter-based stream; clipped."""
    shape = inputs.shape[1:]
    noise = np.stack(
        [
            np.random.Generator(np.random.Philox(key=int(key))).standard_normal(shape, np.float32)
            for key in keys
        ]
    )
    noise *= deviations.astype(np.float32)[:, None, None, None]
    return (inputs + torch.from_numpy(noise).to(inputs.device)).clamp_(0, 1)


def extents(boxes: Boxes, matrices: Matrices) -> NDArray[np.float64]:
    """(m, 4): the extent of each box's corners after its image's map, not clipped."""
    counts = np.diff(boxes.starts)
    image = np.repeat(np.arange(len(counts)), counts)
    x0, y0, x1, y1 = boxes.boxes.astype(np.float64).T
    corners = np.stack([np.stack([x0, x1, x0, x1], 1), np.stack([y0, y0, y1, y1], 1)], 1)
    moved = matrices[image, :, :2] @ corners + matrices[image, :, 2:]  # (m, 2, 4)
    return np.concatenate([moved.min(2), moved.max(2)], 1)


def moved_boxes(boxes: Boxes, matrices: Matrices, size: Size, visible: float = 0.25) -> Boxes:
    """Boxes through their images' maps: the extent of the moved corners, clipped to `size`.

    A box is dropped when less than `visible` of its extent is left inside. After a turn the extent
    of the corners is wider than the object's own; where the object's mask is known, the box is the
    extent of the moved mask, and what counts as visible are the mask's pixels.
    """
    image = np.repeat(np.arange(len(boxes)), np.diff(boxes.starts))
    if boxes.instances is not None:
        inside, share, instances = _seen_through(boxes.instances, matrices[image], size)
    else:
        whole = extents(boxes, matrices)
        inside = np.clip(whole, 0, [size[1], size[0], size[1], size[0]])
        area, seen = ((x[:, 2:] - x[:, :2]).prod(1) for x in (whole, inside))
        share, instances = seen / np.maximum(area, 1e-9), None
    kept = np.flatnonzero(share >= visible)
    left = np.bincount(image[kept], minlength=len(boxes))
    starts = np.concatenate([[0], np.cumsum(left)]).astype(np.int64)
    out = Boxes(inside.astype(np.float32), boxes.classes, boxes.starts, instances)
    return out.kept(kept, starts)


def _seen_through(
    instances: Instances, matrices: Matrices, size: Size
) -> tuple[NDArray[np.float64], NDArray[np.float64], Instances]:
    """The extent, the share still visible and the moved mask of each; matrices (m, 2, 3)."""
    moved = moved_instances(instances, matrices, size)
    inside = np.array([moved.at(row).extent() for row in range(len(moved))]).reshape(-1, 4)
    areas = np.array([[instances.at(r).area, moved.at(r).area] for r in range(len(moved))])
    whole, seen = areas.reshape(-1, 2).astype(np.float64).T
    scales = np.abs(np.linalg.det(matrices[:, :, :2]))
    return inside, seen / np.maximum(whole * scales, 1.0), moved


def moved_instances(instances: Instances, matrices: Matrices, size: Size) -> Instances:
    """Instance masks through a matrix each (m, 2, 3), nearest; none is mirrored in or dropped."""
    found = []
    for row, matrix in enumerate(matrices):
        mask = instances.at(row).mask().astype(np.uint8)[None]
        found.append(of_mask(moved_masks(mask, matrix[None], size, mirror=False, outside=0)[0]))
    return Instances.of(found)


def moved_masks(
    masks: NDArray[np.uint8], matrices: Matrices, size: Size, mirror: bool, outside: int = 255
) -> NDArray[np.uint8]:
    """Masks (n, h, w) through their images' maps, nearest; `outside` where nothing is mirrored."""
    border = cv2.BORDER_REFLECT if mirror else cv2.BORDER_CONSTANT
    return warped_arrays(masks, matrices, size, cv2.INTER_NEAREST, border, outside)


def moved_points(points: NDArray[np.float32], matrices: Matrices) -> NDArray[np.float32]:
    """Points (n, k, 2) through their images' maps; nan stays nan."""
    moved = points.astype(np.float64) @ matrices[:, :, :2].transpose(0, 2, 1)
    return (moved + matrices[:, None, :, 2]).astype(np.float32)
