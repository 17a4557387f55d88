"""What a learning curve says: whether more data would help, in one sentence (course, 3.3; Ng 2018).

Both errors high and close: bias, which no data mend. Validation error that still falls, or a gap
that closes as images are added: more of them will help. Neither: they will not.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sightline.metrics.classification import wilson
from sightline.metrics.intervals import newcombe
from sightline.study.gaps import LEAST
from sightline.study.learning_curve import Point
from sightline.study.power_law import PowerLaw, fit, foretold

Verdict = Literal["more data", "bias", "flat", "little left", "open"]
HALF = 0.6  # of all images: the largest number below it is what the whole is compared with
GAIN = 0.05  # of the error: a smaller one foretold for twice the images is not worth them


@dataclass(frozen=True)
class Mean:
    """The draws of one share.

    images       trained on, on average
    train, val   mean errors, each with its interval as if of one draw's images: of several draws
                 it is the wider for it
    """

    share: float
    draws: int
    images: int
    epochs: int
    train: float
    val: float
    measured: tuple[int, int]  # images of train and val

    def interval(self, part: Literal["train", "val"]) -> tuple[float, float]:
        """Wilson's, 95 %."""
        n = self.measured[part == "val"]
        return wilson(self.count(part), n)

    def count(self, part: Literal["train", "val"]) -> int:
        """Mistakes of an average draw."""
        return round(getattr(self, part) * self.measured[part == "val"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "share": self.share,
            "draws": self.draws,
            "images": self.images,
            "epochs": self.epochs,
            "train": {"error": self.train, "interval": list(self.interval("train"))},
            "val": {"error": self.val, "interval": list(self.interval("val"))},
        }


@dataclass(frozen=True)
class Reading:
    """verdict  more data, bias, flat (they will not help, nor is it bias), little left, or open
    law      of the validation error, where there are points enough
    twice    (images, error, low, high) foretold by a law that fits
    """

    verdict: Verdict
    sentence: str
    law: PowerLaw | None
    twice: tuple[int, float, float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        twice = None
        if self.twice is not None:
            images, error, low, high = self.twice
            twice = {"images": images, "error": error, "interval": [low, high]}
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "law": self.law.to_dict() if self.law else None,
            "twice": twice,
        }


def means(points: Sequence[Point]) -> list[Mean]:
    """One a share, by size."""
    by_share: dict[float, list[Point]] = {}
    for point in points:
        by_share.setdefault(point.share, []).append(point)
    return [
        Mean(
            share,
            len(those),
            round(statistics.fmean(point.images for point in those)),
            those[0].epochs,
            statistics.fmean(point.train.error for point in those),
            statistics.fmean(point.val.error for point in those),
            (those[0].train.images, those[0].val.images),
        )
        for share, those in sorted(by_share.items())
    ]


def read(rows: Sequence[Mean], human: float = 0.0, least: float = LEAST) -> Reading:
    """What the curve says.

    human  error that nobody gets below, 0 to 1
    least  smallest gap that is worth work
    """
    last = rows[-1]
    before = max((row for row in rows if row.images <= HALF * last.images), default=rows[0],
                 key=lambda row: row.images)  # fmt: skip
    sizes, errors = [row.images for row in rows], [row.val for row in rows]
    n = last.measured[1]
    law = fit(sizes, errors, n)
    twice = None
    if law is not None and law.good:
        double = 2 * last.images
        twice = double, law.at(double), *foretold(sizes, errors, n, double)
    falls = newcombe((last.count("val"), n), (before.count("val"), n))[0] > 0
    apart = last.val - last.train
    beyond = newcombe((last.count("train"), last.measured[0]), (last.count("val"), n))[0] > 0
    gapped = beyond and apart >= least
    high = last.train - human >= least
    gains = twice is None or last.val - twice[1] >= GAIN * last.val
    step = (
        f"from {before.images:,} to {last.images:,} training images validation error goes from "
        f"{_percent(before.val)} to {_percent(last.val)}, training error is {_percent(last.train)}"
    )
    ahead = ""
    if twice is not None:
        ahead = (
            f" A power law (R² {law.explained if law else 0:.3f}) foretells "
            f"{_percent(twice[1])} with {twice[0]:,} "
            f"({_percent(twice[2])} to {_percent(twice[3])})."
        )
    elif law is not None:
        ahead = f" A power law does not fit (R² {law.explained:.3f}), so none is drawn on."
    if last.val - human < least:
        return Reading("little left", f"Little is left to gain: {step}.{ahead}", law, twice)
    if falls and gains:
        also = ", and both are high and close: a bigger network, too" if high and not gapped else ""
        return Reading("more data", f"More data will help{also}: {step}.{ahead}", law, twice)
    if high and not gapped:
        what = "Both errors are high and close: bias. More data will not help, a bigger network or"
        return Reading("bias", f"{what} longer training may: {step}.{ahead}", law, twice)
    if falls or (twice is not None and gains):
        what = "More data may help, but little or not surely"
        return Reading("open", f"{what}: {step}.{ahead}", law, twice)
    what = "More data of this kind will hardly help: the gap no longer closes"
    return Reading("flat", f"{what}; {step}.{ahead}", law, twice)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}\u00a0%"
