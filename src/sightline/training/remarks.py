"""A remark on a run's curves, and the advice that several of them share."""

from dataclasses import asdict, dataclass

import numpy as np

from sightline.training.history import Curves

RATE = "train.optimizer.rate"


@dataclass(frozen=True)
class Remark:
    """One thing that a curve says.

    epoch     that it refers to, from 1
    kind      rate very high, rate high, rate low, spikes, not learning, stagnation, decay,
              underfit, overfit, validation better
    sentence  what is seen, with figures
    advice    what to try next
    """

    epoch: int
    kind: str
    sentence: str
    advice: str

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


def say(value: float) -> str:
    """Three digits: 0.614, 2.31, 9e-05."""
    return f"{value:.3g}"


def lower(curves: Curves, factor: int) -> str:
    """Advice to train at a lower rate."""
    rates = curves.rate[np.isfinite(curves.rate)]
    if not len(rates) or rates.max() <= 0:
        return f"Lower {RATE} by a factor of {factor}; gradient clipping or a warm-up also help."
    return (
        f"Lower {RATE} from {say(rates.max())} to about {say(rates.max() / factor)}; gradient "
        "clipping or a warm-up also help."
    )


def higher(curves: Curves) -> str:
    """Advice to train at a higher rate."""
    rates = curves.rate[np.isfinite(curves.rate)]
    now = f" from {say(rates.max())}" if len(rates) and rates.max() > 0 else ""
    return f"Raise {RATE}{now} by a factor of 10; `sightline rate find` suggests one."


def rising(curves: Curves) -> bool:
    """Whether the rate still warms up."""
    rate = curves.rate
    return bool(np.isfinite(rate[-2:]).all() and rate[-1] > rate[-2] * 1.001)


def dropped(curves: Curves, at: int) -> float:
    """By what factor the rate has fallen at an index; 0 where by less than two."""
    before = curves.rate[: at + 1]
    before = before[np.isfinite(before)]
    if not len(before) or before[-1] <= 0:
        return 0.0
    factor = float(before.max() / before[-1])
    return factor if factor >= 2 else 0.0
