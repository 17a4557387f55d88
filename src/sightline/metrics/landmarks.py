"""Landmarks: how far from the truth they are said to be.

Errors are distances in pixels of the original; normalized, they are shares of the diagonal of the
box around an image's true landmarks, so that large and small things count alike. `pck` is the
percentage of correct keypoints of Yang and Ramanan (2013), with that diagonal as its measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.meter import Meter
from sightline.types import Annotation

NEAR = 0.1  # of the diagonal, up to which a landmark counts as found


@dataclass(frozen=True)
class LandmarkRow:
    """The errors of one landmark where it is visible; nan where it is in no image.

    visible  images that show it
    error    mean distance in pixels; `median`, and `worst`
    nme      mean distance as a share of the diagonal
    pck      share within a tenth of the diagonal
    """

    name: str
    visible: int
    error: float
    median: float
    worst: float
    nme: float
    pck: float


@final
class LandmarkMeter(Meter):
    """Figures of all visible landmarks; what is said of hidden ones counts nowhere.

    error  mean distance in pixels, over landmarks
    nme    mean over images of the mean normalized distance of each (300-W, Sagonas et al. 2013, but
           for the measure); images whose visible landmarks span no box, as one alone, are left out
    pck    share of the landmarks of those images within a tenth of the diagonal
    images all that were taken in
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._truth: list[NDArray[np.float64]] = []
        self._guess: list[NDArray[np.float64]] = []

    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],  # noqa: ARG002
    ) -> None:
        for guess, truth in zip(predictions, truths, strict=True):
            assert guess.landmarks is not None and truth.landmarks is not None
            self._guess.append(guess.landmarks.astype(np.float64))
            self._truth.append(truth.landmarks.astype(np.float64))

    def merge(self, other: Self) -> None:
        self._truth += other._truth
        self._guess += other._guess

    def distances(self) -> NDArray[np.float64]:
        """(images, landmarks) pixels between truth and guess; nan where not visible."""
        if not self._truth:
            return np.empty((0, len(self.classes)))
        return np.hypot(*np.moveaxis(np.stack(self._guess) - np.stack(self._truth), 2, 0))

    def diagonals(self) -> NDArray[np.float64]:
        """(images,) of the box around the true landmarks; nan where they span none."""
        return np.array([_diagonal(truth) for truth in self._truth])

    def of_images(self) -> NDArray[np.float64]:
        """(images,) the mean normalized distance of each; nan where there is none."""
        shares = self.distances() / self.diagonals()[:, None]
        seen = ~np.isnan(_of(self._truth, shares.shape))
        return np.array([_mean(row[there]) for row, there in zip(shares, seen, strict=True)])

    def table(self) -> list[LandmarkRow]:
        """A row a landmark."""
        away = self.distances()
        shares, seen = away / self.diagonals()[:, None], ~np.isnan(_of(self._truth, away.shape))
        rows = []
        for number, name in enumerate(self.classes):
            pixels, share = away[seen[:, number], number], shares[seen[:, number], number]
            share = share[~np.isnan(share)]
            rows.append(
                LandmarkRow(
                    name,
                    len(pixels),
                    _mean(pixels),
                    float(np.median(pixels)) if len(pixels) else np.nan,
                    float(pixels.max()) if len(pixels) else np.nan,
                    _mean(share),
                    _mean(share <= NEAR),
                )
            )
        return rows

    def result(self) -> dict[str, float]:
        away = self.distances()
        seen = ~np.isnan(_of(self._truth, away.shape))
        shares = away / self.diagonals()[:, None]
        known = seen & ~np.isnan(self.diagonals())[:, None]
        normalized = self.of_images()
        return {
            "error": _mean(away[seen]),
            "nme": _mean(normalized[~np.isnan(self.diagonals())]),
            "pck": _mean(shares[known] <= NEAR),
            "images": float(len(away)),
        }


def _of(truths: Sequence[NDArray[np.float64]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(images, landmarks), nan where a truth is not visible."""
    return np.stack(truths).sum(2) if truths else np.empty(shape)


def _diagonal(truth: NDArray[np.float64]) -> float:
    seen = truth[~np.isnan(truth).any(1)]
    across = float(np.hypot(*np.ptp(seen, axis=0))) if len(seen) else 0.0
    return across if across > 0 else np.nan


def _mean(values: NDArray[np.bool_] | NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else np.nan
