"""Local binary patterns (Ojala, Pietikäinen and Mäenpää 2002; starter book, chapter 2).

    code = sum over p of 2^p where neighbor p >= the pixel; p from the right, against the clock

What it shows: texture as what each pixel's ring of neighbors looks like. A code does not change
when light is added or multiplied. Uniform codes, whose ring changes at most twice between below and
above, are edges, corners, spots and flat regions; numbered by how many neighbors are above (0 to
`points`), all others together (`points` + 1), they do not change when the image is turned either.
"""

import numpy as np

TIE = 1e-9  # interpolated neighbors that are equal but for rounding count as equal


def ring(points: int, radius: float) -> np.ndarray:
    """Offsets (points, 2), down and right, of neighbors on a circle."""
    angles = 2 * np.pi * np.arange(points) / points
    return np.round(np.column_stack([-radius * np.sin(angles), radius * np.cos(angles)]), 5)


def patterns(image: np.ndarray, points: int = 8, radius: float = 1.0) -> np.ndarray:
    """Codes of 0 to 2^points - 1 of a gray image (h, w): int64, smaller by ceil(radius) all round.

    Neighbors between pixels are interpolated bilinearly. ValueError where no ring fits.
    """
    if image.ndim != 2 or not 1 <= points <= 24 or radius <= 0:
        raise ValueError(
            "expected an image (h, w), 1 to 24 points and a radius above 0, got "
            f"{image.shape}, {points} and {radius:g}"
        )
    margin = int(np.ceil(radius))
    h, w = (side - 2 * margin for side in image.shape)
    if min(h, w) < 1:
        raise ValueError(
            f"image: expected {2 * margin + 1} pixels a side or more, got {image.shape}"
        )
    values = np.pad(image.astype(np.float64), ((0, 1), (0, 1)))  # the last is read with share 0
    center = values[margin : margin + h, margin : margin + w]
    codes = np.zeros((h, w), dtype=np.int64)
    for p, (down, right) in enumerate(ring(points, radius)):
        top, left = int(np.floor(down)), int(np.floor(right))
        y, x = down - top, right - left
        i, j = margin + top, margin + left
        corner = [values[i + a : i + a + h, j + b : j + b + w] for a in (0, 1) for b in (0, 1)]
        above = corner[0] * (1 - x) + corner[1] * x
        below = corner[2] * (1 - x) + corner[3] * x
        neighbor = above * (1 - y) + below * y
        codes |= (neighbor - center >= -TIE).astype(np.int64) << p
    return codes


def uniform(codes: np.ndarray, points: int = 8) -> np.ndarray:
    """Codes to 0 to points (neighbors above, of uniform ones) or points + 1 (the others)."""
    bits = codes[..., None] >> np.arange(points) & 1  # (..., points)
    changes = np.abs(bits - np.roll(bits, 1, axis=-1)).sum(axis=-1)
    return np.where(changes <= 2, bits.sum(axis=-1), points + 1)


def lbp(image: np.ndarray, points: int = 8, radius: float = 1.0, grid: int = 1) -> np.ndarray:
    """Shares of uniform codes in each cell of a grid (grid, grid): (grid^2 (points + 2),).

    A grid keeps where a texture is (Ahonen et al. 2006, faces); 1 does not.
    """
    codes = uniform(patterns(image, points, radius), points)
    if not 1 <= grid <= min(codes.shape):
        raise ValueError(f"grid: expected 1 to {min(codes.shape)}, got {grid}")
    shares = [
        np.bincount(part.ravel(), minlength=points + 2) / part.size
        for row in np.array_split(codes, grid, axis=0)
        for part in np.array_split(row, grid, axis=1)
    ]
    return np.concatenate(shares)
