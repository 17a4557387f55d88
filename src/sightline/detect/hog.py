"""HOG and a linear support vector machine, trained with hard negatives (Dalal and Triggs 2005).

A window's descriptor is its blocks of `scratch.hog`; its score is their product with the machine's
weights, for all windows of a level at once a convolution of the level's grid of blocks. Negatives
are drawn at random, then, in rounds, the windows that the detector wrongly takes for objects.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as arrays_to_bytes

from sightline import files, images
from sightline.boxes.geometry import iou
from sightline.boxes.suppression import suppress
from sightline.data.dataset import Dataset
from sightline.detect.pyramid import Level, pyramid
from sightline.detect.search import Found
from sightline.errors import ArtifactError, DataError
from sightline.scratch.hog import hog
from sightline.types import Annotation, Image, Size

KEY = "sightline-hog"  # of the one metadata entry
CELL, DEEP = 8, 36  # pixels of a cell; numbers of a block of 2x2 cells and 9 directions
LONG, MARGIN = 96, 16  # pixels of an object's longer side in its window, and around it
FAR = 0.3  # IoU with every truth, under which a window is a negative
Tick = Callable[[int], None]


class Shape(BaseModel):
    """What a file says beside its weights: the object's (height, width) in a window, and names."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(max_length=200)
    inside: tuple[int, int]
    format: int = Field(ge=1, le=1)


@dataclass(frozen=True)
class HogDetector:
    """One class, found by its shape.

    weights  (rows, columns, 36) of the blocks of a window
    inside   (height, width) of the object in the middle of the window
    """

    name: str
    weights: NDArray[np.float32]
    bias: float
    inside: Size
    smallest: float | None = None
    threshold: float = 0.5
    step: float = 1.15
    overlap: float = 0.3
    remark: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def window(self) -> Size:
        return (self.weights.shape[0] + 1) * CELL, (self.weights.shape[1] + 1) * CELL

    @property
    def _core(self) -> Size:
        """The window without its margin."""
        return self.window[0] - 2 * MARGIN, self.window[1] - 2 * MARGIN

    def find(self, image: Image) -> Found:
        """What is in an image (h, w, 1 or 3) uint8. The confidence is the distance from the plane,
        of which the margin is 1, through a logistic curve: no probability."""
        start, looked = perf_counter(), 0
        boxes: list[NDArray] = [np.empty((0, 4), np.float32)]
        sure: list[NDArray] = [np.empty(0, np.float32)]
        for level in self.levels(image):
            scores = self.scores(blocks(level.pixels))
            shares = 1 / (1 + np.exp(-scores))
            rows, columns = np.nonzero(shares >= self.threshold)
            boxes.append(level.original(self.boxes(rows, columns)))
            sure.append(shares[rows, columns])
            looked += scores.size
        every, confidence = np.concatenate(boxes), np.concatenate(sure).astype(np.float32)
        every = np.clip(every, 0, np.array(image.shape[1::-1] * 2, np.float32))
        left = suppress(every, confidence, iou=self.overlap)
        kinds = np.zeros(len(left), np.int64)
        found = Annotation(boxes=every[left], classes=kinds, confidence=confidence[left])
        return Found(found, looked, perf_counter() - start)

    def levels(self, image: Image) -> Iterator[Level]:
        """The pyramid, its image widened by the window's margin, so that objects may touch the
        edge; `original` still gives the pixels of the image itself."""
        least = min(self.inside) if self.smallest is None else self.smallest
        for level in pyramid(image, self._core, self.step, least):
            yield Level(_widened(level.pixels, MARGIN), level.scale)

    def scores(self, grid: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, columns) of every window in a level's grid of blocks."""
        maps = torch.from_numpy(grid).permute(2, 0, 1)[None]
        kernel = torch.from_numpy(self.weights).permute(2, 0, 1)[None]
        found: NDArray[np.float32] = torch.conv2d(maps, kernel)[0, 0].numpy()
        return found + np.float32(self.bias)

    def boxes(self, rows: NDArray, columns: NDArray) -> NDArray[np.float64]:
        """(n, 4) of the objects in windows, in pixels of a level before it was widened."""
        spare = [(w - i) / 2 - MARGIN for w, i in zip(self.window, self.inside, strict=True)]
        top, left = rows * CELL + spare[0], columns * CELL + spare[1]
        return np.stack([left, top, left + self.inside[1], top + self.inside[0]], 1)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        told = Shape(name=self.name, inside=self.inside, format=1).model_dump_json()
        arrays = {"weights": self.weights, "bias": np.array([self.bias], np.float32)}
        with files.output_errors(path):
            files.write_bytes(path, arrays_to_bytes(arrays, {KEY: told}), new=True)


