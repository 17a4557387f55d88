"""Error against the number of training images as a power law: floor + scale * images^-rate.

Cortes et al. 1993; Hestness et al. 2017 found it for deep networks on many tasks.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOORS = 100  # values of the floor that are tried
DRAWS = 300  # of the errors, for the range of what is foretold
FEWEST = 4  # points: three numbers are fitted
GOOD = 0.95  # share of the errors' variance that a fit must explain to be believed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """floor, scale, rate  of error = floor + scale * images^-rate
    explained  share of the variance of the errors (R²), each weighed by how sure it is
    """

    floor: float
    scale: float
    rate: float
    explained: float

    @property
    def good(self) -> bool:
        """Whether it can be drawn on beyond the data."""
        return self.explained >= GOOD and self.rate > 0

    def at(self, images: float) -> float:
        """The error with so many training images."""
        return float(self.floor + self.scale * images**-self.rate)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"good": self.good}


def fit(images: Sequence[int], errors: Sequence[float], n: int) -> PowerLaw | None:
    """The law of least weighted squares; None of fewer than 4 points.

    errors  0 to 1, each measured on n images; those of 0 count as half a mistake
    """
    if len(images) < FEWEST:
        return None
    e = _measurable(np.asarray(errors, np.float64)[None], n)
    floor, scale, rate, squares = (values[0] for values in _fitted(images, e, n))
    weights = n / (e[0] * (1 - e[0]))
    mean = np.average(e[0], weights=weights)
    spread = float((weights * (e[0] - mean) ** 2).sum())
    explained = 1 - float(squares) / spread if spread > 0 else 0.0
    return PowerLaw(float(floor), float(scale), float(rate), explained)


def foretold(
    images: Sequence[int], errors: Sequence[float], n: int, at: int, seed: int = 0
) -> tuple[float, float]:
    """The range, 95 %, of the law at so many images, were the errors measured again on n others: a
    bootstrap of the mistakes counted. What another training would change is not in it."""
    rng = np.random.default_rng(seed)
    given = _measurable(np.asarray(errors, np.float64), n)
    draws = _measurable(rng.binomial(n, given, (DRAWS, len(given))) / n, n)
    floor, scale, rate, _ = _fitted(images, draws, n)
    low, high = np.quantile(floor + scale * float(at) ** -rate, [0.025, 0.975])
    return float(low), float(high)


def _measurable(errors: Floats, n: int) -> Floats:
    """Neither 0 nor 1, whose logarithm or weight is infinite."""
    return np.clip(errors, 0.5 / n, 1 - 0.5 / n)


def _fitted(images: Sequence[int], errors: Floats, n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """floor, scale, rate and weighted squares, each (d,), for errors (d, points): of each floor the
    line through the logarithms, then the floor whose law lies nearest to the errors."""
    x = np.log(np.asarray(images, np.float64))
    shares = np.linspace(0, 0.98, FLOORS)
    floor = shares * errors.min(1, keepdims=True)  # (d, floors)
    above = errors[:, None] - floor[..., None]  # (d, floors, points)
    variance = (errors * (1 - errors) / n)[:, None]
    w = above**2 / variance  # of a logarithm
    y = np.log(above)
    total = w.sum(-1)
    mx, my = (w * x).sum(-1) / total, (w * y).sum(-1) / total
    dx = x - mx[..., None]
    slope = (w * dx * (y - my[..., None])).sum(-1) / (w * dx**2).sum(-1)
    level = my - slope * mx
    law = floor[..., None] + np.exp(level[..., None] + slope[..., None] * x)
    squares = ((errors[:, None] - law) ** 2 / variance).sum(-1)
    best = squares.argmin(1)
    rows = np.arange(len(errors))
    return (
        floor[rows, best],
        np.exp(level[rows, best]),
        -slope[rows, best],
        squares[rows, best],
    )
