"""Graph-based segmentation (Felzenszwalb and Huttenlocher 2004).

    edge      between neighbors of 8, its weight the distance of their colors after a Gaussian blur
    Int(C)    the largest weight in a segment's minimum spanning tree
    merged    where an edge weighs no more than min(Int(A) + k / |A|, Int(B) + k / |B|)

Edges are taken from the lightest; segments smaller than a least size join their neighbor at last.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.types import Image

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))  # down, right: each pair of neighbors once


def segments(
    image: Image, scale: float = 200, sigma: float = 0.8, least: int = 50
) -> NDArray[np.int64]:
    """The segment of each pixel of (h, w, c) uint8: (h, w), numbered from 0 in reading order.

    scale  k: larger segments with more, in grey levels times pixels
    sigma  of the blur, in pixels
    least  pixels of a segment

    Raises DataError.
    """
    if not (scale >= 0 and 0 <= sigma <= 20 and least >= 1):
        raise DataError(f"segments of scale {scale:g}, sigma {sigma:g}, least {least}: too small")
    pixels = blurred(image.astype(np.float64), sigma)
    first, second, weights = edges(pixels)
    order = np.argsort(weights, kind="stable")
    forest = _Forest(pixels.shape[0] * pixels.shape[1])
    pairs = first[order].tolist(), second[order].tolist(), weights[order].tolist()
    forest.join(*pairs, scale)
    forest.absorb(*pairs[:2], least)
    roots = np.array([forest.find(i) for i in range(len(forest.parent))])
    _, at, labels = np.unique(roots, return_index=True, return_inverse=True)
    rank = np.empty(len(at), np.int64)
    rank[np.argsort(at)] = np.arange(len(at))
    numbered: NDArray[np.int64] = rank[labels].reshape(pixels.shape[:2])
    return numbered


def blurred(pixels: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """(h, w, c) through a Gaussian of 4 deviations to each side, its edge repeated."""
    if sigma == 0:
        return pixels
    reach = math.ceil(4 * sigma)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        pads = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(pixels, pads, "edge")
        length = pixels.shape[axis]
        parts = (np.take(padded, range(i, i + length), axis) * t for i, t in enumerate(taps))
        pixels = sum(parts, np.zeros_like(pixels))
    return pixels


def edges(
    pixels: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of neighboring pixels, by their number, and the distance of their colors."""
    height, width = pixels.shape[:2]
    number = np.arange(height * width).reshape(height, width)
    parts = []
    for down, right in STEPS:
        here = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        there = np.s_[down:, max(0, right) : width + min(0, right)]
        weights = np.sqrt(((pixels[here] - pixels[there]) ** 2).sum(2))
        parts.append((number[here].ravel(), number[there].ravel(), weights.ravel()))
    first, second, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second, weight


class _Forest:
    """Disjoint sets of pixels, with their size and the largest weight inside."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))
        self.size = [1] * count
        self.inner = [0.0] * count

    def find(self, i: int) -> int:
        parent = self.parent
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(self, first: list[int], second: list[int], weights: list[float], k: float) -> None:
        find, size, inner = self.find, self.size, self.inner
        for i, j, weight in zip(first, second, weights, strict=True):
            a, b = find(i), find(j)
            if a != b and weight <= min(inner[a] + k / size[a], inner[b] + k / size[b]):
                inner[self._united(a, b)] = weight

    def absorb(self, first: list[int], second: list[int], least: int) -> None:
        for i, j in zip(first, second, strict=True):
            a, b = self.find(i), self.find(j)
            if a != b and min(self.size[a], self.size[b]) < least:
                self._united(a, b)

    def _united(self, a: int, b: int) -> int:
        if self.size[a] < self.size[b]:
            a, b = b, a
        self.parent[b] = a
        self.size[a] += self.size[b]
        return a
