"""Packs: a set on its canvases in one HDF5 file, read by memory map.

    /about              JSON: kind, format, name, classes, top, canvas
    /train /train-dev /val /test   a group a part
        images    (n, h, w, c) uint8, contiguous
        label, labels, values, landmarks, box_*, masks, targets   the truths, on the canvas
        matrices  of landmarks (n, 2, 3): the original's pixels to the canvas's
        sources   (n,) where each image came from, bytes
        mean      (c,) of the part's pixels, 0 to 1

Images lie in the file as they lie in memory, so a batch is one gather from the system's page cache
and any number of processes share it. Training on a pack is training on the set with the pack's
canvas; asked for another canvas, the stored one is placed on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sightline.data import columns, geometry, stored
from sightline.data.boxes import Boxes, Instances
from sightline.data.canvas import ONE_SIZE, Canvas
from sightline.data.columns import Column, Columns, Writer
from sightline.data.dataset import Dataset
from sightline.data.placing import factor, laid
from sightline.data.split import PART_NAMES, Splits
from sightline.errors import DataError
from sightline.types import Images

CHUNK = 16  # images in memory at their full size while writing
SUFFIXES = (".h5", ".hdf5")
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class About:
    """What a pack says of itself; of its parts all alike."""

    name: str
    classes: tuple[str, ...]
    top: int
    canvas: Canvas
    kind: Literal["images"] = "images"
    format: Literal[1] = 1


def recognises(path: Path) -> bool:
    """Whether a file is HDF5, as packs are."""
    return path.is_file() and columns.recognises(path)


def write(
    path: Path, splits: Splits, canvas: Canvas, tick: Callable[[int], None] = lambda _: None
) -> None:
    """Pack every part; `tick` is called with the number of images done since the last call.

    Memory stays at a chunk of images; the file appears whole or not at all. Raises OutputError
    where `path` is taken or cannot be written, DataError where the set cannot be read or packed.
    """
    _require_alike(splits, canvas)
    train = splits.train
    about = About(train.name, train.classes, train.top, canvas)
    masks = {name: _instances(part.truths.boxes, canvas) for name, part in splits.parts.items()}
    layout = {n: _layout(part, canvas, masks[n]) for n, part in splits.parts.items()}
    with columns.writing(path, asdict(about), layout) as writer:
        for name, part in splits.parts.items():
            found = masks[name]
            if found is not None:
                writer.append(name, instance_counts=found.counts, instance_starts=found.starts)
            _write_part(writer, name, part, canvas, tick)


def _require_alike(splits: Splits, canvas: Canvas) -> None:
    train = splits.train
    if canvas.mode not in ONE_SIZE:
        raise DataError(
            f"a pack holds canvases of one size: mode {canvas.mode} has none; use "
            f"{', '.join(ONE_SIZE)}"
        )
    for name, part in splits.parts.items():
        if len(part) == 0:
            raise DataError(f"{part.name}: its part {name} holds no images")
        if (part.classes, part.top) != (train.classes, train.top) or (
            part.truths.columns.keys() != train.truths.columns.keys()
        ):
            raise DataError(f"{train.name}: its parts differ in classes, value range or truths")


def _layout(part: Dataset, canvas: Canvas, masks: Instances | None) -> dict[str, Column]:
    n, truths, (height, width) = len(part), part.truths, canvas.size
    out = {
        "images": Column(n, (height, width, canvas.channels), "u1"),
        "sources": Column(n, (), f"S{max(1, *(len(_source(part, i)) for i in range(n)))}"),
        "mean": Column(canvas.channels, (), "<f8"),
    }
    if truths.label is not None:
        out["label"] = Column(n, (), "<i8")
    if truths.labels is not None:
        out["labels"] = Column(n, truths.labels.shape[1:], "i1")
    for name in ("values", "landmarks"):
        column = getattr(truths, name)
        if column is not None:
            out[name] = Column(n, column.shape[1:], "<f4")
    if truths.landmarks is not None:
        out["matrices"] = Column(n, (2, 3), "<f8")
    if truths.boxes is not None:
        out["box_corners"] = Column(len(truths.boxes.boxes), (4,), "<f4")
        out["box_classes"] = Column(len(truths.boxes.boxes), (), "<i8")
        out["box_starts"] = Column(n + 1, (), "<i8")
    if masks is not None:
        out["instance_counts"] = Column(len(masks.counts), (), "<u4")
        out["instance_starts"] = Column(len(masks.starts), (), "<i8")
    if truths.masks is not None:
        out["masks"] = Column(n, canvas.size, "u1")
    if truths.targets is not None:
        image, target = part.images([0])[0], truths.targets.at(0)
        times = max(1, factor(image.shape[:2], target.shape[:2]))  # a wrong one is named later
        out["targets"] = Column(n, (height * times, width * times, canvas.channels), "u1")
    return out


def _instances(boxes: Boxes | None, canvas: Canvas) -> Instances | None:
    """The masks of a part's boxes, on the canvas."""
    if boxes is None or boxes.instances is None:
        return None
    matrices = [canvas.matrix((height, width)) for height, width in boxes.instances.sizes.tolist()]
    return geometry.moved_instances(
        boxes.instances, np.array(matrices).reshape(-1, 2, 3), canvas.size
    )


