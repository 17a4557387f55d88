"""Batches: canvases gathered or decoded, then turned into inputs on the device by the view."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import chance
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, Dataset, Truths
from sightline.data.views import View, rectangles
from sightline.errors import DataError
from sightline.types import Images

MEMORY_SHARE = 0.25  # of the memory that is free: below it, a set is held as one array of canvases
CHUNK = 256  # images placed at a time while a set is laid on its canvases


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """What a task sees.

    inputs    (n, c, h, w) float32 in [0, 1], channels last in memory
    labels    (n,) int64, or (n, classes) float32 where labels were softened by mixing
    many      (n, classes) float32 of 0 and 1, with `known` of the same shape, bool
    values    (n, k) float32
    indices   (n,) of the data set
    matrices  (n, 2, 3): canvas pixels to input pixels
    """

    inputs: Tensor
    indices: NDArray[np.int64]
    labels: Tensor | None = None
    many: Tensor | None = None
    known: Tensor | None = None
    values: Tensor | None = None
    matrices: NDArray[np.float64] | None = None


def targets(truths: Truths, device: torch.device) -> dict[str, Tensor]:
    """A batch's target columns on the device."""
    if truths.label is not None:
        return {"labels": torch.from_numpy(truths.label).to(device)}
    if truths.labels is not None:
        yes = torch.from_numpy(truths.labels).to(device)
        return {"many": (yes == 1).float(), "known": yes >= 0}
    return {"values": torch.from_numpy(truths.column).to(device)}


class OnCanvas(Dataset):
    """Another set, its images laid on a canvas: decoded when asked for, nothing kept."""

    def __init__(self, whole: Dataset, canvas: Canvas) -> None:
        self.whole, self.canvas = whole, canvas
        self.name, self.classes = whole.name, whole.classes
        self.truths, self.top = whole.truths, whole.top

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        return stacked(self.whole.images(indices), self.canvas)

    def source(self, index: int) -> str:
        return self.whole.source(index)


def stacked(images: Images, canvas: Canvas) -> NDArray[np.uint8]:
    """Images on their canvases as one array (n, h, w, c); for rules of one canvas an image."""
    if canvas.mode in ("native", "tile"):
        raise DataError(f"canvas mode {canvas.mode} has no batches of one size; use contain")
    out = np.empty((len(images), *canvas.size, canvas.channels), np.uint8)
    for target, image in zip(out, images, strict=True):
        target[...] = canvas.place(image)[0].pixels
    return out


def free_memory() -> int:
    """Bytes that could be used now, as far as the system tells; 4 GB where it does not."""
    try:
        with open("/proc/meminfo", encoding="ascii") as table:  # noqa: PTH123
            rows = dict(line.split(":", 1) for line in table)
        return int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 4 * 2**30


def on_canvas(
    dataset: Dataset, canvas: Canvas, tick: Callable[[int], None] = lambda _: None
) -> Dataset:
    """The set on its canvases: one array where that fits in memory, else decoded as it goes.

    `tick` is called with the number of images done since the last call.
    """
    needed = len(dataset) * canvas.size[0] * canvas.size[1] * canvas.channels
    if needed > MEMORY_SHARE * free_memory():
        return OnCanvas(dataset, canvas)
    out = np.empty((len(dataset), *canvas.size, canvas.channels), np.uint8)
    for start in range(0, len(dataset), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset)))
        out[rows] = stacked(dataset.images(rows), canvas)
        tick(len(rows))
    return ArrayDataset(
        out, dataset.truths, dataset.classes, dataset.name, dataset.top, source=dataset.source
    )


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
            yield from (self._made(epoch, rows, self.dataset.images(rows)) for rows in parts)
            return
        with ThreadPoolExecutor(1) as ahead:
            waiting = [ahead.submit(self.dataset.images, rows) for rows in parts[:2]]
            for number, rows in enumerate(parts):
                images = waiting.pop(0).result()
                if number + 2 < len(parts):
                    waiting.append(ahead.submit(self.dataset.images, parts[number + 2]))
                yield self._made(epoch, rows, images)

    def _made(self, epoch: int, rows: NDArray[np.int64], images: Images) -> Batch:
        canvases = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        size = canvases.shape[1], canvases.shape[2]
        maps = self.view.draw(size, self.seed, epoch, rows)
        inputs = self.view.train_inputs(canvases, maps)
        columns = targets(self.dataset.truths.take(rows), self.device)
        if self.view.augment.mixup or self.view.augment.cutmix:
            inputs, columns = self._mixed(epoch, rows, inputs, columns)
        return Batch(inputs=inputs, indices=rows, matrices=maps.matrices, **columns)

    def _mixed(
        self, epoch: int, rows: NDArray[np.int64], inputs: Tensor, columns: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Mixup or cutmix for the whole batch, its partners a permutation of itself."""
        augment, first = self.view.augment, rows[:1]
        which = float(chance.uniform(self.seed, epoch, first, "mix")[0])
        if "labels" not in columns or which >= augment.mixup + augment.cutmix:
            return inputs, columns
        key = chance.seed_of(self.seed, epoch, f"partners-{first[0]}")
        partners = torch.from_numpy(chance.permutation(key, 0, len(rows), "partners"))
        share = float(chance.uniform(self.seed, epoch, first, "mix-share")[0])
        if which < augment.mixup:
            inputs = torch.lerp(inputs, inputs[partners], share)
        else:
            area = np.array([share])
            top, left, bottom, right = rectangles(
                self.view.size, area, self.seed, epoch, first, "cutmix"
            )[0]
            inputs = inputs.clone()
            inputs[:, :, top:bottom, left:right] = inputs[partners][:, :, top:bottom, left:right]
            share = float((bottom - top) * (right - left)) / (inputs.shape[2] * inputs.shape[3])
        classes = len(self.dataset.classes)
        one_hot = torch.nn.functional.one_hot(columns["labels"], classes).float()
        return inputs, {"labels": torch.lerp(one_hot, one_hot[partners], share)}
