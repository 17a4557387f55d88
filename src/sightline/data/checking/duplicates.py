"""Which images of a set are the same picture: to the pixel, nearly, or mirrored.

The print of an image is 64 bits: the signs of the lowest frequencies of its cosine transform (after
Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", 3.2.1, with signs
for the comparison with the median, so that a mirror turns known bits around). Prints propose pairs;
thumbnails decide, because on small drawings and dark faces prints agree by chance.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Prints = NDArray[np.uint64]
Pairs = NDArray[np.int64]  # (k, 2), the smaller index first

SIDE = 32  # of a thumbnail
LIMIT = 6  # bits of 64 in which the prints of near duplicates may differ
COMPARED = 10_000_000  # comparisons for each of 28 keys, at most: five seconds in all
MOST = 100_000  # pairs whose thumbnails are compared, at most: another five
CHUNK = 1024  # pairs judged at a time
HELD = 30_000  # thumbnails in memory, 92 MB; beyond, they are made again for each chunk
# Least correlation of two thumbnails, and how far a smoothed pixel may be off, in deviations. On
# real sets: of CIFAR-10's pairs above 0.965 one in a hundred is false. Grey drawings tell less:
# ones of MNIST reach 0.99, but are off by 0.58 or more; faces saved twice by 0.21 at most.
COLOR = (0.965, 1.1)
GREY = (0.985, 0.4)
COLORED = 12  # channels of a thumbnail's pixel differ by more somewhere in a picture with color

_WAVES = 11
_GRID = sorted(
    ((v, u) for v in range(_WAVES) for u in range(_WAVES) if v + u), key=lambda f: (sum(f), f)
)[:64]
_ROWS, _COLUMNS = (np.array(axis) for axis in zip(*_GRID, strict=True))
_BASIS = np.cos(np.pi * np.arange(_WAVES)[:, None] * (np.arange(SIDE) + 0.5) / SIDE).astype(
    np.float32
)
MIRROR = np.packbits(_COLUMNS % 2 == 1).view(np.uint64)[0]  # bits that a mirror turns around
_BITS = np.array([bin(i).count("1") for i in range(1 << 16)], np.uint8)


def prints(thumbnails: NDArray[np.uint8]) -> Prints:
    """(n, 32, 32) grey -> (n,)"""
    waves = _BASIS @ thumbnails.astype(np.float32) @ _BASIS.T  # (n, 11, 11): down, across
    signs = waves[:, _ROWS, _COLUMNS] > 0
    packed = np.ascontiguousarray(np.packbits(signs, axis=1))  # (n, 8)
    return packed.view(np.uint64)[:, 0]


def mirrored(found: Prints) -> Prints:
    """The prints of the mirror images."""
    return found ^ MIRROR


def distance(left: Prints, right: Prints) -> NDArray[np.int64]:
    """(n,) bits in which they differ."""
    halves = np.ascontiguousarray(left ^ right).view(np.uint16).reshape(-1, 4)
    return _BITS[halves].sum(1, dtype=np.int64)


def equal(digests: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """Groups of indices with one digest, two or more each, in the order of their first."""
    order = np.argsort(digests, kind="stable")
    edges = np.flatnonzero(np.diff(digests[order])) + 1
    groups = [group for group in np.split(order, edges) if len(group) > 1]
    return sorted(groups, key=lambda group: int(group[0]))


def near(found: Prints, limit: int = LIMIT) -> Pairs:
    """Pairs whose prints differ in at most `limit` bits, at most 6; the closest first.

    Of the 8 bytes of two such prints at least two are equal, so pairs are looked for among prints
    that share two bytes, for each of the 28 choices of two. Where more than `COMPARED / n` prints
    share them (a set of drawings nearly all alike), each meets its neighbours by value only.
    """
    assert 0 <= limit <= 6
    n = len(found)
    octets = found.view(np.uint8).reshape(-1, 8).astype(np.uint16)
    window = max(32, COMPARED // max(1, n))
    codes = [np.empty(0, np.int64)]
    for first, second in combinations(range(8), 2):
        keys = octets[:, first] << np.uint16(8) | octets[:, second]
        codes.append(_within(found, keys, limit, window))
    pairs = _distinct(np.concatenate(codes))
    left, right = np.divmod(pairs, max(1, n))
    order = np.argsort(distance(found[left], found[right]), kind="stable")
    return np.stack([left, right], 1)[order]


def proposed(found: Prints) -> tuple[Pairs, Pairs, bool]:
    """Pairs that may be near copies, pairs that may be mirrored ones, and whether there are more:
    of each at most `MOST` are returned, the closest first."""
    n = len(found)
    pairs = near(np.concatenate([found, mirrored(found)]))
    straight = pairs[(pairs < n).all(1)]
    turned = pairs[(pairs[:, 0] < n) & (pairs[:, 1] >= n)] - np.array([0, n])
    turned = turned[turned[:, 0] < turned[:, 1]]  # each is there in both directions
    cut = max(len(straight), len(turned)) > MOST
    return straight[:MOST], turned[:MOST], cut


def _within(found: Prints, keys: NDArray[np.uint16], limit: int, window: int) -> NDArray[np.int64]:
    """Close pairs among equal keys, as numbers: the smaller index times n, plus the larger."""
    order = np.lexsort((found, keys))
    keys, values = keys[order], found[order]
    codes, held = [np.empty(0, np.int64)], 0
    rows = np.arange(len(found))
    for step in range(1, min(window, len(found) - 1) + 1):
        rows = rows[: np.searchsorted(rows, len(found) - step)]
        rows = rows[keys[rows] == keys[rows + step]]
        if not len(rows) or held > 10 * MOST:
            break
        close = rows[distance(values[rows], values[rows + step]) <= limit]
        ends = np.sort(np.stack([order[close], order[close + step]]), axis=0)
        codes.append(ends[0] * len(found) + ends[1])
        held += len(close)
    return _distinct(np.concatenate(codes))


def _distinct(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted, each once; NumPy's own way by hashes takes a second for a million of these."""
    codes = np.sort(codes)
    return codes[np.diff(codes, prepend=-1) > 0]


