"""How sure a figure is, and whether two differ: bootstrap, McNemar, Holm, Newcombe."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.classification import wilson

Rows = NDArray[np.int64]
DRAWS = 2000
AT_ONCE = 4_000_000  # drawn numbers in memory at a time


def bootstrap(
    n: int,
    figure: Callable[[Rows], float],
    draws: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile interval of a figure (Efron 1979): it is taken anew on `draws` samples of n
    of the n images, drawn with replacement.

    figure  of the images at rows (n,)
    """
    rng = np.random.default_rng(seed)
    found: list[float] = []
    chunk = max(1, AT_ONCE // max(1, n))
    while len(found) < draws:
        many = min(chunk, draws - len(found))
        found += [figure(rows) for rows in rng.integers(0, n, (many, n))]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_mean(values: NDArray[np.floating], seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of a mean; values (n,)."""
    numbers = np.asarray(values, np.float64)
    return bootstrap(len(numbers), lambda rows: float(numbers[rows].mean()), seed=seed)


@dataclass(frozen=True)
class McNemar:
    """only_first, only_second  images that one of two models alone names rightly
    p  the chance of so uneven a split, or a more uneven one, were both equally good"""

    only_first: int
    only_second: int
    p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's test (1947) in its exact form: of the images (n,) that one model alone names
    rightly, each is as likely either's. Two-sided binomial, for few and many alike."""
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    return McNemar(b, c, _binomial(min(b, c), b + c))


def _binomial(k: int, n: int) -> float:
    """Twice the chance of at most k heads in n fair throws, 1 at most."""
    log = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1)]
    return min(1.0, 2 * math.fsum(math.exp(each - n * math.log(2)) for each in log))


def holm(p: Sequence[float]) -> list[float]:
    """Chances corrected for being several (Holm 1979): reject where below .05 as ever."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, most = [0.0] * len(p), 0.0
    for place, index in enumerate(order):
        most = max(most, min(1.0, (len(p) - place) * p[index]))
        found[index] = most
    return found


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the second share less the first, of two samples that share no image:
    Newcombe's hybrid score interval (1998, method 10).

    first, second  (count, n) of each; n 1 or more
    """
    p, q = first[0] / first[1], second[0] / second[1]
    (low, high), (lower, higher) = wilson(*first), wilson(*second)
    gap = q - p
    return (
        max(-1.0, gap - math.hypot(q - lower, high - p)),
        min(1.0, gap + math.hypot(higher - q, p - low)),
    )
