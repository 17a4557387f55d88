"""Sheets of a set's pictures with their truths drawn: as they are, and as training sees them.

Nothing here loads torch until a view is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline import chance, files, images
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.drawing.annotations import FREE, beside, fitted_size, overlaid, words
from sightline.drawing.colors import RGB, color
from sightline.drawing.montage import Lettering, montage
from sightline.errors import DataError, OutputError, UnknownName
from sightline.instances import of_mask
from sightline.types import Annotation, Image
from sightline.wording import plural

if TYPE_CHECKING:
    from sightline.data.canvas import Canvas
    from sightline.data.loader import Batch
    from sightline.data.views import View

CLASSES = 60  # rows of a sheet; a set of a thousand classes shows its first
SEEN = 12  # images of a sheet of training, one a row
WRITTEN = (".png", ".jpg", ".jpeg", ".webp")
PLACED = ("boxes", "masks", "targets", "landmarks")  # truths that need room to be seen


@dataclass(frozen=True)
class Choice:
    """Which images are shown.

    classes   by name; all where there are none
    each      images a class, or in all where an image has no one class; of training, draws
    seed      of which
    """

    classes: tuple[str, ...] = ()
    each: int | None = None
    seed: int = 0


def show_truths(dataset: Dataset, name: str, choice: Choice, side: int | None = None) -> Image:
    """A row of images for each class; for boxes, masks, pairs, values and many labels a grid.

    name  of the set and part, for the title
    side  pixels of the square that a picture may fill
    """
    wanted = _wanted(dataset, choice.classes)
    spacious = needs_room(dataset.truths)
    side = side or (400 if spacious else 128)
    title = f"{name}  ·  {plural(len(dataset), 'image')}"
    if dataset.truths.label is not None:
        return _class_rows(dataset, wanted, choice, side, title)
    each = choice.each or (9 if spacious else 32)
    rows = _holding(dataset, wanted)
    picked = rows[chance.permutation(choice.seed, 0, len(rows), "show")[:each]]
    tiles, captions = [], []
    for row in picked.tolist():
        sample = dataset[row]
        tiles.append(_tile(sample.image, sample.truth, dataset.classes, dataset.top, side))
        captions.append(_caption(sample.truth, dataset, row))
    key = _key(dataset)
    columns = min(len(tiles), 3 if spacious else 8)
    return montage(tiles, captions, columns, text=Lettering(title=title, key=key))


def _class_rows(
    dataset: Dataset, wanted: Sequence[int], choice: Choice, side: int, title: str
) -> Image:
    label, each = dataset.truths.label, choice.each or 8
    assert label is not None
    shown = wanted[:CLASSES]
    tiles: list[Image | None] = []
    headings = []
    for number in shown:
        rows = np.flatnonzero(label == number)
        picked = rows[chance.permutation(choice.seed, number, len(rows), "show")[:each]]
        samples = [dataset[row] for row in picked.tolist()]
        drawn = [_tile(s.image, s.truth, dataset.classes, dataset.top, side) for s in samples]
        tiles += [*drawn, *[None] * (each - len(drawn))]
        headings.append((dataset.classes[number], plural(len(rows), "image")))
    classes = f"{len(shown)} of {len(dataset.classes)}" if len(shown) < len(dataset.classes) else ""
    title += f"  ·  {classes or len(dataset.classes)} classes"
    return montage(tiles, (), each, text=Lettering(title=title, headings=headings))


def show_views(
    dataset: Dataset,
    name: str,
    canvas: "Canvas",
    view: "View",
    choice: Choice,
    about: str,
    side: int | None = None,
) -> Image:
    """One image a row: its canvas, then what training makes of it, epoch by epoch.

    name   of the set and part, for the title
    about  a line on what may change, below the title
    side   pixels of the square that a picture may fill

    The batches are the loader's own, a column one batch; truths are moved as it moves them.
    """
    import torch

    from sightline.data.dataset import ArrayDataset
    from sightline.data.loader import Loader
    from sightline.data.placing import laid

    spacious = needs_room(dataset.truths)
    each, side = choice.each or (4 if spacious else 8), side or (256 if spacious else 128)
    rows = _examples(dataset, choice, 4 if spacious else SEEN)
    many = np.resize(rows, max(2, len(rows)))  # the loader makes no batch of one
    pixels, truths = laid(dataset, many, canvas)
    small = ArrayDataset(pixels, truths, dataset.classes, dataset.name, dataset.top)
    loader = Loader(small, view, len(many), choice.seed, torch.device("cpu"))
    sheet: list[list[Image]] = []
    captions: list[list[str]] = []
    headings: list[tuple[str, str]] = []
    for position in range(len(rows)):
        first = _tile(pixels[position], truths.at(position), dataset.classes, view.top, side)
        sheet.append([first])
        headings.append((words(truths.at(position), dataset.classes), ""))
        captions.append([""])
    for epoch in range(each):
        (batch,) = loader.epoch(epoch)
        seen = np.rint(batch.inputs.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
        for at, position in enumerate(batch.indices.tolist()):
            if position < len(rows):
                said = _annotation_of(batch, at)
                sheet[position].append(_tile(seen[at], said, dataset.classes, 255, side))
                mixed = "" if said.scores is None else words(said, dataset.classes)
                captions[position].append(mixed.replace(" + ", "\n"))
    text = Lettering(
        title=f"{name}  ·  as training sees it",
        about=about,
        headings=headings if any(name for name, _ in headings) else (),
        tops=["canvas", *(f"epoch {epoch + 1}" for epoch in range(each))],
        key=_key(dataset),
    )
    flat = [line for row in captions for line in row]
    tiles = [tile for row in sheet for tile in row]
    return montage(tiles, flat if any(flat) else (), each + 1, text=text)


def _annotation_of(batch: "Batch", at: int) -> Annotation:
    """What a batch says of one of its images, in input pixels."""
    said: dict[str, Any] = {}
    if batch.labels is not None:
        label = batch.labels[at]
        if label.ndim and float(label.max()) < 1:
            said["scores"] = label.numpy()
        else:
            said["label"] = int(label.argmax() if label.ndim else label)
    if batch.many is not None and batch.known is not None:
        known = batch.known[at].numpy()
        said["labels"] = np.where(known, batch.many[at].numpy(), -1).astype(np.int8)
    if batch.values is not None:
        said["values"] = batch.values[at].numpy()
    if batch.boxes is not None and batch.box_images is not None and batch.box_classes is not None:
        own = (batch.box_images == at).numpy()
        said |= {"boxes": batch.boxes.numpy()[own], "classes": batch.box_classes.numpy()[own]}
        if batch.instances is not None:
            said["instances"] = tuple(map(of_mask, batch.instances.numpy()[own]))
    if batch.masks is not None:
        said["mask"] = batch.masks[at].numpy().astype(np.uint8)
    if batch.landmarks is not None:
        said["landmarks"] = batch.landmarks[at].numpy()
    return Annotation(**said)


def part_of(splits: Splits, name: str) -> Dataset:
    """A part of a set by its name. Raises UnknownName."""
    if name not in splits.parts:
        raise UnknownName(f"part of {splits.train.name}", name, splits.parts)
    return splits.parts[name]


def require_writable(to: Path | None) -> None:
    """Refuse, before any work, a path that is taken or names no picture. Raises OutputError."""
    if to is None:
        return
    if to.exists():
        raise files.exists_already(to)
    if to.suffix.lower() not in WRITTEN:
        raise OutputError(f"{to}: a picture is written as {', '.join(WRITTEN)}")


def write(sheet: Image, to: Path | None, name: str) -> Path:
    """Write a sheet to `to`, or to the first free of name.png, name-2.png, … here; where it is."""
    while True:
        path = to or files.next_free(Path(), name, ".png")
        try:
            require_writable(path)
            with files.output_errors(path):
                images.write(path, sheet, new=True)
            return path
        except OutputError:
            if to is not None or not path.exists():
                raise  # else another was quicker to take this name, and there is a next one


def needs_room(truths: Truths) -> bool:
    """Whether truths are drawn on the pictures, which must be large for that."""
    return any(getattr(truths, name) is not None for name in PLACED)


def _tile(image: Image, truth: Annotation, classes: tuple[str, ...], top: int, side: int) -> Image:
    """One picture at the size it is shown at, its truth drawn, values to `top` made white."""
    if top != 255:
        levels = np.minimum(np.arange(256) * 255 / top, 255)
        image = np.rint(levels).astype(np.uint8)[image]
    size = fitted_size((image.shape[0], image.shape[1]), (side, side))
    drawn = overlaid(image, truth, classes, size, tags=False)
    if truth.image is not None:
        same = images.to_channels(truth.image, 3)
        return drawn if np.array_equal(same, images.to_channels(image, 3)) else beside(drawn, same)
    return drawn


def _caption(truth: Annotation, dataset: Dataset, row: int) -> str:
    """What a picture holds, and where it is from as far as that tells anything."""
    source = dataset.source(row).replace("\\", "/").rsplit("/", 1)[-1]
    said = words(truth, dataset.classes)
    if truth.boxes is not None and truth.classes is not None and not said:
        said = _contents(truth.boxes, truth.classes, dataset.classes)
    return f"{source}   {said}" if needs_room(dataset.truths) else said


def _contents(boxes: NDArray, kinds: NDArray, classes: tuple[str, ...]) -> str:
    """How many of each class; of characters, what they spell from left to right."""
    if max(map(len, classes)) == 1:
        return "".join(classes[i] for i in kinds[np.argsort(boxes[:, 0], kind="stable")])
    counts = np.bincount(kinds, minlength=len(classes)).tolist()
    met = [f"{counts[i]} {name}" for i, name in enumerate(classes) if counts[i]]
    return ", ".join(met) or "no boxes"


def _key(dataset: Dataset) -> list[tuple[str, RGB]]:
    boxes = dataset.truths.boxes
    if boxes is None and dataset.truths.masks is None and dataset.truths.task != "landmarks":
        return []
    if boxes is not None and boxes.instances is not None and len(dataset.classes) == 1:
        return []  # colors tell objects apart there
    return [(name, color(i)) for i, name in enumerate(dataset.classes) if name != FREE]


def _wanted(dataset: Dataset, names: Sequence[str]) -> list[int]:
    for name in names:
        if name not in dataset.classes:
            raise UnknownName(f"class of {dataset.name}", name, dataset.classes)
    return [i for i, name in enumerate(dataset.classes) if not names or name in names]


def _holding(dataset: Dataset, wanted: Sequence[int]) -> NDArray[np.int64]:
    """Rows with any of these classes, where an image may have several or none."""
    truths, everything = dataset.truths, len(wanted) == len(dataset.classes)
    if everything:
        return np.arange(len(dataset))
    if truths.labels is not None:
        rows = np.flatnonzero((truths.labels[:, wanted] == 1).any(1))
    elif truths.boxes is not None:
        rows = np.unique(truths.boxes.images[np.isin(truths.boxes.classes, wanted)])
    elif truths.task == "landmarks" and truths.landmarks is not None:
        rows = np.flatnonzero(np.isfinite(truths.landmarks[:, wanted]).all(2).sum(1))
    else:
        raise DataError(
            f"{dataset.name}: --classes chooses by labels, boxes or landmarks; it has none of them"
        )
    if not len(rows):
        names = ", ".join(dataset.classes[i] for i in wanted)
        raise DataError(f"{dataset.name}: no image with {names}")
    return rows


def _examples(dataset: Dataset, choice: Choice, most: int) -> NDArray[np.int64]:
    """One row a class, of classes evenly spread; else any rows."""
    wanted, label = _wanted(dataset, choice.classes), dataset.truths.label
    if label is None:
        rows = _holding(dataset, wanted)
        return rows[chance.permutation(choice.seed, 0, len(rows), "show")[:most]]
    members = {c: np.flatnonzero(label == c) for c in wanted}
    filled = [c for c in wanted if len(members[c])]
    if not filled:
        raise DataError(f"{dataset.name}: no image of these classes")
    spread = np.unique(np.linspace(0, len(filled) - 1, min(most, len(filled))).round().astype(int))
    first = [
        members[c][chance.permutation(choice.seed, c, len(members[c]), "show")[0]]
        for c in (filled[i] for i in spread)
    ]
    return np.array(first, np.int64)