def load(path: Path) -> HogDetector:
    """Raises ArtifactError."""
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file; make one: sightline hog SET --to {path}")
    try:
        with safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise ArtifactError(f"{path}: no HOG detector; those come from sightline hog")
            told = Shape.model_validate(json.loads(metadata[KEY]))
            weights, bias = file.get_tensor("weights"), file.get_tensor("bias")
    except (SafetensorError, OSError, ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise ArtifactError(f"{path}: damaged or no HOG detector ({reason})") from None
    right = weights.ndim == 3 and weights.shape[2] == DEEP and weights.dtype == np.float32
    if not right or min(weights.shape) < 1 or bias.shape != (1,):
        raise ArtifactError(f"{path}: weights of {weights.shape}; expected (rows, columns, {DEEP})")
    return HogDetector(told.name, weights, float(bias[0]), told.inside)


def blocks(image: Image) -> NDArray[np.float32]:
    """(rows, columns, 36): the normalized blocks of an image's cells."""
    rows, columns = image.shape[0] // CELL - 1, image.shape[1] // CELL - 1
    return hog(image).reshape(rows, columns, DEEP).astype(np.float32)


def train(
    dataset: Dataset, name: str, rounds: int = 2, seed: int = 0, tick: Tick = lambda _: None
) -> HogDetector:
    """A detector of the boxes of one class, and of their mirror images.

    rounds  of hard negatives, each a search of all images
    tick    is told of each image read; there are (1 + rounds) len(dataset)

    Raises DataError where the set has no such boxes.
    """
    truths = dataset.truths.boxes
    if truths is None or name not in dataset.classes:
        raise DataError(f"{dataset.name}: no boxes of {name}; it has {', '.join(dataset.classes)}")
    kind = dataset.classes.index(name)
    own = [at["boxes"][at["classes"] == kind] for at in map(truths.at, range(len(dataset)))]
    inside = _inside(np.concatenate(own), f"{dataset.name}, {name}")
    window = tuple(-(-(side + 2 * MARGIN) // CELL) * CELL for side in inside)
    blank = np.zeros((window[0] // CELL - 1, window[1] // CELL - 1, DEEP), np.float32)
    detector, rng = HogDetector(name, blank, 0.0, inside), np.random.default_rng(seed)
    positive: list[NDArray] = []
    negative: list[NDArray] = []
    for turn in range(rounds + 1):
        for index, boxes in enumerate(own):
            image = dataset[index].image
            if turn == 0:
                cuts = [_cut(image, box, detector) for box in boxes]
                positive += [blocks(c)[1:-1, 1:-1] for cut in cuts for c in (cut, cut[:, ::-1])]
            negative += _negatives(detector, image, boxes, rng if turn == 0 else None)
            tick(1)
        detector = _fitted(detector, np.stack(positive), np.stack(negative))
    return detector


def _inside(boxes: NDArray, where: str) -> Size:
    """The shape an object has in its window: the median ratio of its sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    sides = sides[(sides > 0).all(1)]
    if not len(sides):
        raise DataError(f"{where}: no boxes")
    ratio = float(np.median(sides[:, 1] / sides[:, 0]))  # height to width
    height, width = (LONG, LONG / ratio) if ratio >= 1 else (LONG * ratio, LONG)
    return max(CELL, round(height)), max(CELL, round(width))


def _widened(image: Image, by: int) -> Image:
    return np.pad(image, ((by, by), (by, by), (0, 0)), "edge")


def _cut(image: Image, box: NDArray, detector: HogDetector) -> Image:
    """A window around a box as tall as its object, and a cell more on every side."""
    scale = detector.inside[0] / max(1.0, float(box[3] - box[1]))
    half = (np.array(detector.window[::-1]) / 2 + CELL) / scale
    middle = (box[:2] + box[2:]) / 2
    low, high = np.floor(middle - half).astype(int), np.ceil(middle + half).astype(int)
    columns, rows = (
        np.clip(np.arange(a, b), 0, side - 1)
        for a, b, side in zip(low, high, image.shape[1::-1], strict=True)
    )
    size = detector.window[0] + 2 * CELL, detector.window[1] + 2 * CELL
    return images.resize(np.ascontiguousarray(image[np.ix_(rows, columns)]), size)


def _negatives(
    detector: HogDetector, image: Image, truths: NDArray, rng: np.random.Generator | None
) -> list[NDArray]:
    """Descriptors of windows far from every truth: some drawn, or the most wrongly taken."""
    found: list[tuple[float, NDArray]] = []
    height, width = detector.weights.shape[:2]
    for level in detector.levels(image):
        grid = blocks(level.pixels)
        scores = detector.scores(grid)
        order = rng.permutation(scores.size) if rng else np.argsort(-scores, axis=None)
        for row, column in zip(*np.unravel_index(order[:40], scores.shape), strict=True):
            box = level.original(detector.boxes(np.array([row]), np.array([column])))[0]
            if len(truths) and iou(box[None], truths).max() >= FAR:
                continue
            if rng is None and scores[row, column] < -1:
                break
            place = grid[row : row + height, column : column + width]
            found.append((rng.random() if rng else -float(scores[row, column]), place))
    found.sort(key=lambda pair: pair[0])
    return [place.copy() for _, place in found[:20]]


def _fitted(detector: HogDetector, positive: NDArray, negative: NDArray) -> HogDetector:
    from sklearn.svm import LinearSVC  # half a second to import

    rows = np.concatenate([positive, negative]).reshape(len(positive) + len(negative), -1)
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    machine: Any = LinearSVC(C=0.01, dual=True, random_state=0, max_iter=5000)
    machine.fit(rows, labels)
    weights = machine.coef_.reshape(detector.weights.shape).astype(np.float32)
    return HogDetector(detector.name, weights, float(machine.intercept_[0]), detector.inside)
