"""R-CNN: regions that may hold an object are proposed, cut out and classified.

Girshick, Donahue, Darrell and Malik 2014; course notes, 6.10. Proposals are those of selective
search; the classifier is any that knows a class of background. Left out: the regression of boxes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from sightline import chance, files, images
from sightline.boxes import iou
from sightline.data import members
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.detect.proposals import proposals
from sightline.detect.search import Found, Search, background_of, chosen, detections
from sightline.detect.windows import classified, cut_out
from sightline.errors import ArtifactError, DataError
from sightline.predictor import ModelPredictor
from sightline.talk import Talk
from sightline.tasks.classification import Classification
from sightline.types import Image

SIDE = 320  # pixels of the longer side of what is proposed on
CONTEXT = 16 / 195  # of a region's side, seen around it: 16 pixels of the paper's 227
OBJECT, NOTHING = 0.5, 0.3  # overlaps with a true box from which, and below which, a region is one
OBJECTS = 0.5  # of an image's regions at most
BACKGROUND = "background"
SHARES = (0.15, 0.15)  # val and test of a set that brings none, as training cuts them


class RegionDetector:
    """Any classifier on proposed regions; see WindowDetector, whose place it takes.

    Raises ArtifactError for a model that is no classifier.
    """

    def __init__(self, predictor: ModelPredictor, search: Search) -> None:
        if not isinstance(predictor.task, Classification):
            raise ArtifactError("regions want a model that gives an image one class of several")
        self.predictor, self.classes, self.search = predictor, predictor.classes, search
        self.background = background_of(self.classes)
        self.remark = ""

    @property
    def threshold(self) -> float:
        """The least confidence of a box."""
        return self.search.least(self.background)

    def find(self, image: Image) -> Found:
        """What is in an image (h, w, 1 or 3) uint8."""
        start = perf_counter()
        image = images.to_channels(image, self.predictor.canvas.channels)
        boxes = proposed(image)
        if self.search.smallest is not None:
            boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(1) >= self.search.smallest]
        scores = classified(self.predictor, image, widened(boxes))
        sure = chosen(scores, self.background, self.threshold)
        found = detections(boxes[sure], scores[sure], self.search.overlap, self.search.inside)
        return Found(found, len(boxes), perf_counter() - start)


def proposed(image: Image) -> NDArray[np.float32]:
    """Boxes (n, 4) in the image's pixels, proposed on it at no more than SIDE pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = images.resize(image, size[::-1]) if scale < 1 else image
    shares = np.array([width / size[0], height / size[1]] * 2)
    return (proposals(images.to_channels(small, 3)) * shares).astype(np.float32)


def widened(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes (n, 4) with their context."""
    around = CONTEXT * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - around, boxes[:, 2:] + around], 1)


@dataclass(frozen=True, eq=False)
class Region:
    """A region of an image (h, w, c), and its class; -1 is background."""

    pixels: Image
    label: int


def regions_of(dataset: Dataset, index: int, count: int, seed: int) -> Iterator[Region]:
    """Up to `count` regions of an image of a set with boxes: true boxes and proposals that overlap
    one by at least OBJECT, at most half; the rest those that overlap none by NOTHING."""
    assert dataset.truths.boxes is not None
    image = dataset[index].image
    truth = dataset.truths.boxes.at(index)
    boxes = np.concatenate([truth["boxes"], proposed(image)])
    shares = iou(boxes, truth["boxes"]) if len(truth["boxes"]) else np.zeros((len(boxes), 1))
    best, owner = shares.max(1), shares.argmax(1)
    order = chance.permutation(seed, index, len(boxes), "regions")
    objects = [row for row in order if best[row] >= OBJECT][: max(1, round(count * OBJECTS))]
    nothing = [row for row in order if best[row] < NOTHING][: count - len(objects)]
    rows = [*objects, *nothing]
    for row, pixels in zip(rows, cut_out(image, widened(boxes[rows])), strict=True):
        label = int(truth["classes"][owner[row]]) if best[row] >= OBJECT else -1
        yield Region(pixels, label)


def write(whole: Splits, to: Path, count: int, seed: int, talk: Talk) -> dict[str, int]:
    """Write the regions of a set as class folders in its parts, cut as training cuts them; how
    many there are of each class.

    Raises DataError for a set without boxes, or a class that is called background; OutputError
    where `to` is there already.
    """
    train = whole.train
    if train.truths.boxes is None:
        raise DataError(f"{train.name} has no boxes, so no regions of objects")
    if odd := [name for name in train.classes if Path(name).name != name]:
        raise DataError(f"{train.name}: class {odd[0]!r} cannot be a folder")
    if any(background_of(train.classes)):
        raise DataError(f"{train.name} has a class of background itself")
    if to.exists():
        raise files.exists_already(to)
    parts = members.assigned(whole, *SHARES, seed)
    counts = dict.fromkeys((*train.classes, BACKGROUND), 0)
    with files.whole_folder(to) as folder, talk.bar("cutting", len(whole)) as (tick, _):
        for part, dataset in parts.items():
            for name in counts:
                (folder / part / name).mkdir(parents=True)
            for index in range(len(dataset)):
                for number, region in enumerate(regions_of(dataset, index, count, seed)):
                    name = BACKGROUND if region.label < 0 else train.classes[region.label]
                    path = folder / part / name / f"{index:06d}-{number:03d}.png"
                    images.write(path, region.pixels)
                    counts[name] += 1
                tick(1)
    return counts
