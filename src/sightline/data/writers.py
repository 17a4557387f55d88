"""The formats that sets are written in, each into an empty folder; `convert` makes that whole.

voc   JPEGImages/, Annotations/, ImageSets/Main/PART.txt, classes.txt (the classes in their order)
coco  images/, annotations/instances_PART.json
yolo  images/PART/, labels/PART/, data.yaml
csv   images/, PART.csv: a label; several labels; numbers; or boxes

Pictures in files are linked where the disk allows, else copied; those in memory become PNG.
Predictions have a confidence a box: <confidence>, "score", a sixth number, a column.
"""

import csv
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.data.dataset import Dataset, origin
from sightline.data.readers import listing, table, voc
from sightline.data.readers.objects import Box
from sightline.errors import DataError
from sightline.instances import InstanceMask

DECIMALS = 5  # of a pixel; 12 of a picture's side: boxes stay within 1e-3 px
Tick = Callable[[int], None]  # that many more are done


@dataclass(frozen=True, slots=True)
class Object:
    """Class and corners of a box; how sure a prediction is of it, as text, "" of a truth."""

    label: str
    box: Box
    sure: str = ""


@dataclass(frozen=True)
class Part:
    """A part to be written: its name, its set, the file name of each image, and of predictions the
    confidence (n,) of the boxes of each image."""

    name: str
    dataset: Dataset
    images: list[str]
    confidence: Sequence[NDArray[np.float32]] | None = None

    def instances(self, index: int) -> tuple[InstanceMask, ...]:
        """The mask of each box; empty where masks are not known."""
        column = self.dataset.truths.boxes
        assert column is not None
        found: tuple[InstanceMask, ...] = column.at(index).get("instances", ())
        return found

    def objects(self, index: int) -> list[Object]:
        """The boxes of an image."""
        column = self.dataset.truths.boxes
        assert column is not None
        truth = column.at(index)
        labels, corners = truth["classes"].tolist(), truth["boxes"].tolist()
        sure = [""] * len(labels) if self.confidence is None else map(str, self.confidence[index])
        found = zip(labels, corners, sure, strict=True)
        return [
            Object(self.dataset.classes[label], (x0, y0, x1, y1), share)
            for label, (x0, y0, x1, y1), share in found
        ]

    def place(self, index: int, folder: Path) -> Path:
        """The image in `folder`, under its name."""
        target = folder / self.images[index]
        found = origin(self.dataset, index)
        path = found[0].path(found[1]) if found else None
        if path is None or path.suffix.lower() != target.suffix.lower():
            target.write_bytes(images.encode(self.dataset.images([index])[0], ".png"))
            return target
        if not path.is_file():
            said = "not a plain file" if listing.there(path) else "No such file or directory"
            raise DataError(f"{path}: {said}")
        try:
            os.link(path.resolve(), target)  # a link to a link would break with it
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, target)
        return target


def _decimal(value: float, decimals: int = DECIMALS) -> str:
    rounded = round(value, decimals)
    return str(int(rounded)) if rounded == int(rounded) else repr(rounded)


def _folders(root: Path, *names: str) -> list[Path]:
    found = [root / name for name in names]
    for folder in found:
        folder.mkdir(parents=True)
    return found


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _voc(root: Path, parts: list[Part], classes: tuple[str, ...], tick: Tick) -> None:
    pictures, annotations, lists = _folders(root, "JPEGImages", "Annotations", "ImageSets/Main")
    for part in parts:
        for index, name in enumerate(part.images):
            height, width = images.size(part.place(index, pictures))
            lines = [
                "<annotation>",
                f"\t<folder>JPEGImages</folder>\n\t<filename>{escape(name)}</filename>",
                f"\t<size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
            ]
            for found in part.objects(index):
                x0, y0, x1, y1 = found.box
                corners = zip(voc.CORNERS, (x0 + 1, y0 + 1, x1, y1), strict=True)
                box = "".join(f"<{tag}>{_decimal(value)}</{tag}>" for tag, value in corners)
                lines.append(f"\t<object>\n\t\t<name>{escape(found.label)}</name>")
                if found.sure:
                    lines.append(f"\t\t<confidence>{found.sure}</confidence>")
                lines.append("\t\t<truncated>0</truncated><difficult>0</difficult>")
                lines.append(f"\t\t<bndbox>{box}</bndbox>\n\t</object>")
            _write(annotations / f"{listing.stem(name)}.xml", [*lines, "</annotation>"])
            tick(1)
        _write(lists / f"{part.name}.txt", [listing.stem(name) for name in part.images])
    _write(root / voc.CLASSES, list(classes))


