"""Batches: canvases gathered or decoded, then turned into inputs on the device by the view."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import chance
from sightline.data import geometry, landmarks, mosaic
from sightline.data.augment import Maps, require_boxes
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset, Dataset
from sightline.data.draws import Draw, Rows, rectangles
from sightline.data.placing import batch_of
from sightline.data.transfer import put, sent
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError

DEVICE_SHARE = 0.1  # of a GPU's free memory, below which a set in memory lies there whole


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
    matrices  (n, 2, 3): canvas pixels to input pixels, before four are laid together as a mosaic
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


def targets(
    truths: Truths, view: View, maps: Maps, device: torch.device, names: Sequence[str]
) -> dict[str, Tensor]:
    """A batch's target columns on the device; what has a place goes through the batch's maps.

    names  the set's classes: where they are landmarks, partners change places in mirrored images
    """
    out: dict[str, Any] = {}
    if truths.label is not None:
        out["labels"] = truths.label
    if truths.labels is not None:
        out |= {"many": (truths.labels == 1).astype(np.float32), "known": truths.labels >= 0}
    if truths.values is not None:
        out["values"] = truths.values
    if truths.boxes is not None:
        boxes = _seen(truths.boxes, view, maps)
        out |= {"boxes": boxes.boxes, "box_images": boxes.images, "box_classes": boxes.classes}
        if boxes.instances is not None:
            out["instances"] = boxes.instances.masks(view.size)
    if truths.masks is not None:
        masks = np.stack([truths.masks.at(i) for i in range(len(truths))])
        moved = geometry.moved_masks(masks, maps.matrices, view.size, view.border)
        out["masks"] = moved.astype(np.int64)
    if truths.landmarks is not None:
        known = names if truths.task == "landmarks" else ()
        out["landmarks"] = landmarks.moved(truths.landmarks, maps.matrices, known)
    return {name: put(column, device) for name, column in out.items()}


def _seen(boxes: Boxes, view: View, maps: Maps) -> Boxes:
    """What is left of a batch's objects in its inputs."""
    keep = view.augment.keep
    if maps.quarters is None:
        return geometry.moved_boxes(boxes, maps.matrices, view.size, keep)
    return mosaic.boxes(boxes, maps.matrices, maps.quarters, view.size, keep)


def _on_device(dataset: Dataset, device: torch.device) -> Tensor | None:
    """The pixels of a set in memory, on a GPU that has room for them."""
    if device.type != "cuda" or not isinstance(dataset, ArrayDataset):
        return None
    free, _ = torch.cuda.mem_get_info(device)
    if dataset.pixels is None or dataset.pixels.nbytes > DEVICE_SHARE * free:
        return None
    return torch.from_numpy(dataset.pixels).to(device)


class Loader:
    """Training batches of a set of canvases; epoch e is the same whenever and however it is read.

    batch   images of one optimizer step, over all its pieces and processes
    pieces  micro-batches into which a process divides its share of a batch
    share   (rank, number of processes): which of equal shares of each batch is read here

    A last batch too small to give each process two images is left out: batch norm cannot learn
    from one. Images in memory go to the device once, where a tenth of its free memory holds them.
    """

    def __init__(
        self,
        dataset: Dataset,
        view: View,
        batch: int,
        seed: int,
        device: torch.device,
        *,
        pieces: int = 1,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if len(dataset) < 2 * share[1]:
            raise DataError(
                f"{dataset.name}: {len(dataset)} training images; at least {2 * share[1]} are "
                "needed" + (f", two for each of {share[1]} processes" if share[1] > 1 else "")
            )
        if share[1] > 1 and batch < 2 * share[1]:
            raise DataError(f"batches of {batch} images are too small for {share[1]} processes")
        require_boxes(view.augment, dataset.truths.boxes is not None, dataset.name)
        if dataset.truths.task == "landmarks":
            for key in ("flip", "flip_vertical"):
                if getattr(view.augment, key):
                    what = f"{dataset.name}: augment.{key}"
                    landmarks.require_partners(dataset.classes, what, f"set augment.{key}=false")
        self.dataset, self.view, self.batch = dataset, view, batch
        self.seed, self.device, self.pieces, self.share = seed, device, pieces, share
        self._resident = _on_device(dataset, device)

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch)
        return max(1, whole + (rest >= 2 * self.share[1]))

    def rows(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Which images batch `number` of an epoch holds, over all processes; also long after, to
        name a bad one."""
        order = chance.permutation(self.seed, epoch, len(self.dataset), "order")
        return order[number * self.batch : (number + 1) * self.batch]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The pieces of an epoch one by one, from batch `start` on."""
        for pieces in self.steps(epoch, start):
            yield from pieces

    def steps(self, epoch: int, start: int = 0) -> Iterator[list[Batch]]:
        """The batches of an epoch, each in its pieces, from batch `start` on. What is next is
        decoded beside training."""
        order = chance.permutation(self.seed, epoch, len(self.dataset), "order")
        steps = [
            self._divided(order[number * self.batch : (number + 1) * self.batch])
            for number in range(start, len(self))
        ]
        if isinstance(self.dataset, ArrayDataset):  # a gather is quicker than handing it over
            for parts in steps:
                yield [self._made(epoch, rows, *self._gathered(rows)) for rows in parts]
            return
        with ThreadPoolExecutor(1) as ahead:
            jobs = (ahead.submit(batch_of, self.dataset, rows) for parts in steps for rows in parts)
            waiting = deque(islice(jobs, 2))
            for parts in steps:
                step = []
                for rows in parts:
                    images, truths = waiting.popleft().result()
                    waiting.extend(islice(jobs, 1))
                    step.append(self._made(epoch, rows, torch.from_numpy(images), truths))
                yield step

    def _divided(self, rows: Rows) -> list[Rows]:
        """This process's share of a batch, in its pieces: of two images at the least."""
        if self.share[1] == self.pieces == 1:
            return [rows]
        mine = np.array_split(rows, self.share[1])[self.share[0]]
        return np.array_split(mine, max(1, min(self.pieces, len(mine) // 2)))

    def _gathered(self, rows: Rows) -> tuple[Tensor, Truths]:
        if self._resident is None:
            images, truths = batch_of(self.dataset, rows)
            return torch.from_numpy(np.ascontiguousarray(images)), truths
        return self._resident[put(rows, self.device)], self.dataset.truths.take(rows)

    def _made(self, epoch: int, rows: Rows, images: Tensor, truths: Truths) -> Batch:
        canvases = sent(images, self.device)
        size = canvases.shape[1], canvases.shape[2]
        maps = self.view.draw(size, self.seed, epoch, rows, truths.boxes)
        inputs = self.view.train_inputs(canvases, maps)
        columns = targets(truths, self.view, maps, self.device, self.dataset.classes)
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
        order = Draw(self.seed, epoch, rows).partners("partners")
        partners = put(order, inputs.device)
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
