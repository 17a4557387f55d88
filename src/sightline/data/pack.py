"""Packs: a set on its canvases in one HDF5 file, read by memory map.

    /train /train-dev /val /test   a group a part
        images    (n, h, w, c) uint8, contiguous
        label, labels, values, landmarks, box_*, masks, target_*   the truths, on the canvas
        sources   (n,) where each image came from, bytes
    attributes: format, name, classes, top, canvas, mean (of the training part, a channel, 0 to 1)

Images lie in the file as they lie in memory, so a batch is one gather from the system's page cache
and any number of processes share it. Links to other files and filters are refused when reading.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sightline import files
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.data.placing import laid
from sightline.data.split import PART_NAMES, Splits
from sightline.data.truths import ArrayPictures, Boxes, Truths
from sightline.errors import DataError
from sightline.types import Images

FORMAT = 1
CHUNK = 64  # images in memory while writing
ARRAYS = ("label", "labels", "values", "landmarks")


def write(
    path: Path, splits: Splits, canvas: Canvas, tick: Callable[[int], None] = lambda _: None
) -> None:
    """Pack every part; `tick` is called with the images done. Raises OutputError where `path` is.

    Memory stays at a chunk of images; the file appears whole or not at all.
    """
    if path.exists():
        raise files.exists_already(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with files.output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(partial, "w") as file:
                for name, part in splits.parts.items():
                    mean = _write_part(file.create_group(name), part, canvas, tick)
                    if name == "train":
                        file.attrs["mean"] = mean
                file.attrs["format"] = FORMAT
                file.attrs["name"] = splits.train.name
                file.attrs["classes"] = json.dumps(splits.train.classes)
                file.attrs["top"] = splits.train.top
                file.attrs["canvas"] = json.dumps(asdict(canvas))
            os.link(partial, path)  # fails where another process was quicker; a rename would not
            files.sync_folder(path.parent)
    except FileExistsError:
        raise files.exists_already(path) from None
    finally:
        partial.unlink(missing_ok=True)


def _write_part(
    group: h5py.Group, part: Dataset, canvas: Canvas, tick: Callable[[int], None]
) -> NDArray[np.float64]:
    n = len(part)
    images = group.create_dataset("images", (n, *canvas.size, canvas.channels), np.uint8)
    pictures: dict[str, h5py.Dataset] = {}
    boxes: list[Boxes] = []
    total = np.zeros(canvas.channels)
    for start in range(0, n, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n))
        pixels, truths = laid(part, rows, canvas)
        images[start : start + len(rows)] = pixels
        total += pixels.sum((0, 1, 2), dtype=np.float64)
        for name in ("masks", "targets"):
            column = getattr(truths, name)
            if column is not None:
                values = column.pictures
                if name not in pictures:
                    pictures[name] = group.create_dataset(name, (n, *values.shape[1:]), np.uint8)
                pictures[name][start : start + len(rows)] = values
        if truths.boxes is not None:
            boxes.append(truths.boxes)
        tick(len(rows))
    for name in ARRAYS:
        column = getattr(part.truths, name)
        if column is not None:
            group.create_dataset(name, data=column)
    if boxes:
        _write_boxes(group, Boxes.joined(boxes))
    sources = [part.source(i).encode("utf-8", "surrogateescape") for i in range(n)]
    group.create_dataset("sources", data=np.array(sources, dtype=np.bytes_))
    return total / max(1, n * canvas.size[0] * canvas.size[1]) / part.top


def _write_boxes(group: h5py.Group, boxes: Boxes) -> None:
    group.create_dataset("box_corners", data=boxes.boxes)
    group.create_dataset("box_classes", data=boxes.classes)
    group.create_dataset("box_starts", data=boxes.starts)


@final
class PackDataset(Dataset):
    """One part of a pack. Handed to another process it opens the file there again."""

    def __init__(self, path: Path, part: str) -> None:
        self.path, self.part = path, part
        with _opened(path) as file:
            group = file[part]
            self.name = str(file.attrs["name"])
            self.classes = tuple(str(c) for c in json.loads(file.attrs["classes"]))
            self.top = int(file.attrs["top"])
            self.mean = [float(m) for m in file.attrs["mean"]]
            self.canvas = TypeAdapter(Canvas).validate_python(json.loads(file.attrs["canvas"]))
            self._images = _mapped(path, group["images"])
            self._sources = group["sources"][()]
            self.truths = _truths(path, group)

    def __reduce__(self) -> tuple[Any, ...]:
        return PackDataset, (self.path, self.part)

    def images(self, indices: Any) -> Images:
        return self._images[np.asarray(indices, dtype=np.int64)]

    def source(self, index: int) -> str:
        return bytes(self._sources[index]).decode("utf-8", "surrogateescape")


def _truths(path: Path, group: h5py.Group) -> Truths:
    found: dict[str, Any] = {name: group[name][()] for name in ARRAYS if name in group}
    if "box_starts" in group:
        parts = (group[f"box_{name}"][()] for name in ("corners", "classes", "starts"))
        found["boxes"] = Boxes(*parts)
    for name in ("masks", "targets"):
        if name in group:
            found[name] = ArrayPictures(_mapped(path, group[name]))
    return Truths(**found)


def _mapped(path: Path, dataset: h5py.Dataset) -> NDArray[np.uint8]:
    """The bytes where they lie; only plain contiguous ones are taken."""
    if dataset.chunks or dataset.external or dataset.is_virtual or dataset.dtype != np.uint8:
        raise DataError(f"{path}: {dataset.name} is not laid out as a pack's")
    offset, size = dataset.id.get_offset(), dataset.size
    if size == 0:
        return np.empty(dataset.shape, np.uint8)
    if offset is None or offset + size > path.stat().st_size:
        raise DataError(f"{path}: {dataset.name} is cut short")
    return np.memmap(path, np.uint8, "r", offset, dataset.shape)


def _opened(path: Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: no pack, or damaged ({str(error)[:80]})") from None
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise DataError(f"{path}: an HDF5 file, but no pack of format {FORMAT}")
    return file


def read(path: Path) -> Splits:
    """The parts of a pack. Raises DataError where it is damaged or none."""
    try:
        with _opened(path) as file:
            names = [name for name in PART_NAMES if name in file]
            for name in names:
                if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                    raise DataError(f"{path}: {name} is a link to elsewhere")
        return Splits.of({name: PackDataset(path, name) for name in names})
    except (KeyError, ValueError, TypeError, OSError, ValidationError, RuntimeError) as error:
        raise DataError(f"{path}: damaged pack ({str(error)[:80]})") from None