def _coco(root: Path, parts: list[Part], classes: tuple[str, ...], tick: Tick) -> None:
    pictures, annotations = _folders(root, "images", "annotations")
    ids = {label: number for number, label in enumerate(classes, start=1)}
    for part in parts:
        listed: list[dict[str, Any]] = []
        found: list[dict[str, Any]] = []
        for index, name in enumerate(part.images):
            height, width = images.size(part.place(index, pictures))
            key = index + 1
            listed.append({"id": key, "file_name": name, "width": width, "height": height})
            masks = part.instances(index)
            for number, item in enumerate(part.objects(index)):
                x0, y0, x1, y1 = item.box
                box = [round(value, DECIMALS) for value in (x0, y0, x1 - x0, y1 - y0)]
                mask = masks[number] if masks else None
                found.append(
                    {
                        "id": len(found) + 1,
                        "image_id": key,
                        "category_id": ids[item.label],
                        "bbox": box,
                        "area": mask.area if mask else round(box[2] * box[3], DECIMALS),
                        "iscrowd": 0,
                        "segmentation": mask.to_dict() if mask else [],
                    }
                    | ({"score": float(item.sure)} if item.sure else {})
                )
            tick(1)
        categories = [{"id": key, "name": label} for label, key in ids.items()]
        whole = {"images": listed, "annotations": found, "categories": categories}
        text = json.dumps(whole, ensure_ascii=False, allow_nan=False)
        _write(annotations / f"instances_{part.name}.json", [text])


def _yolo(root: Path, parts: list[Part], classes: tuple[str, ...], tick: Tick) -> None:
    for part in parts:
        pictures, labels = _folders(root, f"images/{part.name}", f"labels/{part.name}")
        for index, name in enumerate(part.images):
            height, width = images.size(part.place(index, pictures))
            lines = []
            for item in part.objects(index):
                x0, y0, x1, y1 = item.box
                center = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
                sides = (x1 - x0) / width, (y1 - y0) / height
                numbers = " ".join(_decimal(value, 12) for value in (*center, *sides))
                lines.append(f"{classes.index(item.label)} {numbers} {item.sure}".rstrip())
            _write(labels / f"{listing.stem(name)}.txt", lines)
            tick(1)
    entries = [f"{part.name}: images/{part.name}" for part in parts]
    names = [f"  {i}: {json.dumps(name, ensure_ascii=False)}" for i, name in enumerate(classes)]
    _write(root / "data.yaml", [*entries, "names:", *names])


def _csv(root: Path, parts: list[Part], classes: tuple[str, ...], tick: Tick) -> None:
    (pictures,) = _folders(root, "images")
    kind = next(iter(parts[0].dataset.truths.columns))
    headers = {
        "label": ["label"],
        "boxes": [*table.CORNERS, "label"],
        "landmarks": [f"{name}_{axis}" for name in classes for axis in "xy"],
    }
    header, meant = headers.get(kind, list(classes)), kind if kind in headers else "columns"
    if table.kind(header, str(root)) != meant or "image" in header:
        said = ", ".join(header)
        raise DataError(f"{parts[0].dataset.name}: columns {said} would be read as something else")
    for part in parts:
        with (root / f"{part.name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            sure = [] if part.confidence is None else [table.CONFIDENCE]
            writer.writerow(["image", *header, *sure])
            for index in range(len(part.images)):
                name = f"images/{part.place(index, pictures).name}"
                writer.writerows([name, *cells] for cells in _cells(part, index))
                tick(1)


def _cells(part: Part, index: int) -> list[list[str]]:
    """The rows of an image below each column."""
    truths = part.dataset.truths
    if truths.label is not None:
        return [[part.dataset.classes[truths.label[index]]]]
    if truths.labels is not None:
        return [[{1: "1", 0: "0", -1: ""}[int(value)] for value in truths.labels[index]]]
    if truths.values is not None:
        return [[str(np.float32(value)) for value in truths.values[index]]]
    if truths.landmarks is not None:
        points = truths.landmarks[index].ravel()
        return [["" if np.isnan(value) else str(np.float32(value)) for value in points]]
    more = [] if part.confidence is None else [""]
    rows = [
        [*(_decimal(value) for value in item.box), item.label, *(item.sure for _ in more)]
        for item in part.objects(index)
    ]
    return rows or [[""] * 5 + more]


WRITERS: dict[str, Callable[[Path, list[Part], tuple[str, ...], Tick], None]] = {
    "voc": _voc,
    "coco": _coco,
    "yolo": _yolo,
    "csv": _csv,
}
