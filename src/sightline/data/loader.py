"""Batches: canvases gathered or decoded, then turned into inputs on the device by the view."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import chance
from sightline.data import geometry
from sightline.data.augment import Draw, Maps, Rows, rectangles
from sightline.data.dataset import ArrayDataset, Dataset
from sightline.data.placing import batch_of
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError
from sightline.types import Images


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """What a task sees.

    inputs    (n, c, h, w) float32 in [0, 1], channels last in memory
    indices   (n,) of the data set
    labels    (n,) int64, or (n, classes) float32 where labels were softened by mixing
    many      (n, classes) float32 of 0 and 1, with `known` of the same shape, bool
    values    (n, k) float32
    boxes     (m, 4) float32 in input pixels, with `box_classes` (m,) int64 and `box_images` (m,)
              int64, the row of the batch
    instances (m, h, w) uint8, the mask of each box
    masks     (n, h, w) int64; 255 where nothing is known
    landmarks (n, k, 2) float32 in input pixels
    matrices  (n, 2, 3): canvas pixels to input pixels
    """

    inputs: Tensor
    indices: NDArray[np.int64]
    labels: Tensor | None = None
    many: Tensor | None = None
    known: Tensor | None = None
    values: Tensor | None = None
    boxes: Tensor | None = None
    box_images: Tensor | None = None
    box_classes: Tensor | None = None
    instances: Tensor | None = None
    masks: Tensor | None = None
    landmarks: Tensor | None = None
    matrices: NDArray[np.float64] | None = None


def targets(truths: Truths, view: View, maps: Maps, device: torch.device) -> dict[str, Tensor]:
    """A batch's target columns on the device; what has a place goes through the batch's maps."""
    out: dict[str, Any] = {}
    if truths.label is not None:
        out["labels"] = truths.label
    if truths.labels is not None:
        out |= {"many": (truths.labels == 1).astype(np.float32), "known": truths.labels >= 0}
    if truths.values is not None:
        out["values"] = truths.values
    if truths.boxes is not None:
        boxes = geometry.moved_boxes(truths.boxes, maps.matrices, view.size)
        out |= {"boxes": boxes.boxes, "box_images": boxes.images, "box_classes": boxes.classes}
        if boxes.instances is not None:
            out["instances"] = boxes.instances.masks(view.size)
    if truths.masks is not None:
        masks = np.stack([truths.masks.at(i) for i in range(len(truths))])
        moved = geometry.moved_masks(masks, maps.matrices, view.size, view.border)
        out["masks"] = moved.astype(np.int64)
    if truths.landmarks is not None:
        out["landmarks"] = geometry.moved_points(truths.landmarks, maps.matrices)
    return {
        name: torch.from_numpy(np.ascontiguousarray(column)).to(device)
        for name, column in out.items()
    }


class Loader:
    """Training batches of a set of canvases; epoch e is the same whenever and however it is read.

    A last batch of one image is left out: batch norm cannot learn from it.
    """

    def __init__(
        self,
        dataset: Dataset,
        view: View,
        batch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        if len(dataset) < 2:
            raise DataError(
                f"{dataset.name}: {len(dataset)} training images; at least 2 are needed"
            )
        self.dataset, self.view, self.batch = dataset, view, batch
        self.seed, self.device = seed, device

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch)
        return max(1, whole + (rest > 1))

    def rows(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Which images batch `number` of an epoch holds; also long after, to name a bad one."""
        order = chance.permutation(self.seed, epoch, len(self.dataset), "order")
        return order[number * self.batch : (number + 1) * self.batch]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on. The next is decoded beside training."""
        order = chance.permutation(self.seed, epoch, len(self.dataset), "order")
        parts = [
            order[number * self.batch : (number + 1) * self.batch]
            for number in range(start, len(self))
        ]
        if isinstance(self.dataset, ArrayDataset):  # a gather is quicker than handing it over
            yield from (self._made(epoch, rows, *batch_of(self.dataset, rows)) for rows in parts)
            return
        with ThreadPoolExecutor(1) as ahead:
            waiting = [ahead.submit(batch_of, self.dataset, rows) for rows in parts[:2]]
            for number, rows in enumerate(parts):
                images, truths = waiting.pop(0).result()
                if number + 2 < len(parts):
                    waiting.append(ahead.submit(batch_of, self.dataset, parts[number + 2]))
                yield self._made(epoch, rows, images, truths)

    def _made(self, epoch: int, rows: Rows, images: Images, truths: Truths) -> Batch:
        canvases = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        maps = self.view.draw((canvases.shape[1], canvases.shape[2]), self.seed, epoch, rows)
        inputs = self.view.train_inputs(canvases, maps)
        columns = targets(truths, self.view, maps, self.device)
        if self.view.augment.mixup or self.view.augment.cutmix:
            inputs, columns = self._mixed(epoch, rows, inputs, columns)
        return Batch(inputs=inputs, indices=rows, matrices=maps.matrices, **columns)

    def _mixed(
        self, epoch: int, rows: Rows, inputs: Tensor, columns: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Mixup or cutmix for the whole batch, its partners a permutation of itself."""
        augment, d = self.view.augment, Draw(self.seed, epoch, rows[:1])
        which = float(d.even("mix", 0, 1)[0])
        if "labels" not in columns or which >= augment.mixup + augment.cutmix:
            return inputs, columns
        key = chance.seed_of(self.seed, epoch, f"partners-{rows[0]}")
        order = chance.permutation(key, 0, len(rows), "partners")
        partners = torch.from_numpy(order).to(inputs.device)
        share = float(d.even("mix-share", 0, 1)[0])
        if which < augment.mixup:
            inputs = torch.lerp(inputs, inputs[partners], share)
        else:
            area = np.array([share])
            top, left, bottom, right = rectangles(d, self.view.size, area, "cutmix")[0]
            inputs = inputs.clone()
            inputs[:, :, top:bottom, left:right] = inputs[partners][:, :, top:bottom, left:right]
            share = float((bottom - top) * (right - left)) / (inputs.shape[2] * inputs.shape[3])
        classes = len(self.dataset.classes)
        one_hot = torch.nn.functional.one_hot(columns["labels"], classes).float()
        return inputs, {"labels": torch.lerp(one_hot, one_hot[partners], share)}
