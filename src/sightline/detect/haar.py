"""Haar cascades (Viola and Jones 2001), with the files that OpenCV brings.

Sums of rectangles, read off an integral image, in stages that soon leave windows without an object:
fast, with many false alarms and touchy parameters (practitioner bundle, 12).
"""

from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.detect.search import Found
from sightline.errors import DataError, UnknownName
from sightline.types import Annotation, Image

START, END = "haarcascade_", ".xml"


def names() -> dict[str, str]:
    """The cascades there are, and OpenCV's files of them: frontalface is the default one."""
    files = sorted((Path(cv2.__file__).parent / "data").glob(f"{START}*{END}"))
    found = {file.name.removeprefix(START).removesuffix(END): str(file) for file in files}
    return {name.removesuffix("_default"): file for name, file in found.items()}


class HaarDetector:
    """One class, called as the cascade.

    step       between sizes that are looked at, above 1
    neighbors  how many windows must agree on an object
    smallest   pixels of the shorter side of what is looked for

    Raises UnknownName, DataError.
    """

    remark = ""

    def __init__(
        self, name: str, step: float = 1.1, neighbors: int = 5, smallest: float | None = None
    ) -> None:
        known = names()
        if name not in known:
            raise UnknownName("cascade", name, known)
        if not 1 < step <= 4:
            raise DataError(f"step {step:g}: expected above 1, to 4")
        self.classes: tuple[str, ...] = (name,)
        self.step, self.neighbors, self.smallest = step, neighbors, smallest
        self._cascade = cv2.CascadeClassifier(known[name])

    def find(self, image: Image) -> Found:
        """What is in an image (h, w, 1 or 3) uint8. The confidence is the last stage's sum through
        a logistic curve: it orders boxes, but is no probability."""
        start = perf_counter()
        gray = np.ascontiguousarray(images.to_channels(image, 1)[..., 0])
        least = max(1, round(self.smallest or 1))
        corners, _, sums = self._cascade.detectMultiScale3(
            gray,
            scaleFactor=self.step,
            minNeighbors=self.neighbors,
            minSize=(least, least),
            outputRejectLevels=True,
        )
        boxes: NDArray[np.float32] = np.asarray(corners, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        sure = (1 / (1 + np.exp(-np.asarray(sums, np.float64)))).reshape(-1).astype(np.float32)
        order = np.argsort(-sure, kind="stable")
        kinds = np.zeros(len(boxes), np.int64)
        found = Annotation(boxes=boxes[order], classes=kinds, confidence=sure[order])
        return Found(found, 0, perf_counter() - start)
