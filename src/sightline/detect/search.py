"""How a classifier searches an image, and what comes of its answers, wherever it looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.detect.nested import outermost
from sightline.errors import DataError
from sightline.types import Annotation

By = Literal["windows", "convolution", "regions"]
Scores = NDArray[np.float32]
BACKGROUND = ("background", "none")  # what such a class is called, in any case
SURE, SURER = 0.5, 0.9  # least confidence with a class of background, and without
PLACES = 4  # of a confidence: below that, ways of computing differ


@dataclass(frozen=True)
class Search:
    """How an image is searched.

    by         windows cut out one by one, one convolution pass a level, or proposed regions
    stride     pixels of a level between windows; by default an eighth of the window's shorter
               side, and by convolution what the network's own is
    step       between levels of the pyramid
    smallest   shorter side of the smallest window in the image's pixels; None is the model's own
    largest    that of the largest; None is as large as the image
    threshold  least confidence; None is 0.5 where a class is background, else 0.9
    overlap    IoU over which the less confident of two boxes goes, of whatever class
    inside     share of a box over which it goes where that much lies in a more confident one
    """

    by: By = "windows"
    stride: int | None = None
    step: float = 1.25
    smallest: float | None = None
    largest: float | None = None
    threshold: float | None = None
    overlap: float = 0.3
    inside: float = 0.6

    def __post_init__(self) -> None:
        shares = {"threshold": self.threshold, "overlap": self.overlap, "inside": self.inside}
        for name, value in shares.items():
            if value is not None and not 0 <= value <= 1:
                raise DataError(f"{name} {value:g}: expected 0 to 1")
        if self.stride is not None and self.stride < 1:
            raise DataError(f"stride {self.stride}: expected at least 1 pixel")

    def least(self, background: Sequence[bool]) -> float:
        """The least confidence of a box, of classes of which these are background."""
        known = SURE if any(background) else SURER
        return known if self.threshold is None else self.threshold


@dataclass(frozen=True, eq=False)
class Found:
    """annotation  boxes in the original's pixels, classes, confidence, the most confident first
    windows     that were looked at
    seconds     it took, the pyramid included
    """

    annotation: Annotation
    windows: int
    seconds: float


def background_of(classes: Sequence[str]) -> list[bool]:
    """Which classes are background, by their names."""
    return [name.lower() in BACKGROUND for name in classes]


def chosen(scores: Scores, background: Sequence[bool], least: float) -> NDArray[np.bool_]:
    """Which places (…) of scores (…, classes) are of an object, surely enough."""
    sure = np.round(scores.max(-1, initial=0), PLACES) >= least
    found: NDArray[np.bool_] = sure & ~np.array(background)[scores.argmax(-1)]
    return found


def detections(
    boxes: NDArray[np.float32], scores: Scores, overlap: float, inside: float = 1.0
) -> Annotation:
    """One box an object: of boxes (n, 4) and their scores (n, classes)
    those that are left when each, the most confident first, has removed the others over it and
    inside it."""
    labels = scores.argmax(1).astype(np.int64)
    sure = np.round(scores.max(1, initial=0), PLACES).astype(np.float32)
    rows = outermost(boxes, sure, overlap, inside)
    return Annotation(boxes=boxes[rows], classes=labels[rows], confidence=sure[rows])
