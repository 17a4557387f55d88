"""Region proposals by hierarchical grouping: selective search (Uijlings et al. 2013).

Beginning with the segments of `segments`, the two most alike neighbors are merged until one is
left; the box of every segment that ever was is a proposal. Alike is the sum of four, each 0 to 1:

    color     histograms of 25 bins a channel, their intersection
    texture   histograms of directions of gradients, 8 by 10 bins of length a channel, likewise
    size      1 - (a + b) / image: small ones merge early
    fill      1 - (box around both - a - b) / image: those that fit into one another
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.detect.segments import segments
from sightline.types import Image

COLORS, DIRECTIONS, LENGTHS = 25, 8, 10  # bins


@dataclass(frozen=True, eq=False)
class _Region:
    size: int
    box: NDArray[np.int64]  # x0, y0, x1, y1
    color: NDArray[np.float64]
    texture: NDArray[np.float64]


def proposals(
    image: Image, scales: tuple[float, ...] = (100, 300), least: int = 50, smallest: int = 10
) -> NDArray[np.float32]:
    """Boxes (n, 4) of (h, w, c) uint8, each once, the last merged (the largest) first.

    scales    of the segmentations that grouping begins with
    least     pixels of their segments
    smallest  sides of boxes in pixels; smaller ones are left out
    """
    found = [grouped(image, segments(image, scale, least=least)) for scale in scales]
    boxes = np.concatenate([each[::-1] for each in found])
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= smallest).all(1)]
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)].astype(np.float32)


def grouped(image: Image, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(2 n - 1, 4) boxes of n segments and of all their mergings, in order."""
    regions = dict(enumerate(_regions(image, labels)))
    total = labels.size
    near: dict[int, set[int]] = {i: set() for i in regions}
    for a, b in _neighbors(labels).tolist():
        near[a].add(b)
        near[b].add(a)
    alike = {
        (a, b): _likeness(regions[a], regions[b], total) for a in near for b in near[a] if a < b
    }
    boxes = [region.box for region in regions.values()]
    while alike:
        a, b = max(alike, key=alike.__getitem__)
        new, others = len(boxes), (near.pop(a) | near.pop(b)) - {a, b}
        for pair in [(min(x, y), max(x, y)) for x in (a, b) for y in others | {a, b} - {x}]:
            alike.pop(pair, None)
        regions[new] = _merged(regions.pop(a), regions.pop(b))
        boxes.append(regions[new].box)
        near[new] = others
        for other in others:
            near[other] = (near[other] - {a, b}) | {new}
            alike[other, new] = _likeness(regions[other], regions[new], total)
    return np.stack(boxes)


def _regions(image: Image, labels: NDArray[np.int64]) -> list[_Region]:
    flat, count = labels.ravel(), int(labels.max()) + 1
    sizes = np.bincount(flat, minlength=count)
    rows, columns = (index.ravel() for index in np.indices(labels.shape))
    box = np.full((count, 4), [*labels.shape[::-1], 0, 0])
    np.minimum.at(box[:, 0], flat, columns)
    np.minimum.at(box[:, 1], flat, rows)
    np.maximum.at(box[:, 2], flat, columns + 1)
    np.maximum.at(box[:, 3], flat, rows + 1)
    colors, textures = [], []
    for channel in np.moveaxis(image.astype(np.float64), 2, 0):
        colors.append(_histogram(flat, (channel * COLORS / 256).astype(int).ravel(), COLORS, count))
        down, right = np.gradient(channel) if min(channel.shape) > 1 else (channel * 0,) * 2
        turn = (np.arctan2(down, right) / (2 * np.pi) * DIRECTIONS).astype(int) % DIRECTIONS
        strength = np.minimum(np.hypot(down, right) / 128 * LENGTHS, LENGTHS - 1).astype(int)
        bins = (turn * LENGTHS + strength).ravel()
        textures.append(_histogram(flat, bins, DIRECTIONS * LENGTHS, count))
    parts = zip(sizes.tolist(), box, _shares(colors), _shares(textures), strict=True)
    return [_Region(*part) for part in parts]


def _histogram(
    flat: NDArray[np.int64], bins: NDArray[np.int64], of: int, count: int
) -> NDArray[np.int64]:
    return np.bincount(flat * of + bins, minlength=count * of).reshape(count, of)


def _shares(parts: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    table = np.concatenate(parts, 1).astype(np.float64)
    shares: NDArray[np.float64] = table / table.sum(1, keepdims=True)
    return shares


def _neighbors(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 2) segments that touch, above or beside, each pair once."""
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1)
    right = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1)
    pairs = np.concatenate([down, right])
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], 1), axis=0)


def _around(a: _Region, b: _Region) -> NDArray[np.int64]:
    return np.concatenate([np.minimum(a.box[:2], b.box[:2]), np.maximum(a.box[2:], b.box[2:])])


def _likeness(a: _Region, b: _Region, total: int) -> float:
    box = _around(a, b)
    area = int((box[2] - box[0]) * (box[3] - box[1]))
    shared = np.minimum(a.color, b.color).sum() + np.minimum(a.texture, b.texture).sum()
    both = a.size + b.size
    return float(shared) + (1 - both / total) + (1 - (area - both) / total)


def _merged(a: _Region, b: _Region) -> _Region:
    size = a.size + b.size
    mixed = [
        (a.size * x + b.size * y) / size for x, y in ((a.color, b.color), (a.texture, b.texture))
    ]
    return _Region(size, _around(a, b), mixed[0], mixed[1])
