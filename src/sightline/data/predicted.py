"""Boxes that a model has found, as a set in a format of detection, each with its confidence.

What is written is laid out as `convert` does it, part train: labelling programs open it, and our
readers read the same boxes as truths. COCO has also results.json, the list that its evaluation
takes (pycocotools' loadRes): image_id, category_id, bbox, score.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sightline import files
from sightline.data import convert
from sightline.data.boxes import Boxes
from sightline.data.dataset import FileDataset
from sightline.data.readers import coco
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.data.writers import DECIMALS, WRITERS, Part, Tick
from sightline.errors import DataError, RecipeError
from sightline.types import Annotation

RESULTS = "results.json"


@dataclass(frozen=True)
class Ids:
    """What a COCO file calls images, by name of their file, and categories."""

    path: Path
    images: Mapping[str, Sequence[tuple[str, int | str]]]
    categories: Mapping[str, int | str]

    def image(self, source: str) -> int | str:
        """Of several with a name the one whose path, as the file has it, is the end of `source`.

        Raises DataError where there is none, or no telling which.
        """
        path = f"/{Path(source).as_posix()}"
        found = list(self.images.get(Path(source).name, []))
        if len(found) > 1:
            ends = [pair for pair in found if path.endswith(f"/{pair[0]}")]
            found = [max(ends, key=lambda pair: len(pair[0]))] if ends else found
        if len(found) != 1:
            said = "several images of that name" if found else "no such image"
            raise DataError(f"{source}: {said} in {self.path}, whose ids are asked for")
        return found[0][1]

    def category(self, name: str) -> int | str:
        if name not in self.categories:
            known = ", ".join(self.categories)
            raise DataError(f"class {name} is no category of {self.path}; it has {known:.200}")
        return self.categories[name]


def ids_of(path: Path) -> Ids:
    """The ids of a COCO JSON. Raises DataError."""
    return Ids(path, *coco.ids(path))


def write(
    rows: Sequence[tuple[str, Annotation]],
    classes: Sequence[str],
    format: str,
    to: Path,
    ids: Ids | None = None,
    tick: Tick = lambda _: None,
) -> None:
    """Write the boxes found in pictures, to 1e-3 px, into a folder that is whole or absent.

    rows    path of a picture, and its boxes, classes and confidence
    format  voc, coco, yolo or csv
    to      a folder that is not there yet
    ids     of coco: what results.json calls images and categories; by default what the JSON beside
            it does
    tick    is called with 1 for each picture

    Raises RecipeError, DataError, OutputError; nothing is left behind on failure.
    """
    if ids is not None and format != "coco":
        raise RecipeError(f"ids are COCO's; {format} has none")
    if not rows:
        raise DataError(f"{to}: no pictures, nothing to write")
    boxes = Boxes.of([_of(a.boxes) for _, a in rows], [_of(a.classes) for _, a in rows])
    paths = [source for source, _ in rows]
    dataset = FileDataset(Path(), paths, Truths(boxes=boxes), classes, "predictions")
    splits = Splits(dataset)
    known = convert.checked(splits, format)
    sure = [_of(annotation.confidence) for _, annotation in rows]
    part = Part("train", dataset, convert.file_names(splits.parts)["train"], sure)
    with files.output_errors(to), files.whole_folder(to) as folder:
        WRITERS[format](folder, [part], known, tick)
        if format == "coco":
            results = _results(part, ids)
            (folder / RESULTS).write_text(json.dumps(results, allow_nan=False), "utf-8")


def _of(column: NDArray[Any] | None) -> NDArray[Any]:
    assert column is not None
    return column


def _results(part: Part, ids: Ids | None) -> list[dict[str, Any]]:
    """COCO's results; without ids those that the writer gives, numbers from 1."""
    own = {name: number for number, name in enumerate(part.dataset.classes, start=1)}
    found = []
    for index in range(len(part.images)):
        image = index + 1 if ids is None else ids.image(part.dataset.source(index))
        for item in part.objects(index):
            x0, y0, x1, y1 = item.box
            found.append(
                {
                    "image_id": image,
                    "category_id": own[item.label] if ids is None else ids.category(item.label),
                    "bbox": [round(value, DECIMALS) for value in (x0, y0, x1 - x0, y1 - y0)],
                    "score": float(item.sure),
                }
            )
    return found
