"""Chance as a function: the same (seed, epoch, index, draw) gives the same number, everywhere.

A counter-based generator has no state to save, share between workers or advance past skipped
work, so a resumed run, another batch size or more processes see the same images. The mixing
function is the finalizer of SplitMix64 (Steele, Lea and Flood 2014), applied once for each key.
"""

import zlib
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * MIX_1
    state = (state ^ (state >> np.uint64(27))) * MIX_2
    return state ^ (state >> np.uint64(31))


@cache
def _key_of(name: str) -> int:
    return zlib.crc32(name.encode())


def bits(seed: int, epoch: int, index: ArrayLike, draw: str) -> NDArray[np.uint64]:
    """64 random bits for each index; `draw` names what they are for ("flip", "order")."""
    with np.errstate(over="ignore"):
        state = np.asarray(index).astype(np.uint64)
        for key in (seed, epoch, _key_of(draw)):
            state = _mix(state + GOLDEN * np.uint64((key + 1) & 0xFFFFFFFFFFFFFFFF))
    return state


def uniform(
    seed: int, epoch: int, index: ArrayLike, draw: str, low: float = 0.0, high: float = 1.0
) -> NDArray[np.float64]:
    """Numbers in [low, high), one an index; 53 random bits each."""
    unit = (bits(seed, epoch, index, draw) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return low + (high - low) * unit


def permutation(seed: int, epoch: int, n: int, draw: str) -> NDArray[np.int64]:
    """0 .. n-1 in random order."""
    return np.argsort(bits(seed, epoch, np.arange(n), draw), kind="stable")


def seed_of(seed: int, epoch: int, draw: str) -> int:
    """One number below 2**63 to seed a generator that has state (torch's, scikit-learn's)."""
    return int(bits(seed, epoch, 0, draw) >> np.uint64(1))