def alike(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) whether two thumbnails, (n, 32, 32, 3), show one picture, be it brighter or compressed.

    Their correlation is high, and no smoothed pixel is far off: another digit of the same hand, or
    the same face with another look, differs little on the whole but much in one place.
    """
    one, other = _standard(left), _standard(right)
    together = (one * other).mean((1, 2, 3))
    off = np.abs(_smooth(one - other)).max((1, 2, 3))
    color = np.minimum(chroma(left), chroma(right)) > COLORED
    least, most = (np.where(color, *pair) for pair in zip(COLOR, GREY, strict=True))
    return (together >= least) & (off <= most)


def chroma(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n,) the largest difference of two channels of a pixel, of thumbnails (n, 32, 32, 3)."""
    red, green, blue = np.moveaxis(thumbnails, 3, 0)  # ten times as fast as a maximum over axis 3
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return (high - low).max((1, 2))


def _standard(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = thumbnails.astype(np.float32)
    values -= values.mean((1, 2, 3), keepdims=True)
    values /= np.maximum(values.std((1, 2, 3), keepdims=True), np.float32(1e-3))
    return values


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each 2 x 2 pixels."""
    across = values[:, :, 1:] + values[:, :, :-1]
    return (across[:, 1:] + across[:, :-1]) * np.float32(0.25)


def confirmed(
    pairs: Pairs,
    n: int,
    thumbnails: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
    flipped: bool = False,
) -> list[NDArray[np.int64]]:
    """Groups of indices below n that pairs connect whose thumbnails are alike.

    pairs       proposed, the likeliest first; those within a group already found are passed over
    thumbnails  (k, 32, 32, 3) of k indices
    flipped     the second of each pair is mirrored before it is compared
    """
    root = np.arange(n)
    which = np.unique(pairs)
    held = thumbnails(which) if len(which) <= HELD else None
    while len(pairs):
        now, pairs = pairs[:CHUNK], pairs[CHUNK:]
        if held is None:
            which = np.unique(now)
        seen = thumbnails(which) if held is None else held
        left, right = (seen[np.searchsorted(which, column)] for column in now.T)
        for one, other in now[alike(left, right[:, :, ::-1] if flipped else right)].tolist():
            _join(root, one, other)
        while (root != root[root]).any():
            root = root[root]
        pairs = pairs[root[pairs[:, 0]] != root[pairs[:, 1]]]
    return equal(root.astype(np.uint64))


def _find(root: NDArray[np.int64], index: int) -> int:
    while root[index] != root[root[index]]:
        root[index] = root[root[index]]
    return int(root[index])


def _join(root: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_find(root, one), _find(root, other)))
    root[second] = first