def _source(part: Dataset, index: int) -> bytes:
    return part.source(index).encode("utf-8", "surrogateescape")


def _write_part(
    writer: Writer, name: str, part: Dataset, canvas: Canvas, tick: Callable[[int], None]
) -> None:
    total, last_box = np.zeros(canvas.channels), 0
    if part.truths.boxes is not None:
        writer.append(name, box_starts=np.zeros(1, np.int64))
    for start in range(0, len(part), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(part)))
        pixels, truths = laid(part, rows, canvas)
        total += pixels.sum((0, 1, 2), dtype=np.float64)
        sources = np.array([_source(part, i) for i in rows.tolist()], dtype=np.bytes_)
        writer.append(name, images=pixels, sources=sources)
        for column, values in truths.columns.items():
            if isinstance(values, Boxes):
                starts = values.starts[1:] + last_box
                writer.append(
                    name, box_corners=values.boxes, box_classes=values.classes, box_starts=starts
                )
                last_box = int(starts[-1])
            elif column in ("masks", "targets"):
                pictures = values.pictures
                expected = writer.layout[name][column].shape
                if pictures.shape[1:] != expected:
                    raise DataError(f"{part.name}: {column} of several sizes or factors")
                writer.append(name, **{column: pictures})
            else:
                writer.append(name, **{column: values})
        tick(len(rows))
    writer.append(name, mean=total / (len(part) * canvas.size[0] * canvas.size[1] * part.top))


@final
class PackDataset(Dataset):
    """One part of a pack. Handed to another process it opens the file there again.

    Raises DataError, naming what is wrong, where the file is damaged or holds what no pack does.
    """

    def __init__(self, path: Path, part: str) -> None:
        self.path, self.part = path, part
        self._columns = Columns(path)
        about = _about(self._columns)
        self.name, self.classes, self.top = about.name, about.classes, about.top
        self.canvas = about.canvas
        self.ready = (*about.canvas.size, about.canvas.channels)
        place = self._columns.place(part, "images", "u1", (None, *self.ready))
        if place.shape[0] == 0:
            raise DataError(f"{path}: {part} holds no images")
        self._images = place.mapped()
        self._sources = self._columns.place(part, "sources", "S", (len(self._images),)).mapped()
        mean = self._columns.place(part, "mean", "<f8", (self.ready[2],)).mapped()
        self.mean: list[float] = mean.tolist()
        self.truths = stored.truths(
            stored.Stored(self._columns, part, len(self._images), len(about.classes), self.canvas)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return PackDataset, (self.path, self.part)

    def images(self, indices: Sequence[int] | Rows) -> Images:
        return self._images[np.asarray(indices, dtype=np.int64)]

    def source(self, index: int) -> str:
        return bytes(self._sources[index]).decode("utf-8", "surrogateescape")


def _about(found: Columns) -> About:
    if found.about.get("kind") != "images":
        kind = str(found.about.get("kind"))[:40]
        raise DataError(f"{found.path}: holds {kind}, no pack of images")
    try:
        about = TypeAdapter(About).validate_python(found.about)
        if not 1 <= about.top <= 255 or about.canvas.mode not in ONE_SIZE:
            raise DataError("top must be 1 to 255 and the canvas of one size")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{found.path}: {where or 'about'}: {first['msg']}") from None
    except DataError as error:
        raise DataError(f"{found.path}: {error}") from None
    return about


def read(path: Path) -> Splits:
    """The parts of a pack. Raises DataError where it is damaged or none."""
    found = Columns(path)
    _about(found)
    if "train" not in found.parts:
        raise DataError(f"{path}: has no part train")
    parts = {name: PackDataset(path, name) for name in PART_NAMES if name in found.parts}
    return Splits.of(parts)
