"""Objects found by a classifier: windows slid over an image pyramid, or the same in one pass.

Sliding windows say where, the pyramid says how large, suppression leaves one box an object
(practitioner bundle, 12). By convolution a network answers for all windows of a level at once
(course, 6.4; Sermanet et al. 2013): its layers are computed once where windows overlap.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import images
from sightline.data.dataset import as_uint8
from sightline.detect.pyramid import pyramid
from sightline.detect.search import Found, Scores, Search, background_of, chosen, detections
from sightline.errors import ArtifactError
from sightline.models import Network
from sightline.models.convert import Convolutional, convolutional
from sightline.predictor import BATCH, ModelPredictor, TorchPredictor
from sightline.tasks.classification import Classification
from sightline.types import Annotation, Image, Size

Scan = Callable[[Image], Scores]  # a level (h, w, c) to (rows, columns, classes)
AT_ONCE = 2**22  # pixels of a level in one pass


class WindowDetector:
    """Any classifier as a detector: a network, a learner, a learner on features, an ensemble.

    window  (height, width) that the model sees, which is its canvas
    stride  (down, across) in pixels of a level
    remark  what there is to know of its answers, or ""

    Raises ArtifactError for a model that is no classifier, or that cannot answer in one pass;
    RecipeError from `convolutional`.
    """

    def __init__(self, predictor: ModelPredictor, search: Search | None = None) -> None:
        self.search = search = search or Search()
        if not isinstance(predictor.task, Classification):
            raise ArtifactError("windows want a model that gives an image one class of several")
        self.predictor, self.classes = predictor, predictor.classes
        self.window: Size = predictor.canvas.size
        self.background = background_of(self.classes)
        self.remark = ""
        if search.by == "convolution":
            self.stride, self._scan = self._one_pass()
        else:
            step = search.stride or max(1, min(self.window) // 8)
            self.stride = (step, step)
            self._scan = partial(scan, predictor, window=self.window, stride=self.stride)

    @property
    def threshold(self) -> float:
        """The least confidence of a box."""
        return self.search.least(self.background)

    def find(self, image: Image) -> Found:
        """What is in an image (h, w, 1 or 3) uint8."""
        start, asked = perf_counter(), self.search
        image = images.to_channels(image, self.predictor.canvas.channels)
        boxes, scores, looked = [np.empty((0, 4), np.float32)], [], 0
        for level in pyramid(image, self.window, asked.step, asked.smallest, asked.largest):
            table = self._scan(level.pixels)
            rows, columns = self._chosen(table)
            scores.append(table[rows, columns])
            boxes.append(level.original(self._corners(rows, columns)))
            looked += table.shape[0] * table.shape[1]
        found = detections(
            np.concatenate(boxes), np.concatenate(scores), asked.overlap, asked.inside
        )
        return Found(found, looked, perf_counter() - start)

    def _chosen(self, table: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of windows whose class is no background, surely enough."""
        rows, columns = np.nonzero(chosen(table, self.background, self.threshold))
        return rows, columns

    def _corners(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        top, left = rows * self.stride[0], columns * self.stride[1]
        return np.stack([left, top, left + self.window[1], top + self.window[0]], 1).astype(float)

    def _one_pass(self) -> tuple[tuple[int, int], Scan]:
        model = self.predictor
        if not isinstance(model, TorchPredictor) or not isinstance(model.model, Network):
            raise ArtifactError(
                "only a network can answer for all windows in one pass; for a learner or an "
                "ensemble slide them: --by windows"
            )
        if model.view.test != "center":
            raise ArtifactError(f"one pass has no place for views by {model.view.test}")
        found = convolutional(model.model, model.canvas.channels, model.view.size)
        steps = found.stride if self.search.stride is None else (self.search.stride,) * 2
        if any(step % own for step, own in zip(steps, found.stride, strict=True)):
            down, across = found.stride
            raise ArtifactError(
                f"stride {self.search.stride}: in one pass it is a multiple of the network's own, "
                f"{down}" + (f" down and {across} across" if down != across else "")
            )
        if not found.exact:
            self.remark = (
                "the network pads its maps: in one pass windows see their neighbors where cut out "
                "they see zeros, so its answers are near to those of --by windows, not the same"
            )
        thin = steps[0] // found.stride[0], steps[1] // found.stride[1]
        return steps, partial(one_pass, model, found, thin)


def scan(predictor: ModelPredictor, level: Image, window: Size, stride: tuple[int, int]) -> Scores:
    """(rows, columns, classes) scores of all windows of a level (h, w, c), cut out and classified
    in batches."""
    every = np.lib.stride_tricks.sliding_window_view(level, window, (0, 1))
    every = np.moveaxis(every[:: stride[0], :: stride[1]], 2, -1)  # (rows, columns, h, w, c)
    rows, columns = every.shape[:2]
    out = np.empty((rows * columns, len(predictor.classes)), np.float32)
    for first in range(0, rows * columns, BATCH):
        last = min(first + BATCH, rows * columns)
        at = np.unravel_index(np.arange(first, last), (rows, columns))
        out[first:last] = _table(predictor.predict(every[at]))
    return out.reshape(rows, columns, -1)


def one_pass(
    predictor: TorchPredictor, found: Convolutional, thin: tuple[int, int], level: Image
) -> Scores:
    """The same by convolution; of its answers each `thin`-th, down and across. Large levels in
    bands of AT_ONCE pixels."""
    top, left, _ = predictor.view.windows(predictor.canvas.size)[0]
    spare = [c - v for c, v in zip(predictor.canvas.size, predictor.view.size, strict=True)]
    height, width = level.shape[0] - spare[0], level.shape[1] - spare[1]
    seen = level[top : top + height, left : left + width]  # each canvas's middle
    pixels = np.ascontiguousarray(as_uint8(seen, predictor.view.top, "level"))
    twin = TorchPredictor(
        found, predictor.task, predictor.canvas, predictor.view, predictor.device,
        predictor.precision,
    )  # fmt: skip
    bands = []
    for first, last in _bands((height, width), found):
        part = torch.from_numpy(pixels[first:last])[None].to(predictor.device)
        with torch.inference_mode():
            raw = twin.forward(predictor.view.floats(part))
        (maps,) = raw.tensors.values()  # (1, classes, rows, columns)
        flat = type(raw)({name: maps[0].flatten(1).T for name in raw.tensors})
        answers = predictor.task.decode(flat)
        bands.append(_table(answers).reshape(*maps.shape[2:], -1))
    return np.concatenate(bands)[:: thin[0], :: thin[1]]


def _bands(size: Size, found: Convolutional) -> Iterator[tuple[int, int]]:
    """First and last row of pixels of each band; every window lies in one, once."""
    (height, width), window, step = size, found.window[0], found.stride[0]
    many = max(1, (AT_ONCE // width - window) // step + 1)  # rows of windows in a band
    for first in range(0, (height - window) // step + 1, many):
        yield first * step, min(height, (first + many - 1) * step + window)


def classified(predictor: ModelPredictor, image: Image, boxes: NDArray) -> Scores:
    """(n, classes) scores of regions of an image, each cut out and laid on the model's canvas.

    boxes  (n, 4) x0, y0, x1, y1; rounded outwards to whole pixels, and cut at the image's edge
    """
    out = [np.empty((0, len(predictor.classes)), np.float32)]
    for first in range(0, len(boxes), BATCH):
        out.append(_table(predictor.predict(cut_out(image, boxes[first : first + BATCH]))))
    return np.concatenate(out)


def cut_out(image: Image, boxes: NDArray) -> list[Image]:
    """The regions of an image in boxes (n, 4), rounded outwards and cut at the image's edge."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(boxes[:, :2]), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, [width, height]).astype(int)
    corners = zip(low, high, strict=True)
    return [np.ascontiguousarray(image[y0:y1, x0:x1]) for (x0, y0), (x1, y1) in corners]


def _table(answers: Sequence[Annotation]) -> Scores:
    rows: list[Any] = [answer.scores for answer in answers]
    return np.stack(rows)
