"""Pixels on a device through matrices: one warp and one product of colors an image.

What lies outside a canvas is mirrored in, or the edge is repeated (characters have no mirrored
parts), or it is grey (objects must not be doubled).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.data.geometry import Border, Matrices, warped_arrays
from sightline.data.transfer import put, sent
from sightline.types import Size


def window(canvases: Tensor, top: int, left: int, size: Size) -> Tensor:
    """A window of the canvases (n, h, w, c); beyond the edge, the edge pixel is repeated."""
    height, width = canvases.shape[1:3]
    if top >= 0 and left >= 0 and top + size[0] <= height and left + size[1] <= width:
        return canvases[:, top : top + size[0], left : left + size[1]]
    rows = torch.arange(top, top + size[0]).clamp(0, height - 1)
    columns = torch.arange(left, left + size[1]).clamp(0, width - 1)
    return canvases[:, rows][:, :, columns]


def shifted(canvases: Tensor, matrices: Matrices, size: Size, border: Border, gray: int) -> Tensor:
    """Canvases (n, h, w, c) through mirrors and whole-pixel shifts, by indexing: exact."""
    height, width = canvases.shape[1:3]
    mirrored = _mirrored(matrices, width) if (height, width) == tuple(size) else None
    if mirrored is not None:
        chosen = put(mirrored, canvases.device)[:, None, None, None]
        return torch.where(chosen, canvases.flip(2), canvases) if mirrored.any() else canvases
    columns, beside = _sources(matrices[:, 0, 0], matrices[:, 0, 2], size[1], width, border)
    rows, above = _sources(matrices[:, 1, 1], matrices[:, 1, 2], size[0], height, border)
    n = torch.arange(len(canvases), device=canvases.device)[:, None, None]
    down = put(rows, canvases.device)[:, :, None]
    across = put(columns, canvases.device)[:, None, :]
    out = canvases[n, down, across]
    if border == "gray" and (beside.any() or above.any()):
        outside = put(above[:, :, None] | beside[:, None, :], out.device)
        out.masked_fill_(outside[..., None], gray)
    return out


def _mirrored(matrices: Matrices, width: int) -> NDArray[np.bool_] | None:
    """(n,) which canvases are mirrored, where the others are left as they are; else None."""
    flipped = matrices[:, 0, 0] < 0
    mirror = np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0]])
    expected = np.where(flipped[:, None, None], mirror, np.eye(2, 3))
    return flipped if (matrices == expected).all() else None


def _sources(
    sign: NDArray[np.float64], shift: NDArray[np.float64], length: int, side: int, border: Border
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n, length) canvas positions of input positions, and which of them lay outside."""
    exact = (np.arange(length) + 0.5 - shift[:, None]) * sign[:, None] - 0.5
    at = np.rint(exact).astype(np.int64)
    outside = (at < 0) | (at >= side)
    if border != "mirror":
        return np.clip(at, 0, side - 1), outside
    at %= 2 * side
    return np.where(at < side, at, 2 * side - 1 - at), outside


def warped(canvases: Tensor, matrices: Matrices, size: Size, border: Border, gray: int) -> Tensor:
    """Canvases (n, h, w, c) uint8 through affine maps, in grey levels.

    On the CPU by OpenCV, (n, h, w, c) uint8; elsewhere by grid sampling, float32 of the same shape.
    """
    if canvases.device.type == "cpu":
        return torch.from_numpy(warped_arrays(canvases.numpy(), matrices, size, border, gray))
    return _grid_sampled(canvases, matrices, size, border, gray)


def _grid_sampled(
    canvases: Tensor, matrices: Matrices, size: Size, border: Border, gray: int
) -> Tensor:
    """(n, h, w, c) float32; what shrinks by more than two is averaged down first."""
    scales = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    halvings = np.maximum(0, np.ceil(-np.log2(np.maximum(2 * scales, 1e-6)) - 1e-9)).astype(int)
    if not halvings.any():
        return _sampled_once(canvases, matrices, size, border, gray)
    out = canvases.new_empty((len(canvases), *size, canvases.shape[3]), dtype=torch.float32)
    for level in np.unique(halvings).tolist():
        rows = np.flatnonzero(halvings == level)
        pixels = canvases[put(rows, canvases.device)].permute(0, 3, 1, 2).float()
        moved = matrices[rows].copy()
        for _ in range(level):
            height, width = pixels.shape[2:]
            if min(height, width) == 1:
                break
            pixels = _areas(height, pixels) @ pixels @ _areas(width, pixels).T
            moved[:, :, 0] *= width / (width // 2)
            moved[:, :, 1] *= height / (height // 2)
        smaller = pixels.permute(0, 2, 3, 1)
        out[put(rows, out.device)] = _sampled_once(smaller, moved, size, border, gray)
    return out


def _areas(side: int, like: Tensor) -> Tensor:
    """(side // 2, side): the share of each old pixel in each new one, as OpenCV's INTER_AREA."""
    new, old = torch.arange(side // 2).double()[:, None], torch.arange(side).double()[None]
    step = side / (side // 2)
    shared = torch.minimum((new + 1) * step, old + 1) - torch.maximum(new * step, old)
    return sent((shared.clamp_min(0) / step).to(like.dtype), like.device)


def _sampled_once(
    canvases: Tensor, matrices: Matrices, size: Size, border: Border, gray: int
) -> Tensor:
    height, width = canvases.shape[1:3]
    linear = np.linalg.inv(matrices[:, :, :2])
    offset = -(linear @ matrices[:, :, 2:])[:, :, 0]
    # input pixel -> canvas pixel, both rescaled to grid_sample's [-1, 1]
    half_in, half_out = np.array([width, height]) / 2, np.array([size[1], size[0]]) / 2
    theta = np.empty((len(matrices), 2, 3))
    theta[:, :, :2] = linear * half_out / half_in[:, None]
    theta[:, :, 2] = (linear @ half_out + offset) / half_in - 1
    grid = F.affine_grid(
        put(theta.astype(np.float32), canvases.device),
        [len(canvases), canvases.shape[3], *size],
        align_corners=False,
    )
    pixels = canvases.permute(0, 3, 1, 2).to(torch.float32)
    if border == "gray":  # zeros outside, around grey
        out = F.grid_sample(pixels - gray, grid, padding_mode="zeros", align_corners=False) + gray
    else:
        around = "reflection" if border == "mirror" else "border"
        out = F.grid_sample(pixels, grid, padding_mode=around, align_corners=False)
    return out.permute(0, 2, 3, 1)


def colored(inputs: Tensor, colors: NDArray[np.float32]) -> Tensor:
    """Inputs (n, c, h, w) through one 3x4 map an image, then clipped to [0, 1].

    Grey images take the map of equal channels.
    """
    n, channels, height, width = inputs.shape
    maps = put(colors, inputs.device)
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
    weight = put(kernels.astype(np.float32), inputs.device)
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
    return (inputs + put(noise, inputs.device)).clamp_(0, 1)
