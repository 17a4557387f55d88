"""Whether probabilities are what they say: of the answers given 80 %, are 80 % right?

Reliability diagram and expected calibration error as Guo et al. 2017, "On Calibration of Modern
Neural Networks": bins of equal width over the confidence, (low, high].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TINY = 1e-12  # below any float32 probability worth telling apart; keeps the logarithm finite
BINS = 15  # of Guo et al.
COLDEST, HOTTEST = 0.05, 20.0  # temperatures that are looked at


@dataclass(frozen=True, eq=False)
class Reliability:
    """What each bin of confidence holds; arrays are (bins,), 0 where a bin is empty.

    count       answers in it
    confidence  their mean confidence
    accuracy    the share of them that is right
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def bins(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Count, confidence and accuracy."""
        return self.count, self.confidence, self.accuracy

    @property
    def gaps(self) -> NDArray[np.float64]:
        """(bins,) confidence less accuracy: above 0 where answers are too sure."""
        return self.confidence - self.accuracy

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean of |gap|, a bin weighing as many as it holds."""
        return float((self.count * np.abs(self.gaps)).sum() / max(1, self.count.sum()))

    @property
    def mce(self) -> float:
        """Maximum calibration error: the largest |gap|."""
        return float(np.abs(self.gaps).max())

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count.tolist(),
            "confidence": self.confidence.tolist(),
            "accuracy": self.accuracy.tolist(),
        }

    @staticmethod
    def from_dict(found: dict[str, Any]) -> "Reliability":
        return Reliability(
            np.array(found["count"], np.int64),
            np.array(found["confidence"], np.float64),
            np.array(found["accuracy"], np.float64),
        )


def reliability(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """The bins of answers with a confidence (n,) in [0, 1], each right or not (n,)."""
    sure = np.asarray(confidence, np.float64)
    edges = np.linspace(0, 1, bins + 1)
    at = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    count = np.bincount(at, minlength=bins)
    many = np.maximum(count, 1)
    return Reliability(
        count.astype(np.int64),
        np.bincount(at, weights=sure, minlength=bins) / many,
        np.bincount(at, weights=np.asarray(right, np.float64), minlength=bins) / many,
    )


def likelier(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probability of the likeliest class of each image (n,), and whether it is the right one, from
    the same of its answer, which by a threshold of two classes may be the other one."""
    sure, good = np.asarray(confidence, np.float64), np.asarray(right, bool)
    if classes != 2:
        return sure, good
    return np.maximum(sure, 1 - sure), np.where(sure < 0.5, ~good, good)


def negative_log_likelihood(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """The mean of -ln of the truth's probability; scores (n, k) add up to 1, truth (n,)."""
    of_truth = np.asarray(scores, np.float64)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(of_truth, TINY)).mean())


def brier(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Brier's score (1950), 0 to 2: the mean over images of the sum over classes of squared
    differences from the truth. For two classes it is twice what is sometimes given."""
    wanted = np.eye(np.shape(scores)[1])[truth]
    return float(((np.asarray(scores, np.float64) - wanted) ** 2).sum(1).mean())


def tempered(scores: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Probabilities (n, k) as they would be had the logits been divided by the temperature.

    softmax(z / T) and softmax(ln(softmax(z)) / T) are equal, so no logits are needed; the order
    of the classes stays. Probabilities below the smallest float32 are taken for that.
    """
    logits = _logits(scores) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return found


def _logits(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    floor = float(np.finfo(np.float32).tiny)
    found: NDArray[np.float64] = np.log(np.maximum(np.asarray(scores, np.float64), floor))
    return found


def fitted_temperature(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """The temperature of the least negative log likelihood (Guo et al. 2017), 0.05 to 20.

    scores (n, k) and truth (n,) of a validation part. In 1 / T that likelihood is convex, so its
    slope is halved down to zero. Where every answer is right, no temperature is too cold, and 0.05
    is what comes back; likewise 20 where answers are worse than none.
    """
    logits = _logits(scores)
    of_truth = logits[np.arange(len(truth)), truth]

    def slope(inverse: float) -> float:
        powers = np.exp(inverse * (logits - logits.max(1, keepdims=True)))
        expected = (powers * logits).sum(1) / powers.sum(1)
        return float((expected - of_truth).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope(low) >= 0:
        return HOTTEST
    if slope(high) <= 0:
        return COLDEST
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)
