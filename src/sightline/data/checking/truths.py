"""Findings on what is said about pictures: classes, boxes, masks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import images
from sightline.data.boxes import Boxes
from sightline.data.checking.findings import Finding, alone
from sightline.data.checking.looking import Looks
from sightline.data.dataset import Dataset
from sightline.data.readers.masks import VOID
from sightline.data.truths import FileMasks
from sightline.errors import DataError
from sightline.threads import spread
from sightline.wording import plural, some

ASKED = (1000, 5000)  # images a class that the books ask for
SCANT = 30  # images a class, below which a network has next to nothing to go by
UNBALANCED = 3.0  # largest class over smallest
TOLERATED = 0.01  # pixels a box may reach outside: what formats round away


def counts(dataset: Dataset, masks: NDArray[np.int64] | None = None) -> list[int]:
    """Images a class, by label; boxes a class; images that show it, by mask; that a landmark is
    visible in; else empty.

    masks  (classes,) as `on_masks` has counted them
    """
    truths, k = dataset.truths, len(dataset.classes)
    if truths.label is not None:
        return _within(truths.label, k).tolist()
    if truths.labels is not None:
        return (truths.labels == 1).sum(0).tolist()
    if truths.task == "landmarks" and truths.landmarks is not None:
        return np.isfinite(truths.landmarks).all(2).sum(0).tolist()
    if truths.boxes is not None:
        counts = _within(truths.boxes.classes, k)
        if masks is not None:  # background has no boxes
            counts = np.where(counts == 0, masks, counts)
        return counts.tolist()
    return [] if masks is None else masks.tolist()


def _within(labels: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    return np.bincount(labels[(labels >= 0) & (labels < k)], minlength=k)


def on_classes(parts: dict[str, Dataset], found: dict[str, list[int]]) -> Iterator[Finding]:
    """Too few, too many, missing; `found` counts each class in each part."""
    train, task = found.get("train", []), next(iter(parts.values())).truths.task
    classes = parts["train"].classes
    noun = "boxes" if task == "detection" else "images"
    yield from _missing(classes, found, task)
    there = [(count, name) for count, name in zip(train, classes, strict=False) if count]
    if not there or task in ("segmentation", "landmarks"):
        return
    (least, fewest), (most, largest) = min(there), max(there)
    if least < ASKED[0]:
        few = sum(count < ASKED[0] for count, _ in there)
        which = f"{fewest} the fewest with {least:,}" if most > least else f"{least:,} each"
        text = (
            f"{few} of {plural(len(there), 'class', 'classes')} below {ASKED[0]:,} training "
            f"{noun}, {which}; the books ask for {ASKED[0]:,} to {ASKED[1]:,} a class"
        )
        yield Finding("warning" if least < SCANT else "note", "few", "train", text)
    if most / least >= UNBALANCED:
        text = f"unbalanced: {largest} has {most:,}, {fewest} {least:,}: {most / least:.1f} times"
        yield Finding("warning", "imbalance", "train", text)


def _missing(classes: tuple[str, ...], found: dict[str, list[int]], task: str) -> Iterator[Finding]:
    for part, numbers in found.items():
        gone = [
            name
            for name, count, trained in zip(classes, numbers, found["train"], strict=False)
            if not count and (trained or part == "train")
        ]
        if gone:
            severity = "problem" if part == "train" else "warning"
            nouns = ("landmark", "landmarks") if task == "landmarks" else ("class", "classes")
            what = plural(len(gone), *nouns)
            text = f"{what} without any truth in this part: {some(gone)}"
            yield Finding(severity, "missing", part, text)


def on_labels(part: str, dataset: Dataset) -> Iterator[Finding]:
    """Labels that name no class."""
    label, k = dataset.truths.label, len(dataset.classes)
    if label is None:
        return
    rows = np.flatnonzero((label < 0) | (label >= k))
    if len(rows):
        odd = some([str(value) for value in np.unique(label[rows])])
        text = f"{plural(len(rows), 'image')} of unknown classes: label {odd}, of {k} from 0"
        yield Finding("problem", "unknown", part, text, alone(part, rows))


def clipped(boxes: Boxes, sizes: NDArray[Any]) -> NDArray[np.float32]:
    """(m, 4) corners within their images; where a size, (n, 2), is 0 they stay as they are."""
    height, width = sizes[boxes.images].astype(np.float32).T
    known = height > 0
    out = boxes.boxes.copy()
    for column, most in ((0, width), (1, height), (2, width), (3, height)):
        out[known, column] = np.clip(out[known, column], 0, most[known])
    return out


def empty(corners: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(m,) boxes of no area."""
    return ~((corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1]))


def twice(boxes: Boxes) -> NDArray[np.bool_]:
    """(m,) boxes that are there already: of the same image, class and corners to half a pixel."""
    table = np.concatenate(
        [boxes.images[:, None], boxes.classes[:, None], np.rint(boxes.boxes).astype(np.int64)], 1
    )
    _, first = np.unique(table, axis=0, return_index=True)
    out = np.ones(len(table), bool)
    out[first] = False
    return out


def box_faults(
    boxes: Boxes, sizes: NDArray[np.int64], classes: int
) -> dict[str, NDArray[np.bool_]]:
    """(m,) which boxes each kind of finding is about; sizes (n, 2) as in `clipped`."""
    inside, void = clipped(boxes, sizes), empty(boxes.boxes)
    gone = empty(inside) & ~void
    over = np.abs(inside - boxes.boxes).max(1, initial=0) > TOLERATED
    faults = {
        "box-empty": void,
        "box-away": gone,
        "box-outside": over & ~void & ~gone,
        "unknown": (boxes.classes < 0) | (boxes.classes >= classes),
        "box-twice": twice(boxes),
    }
    if boxes.instances is not None:
        seen = sizes[boxes.images]
        faults["mask-size"] = (boxes.instances.sizes != seen).any(1) & (seen > 0).all(1)
    return faults


def on_boxes(part: str, dataset: Dataset, looks: Looks) -> Iterator[Finding]:
    """Boxes outside, without area, of unknown classes, there twice, with masks that do not fit;
    images without any."""
    boxes = dataset.truths.boxes
    if boxes is None:
        return
    faults = box_faults(boxes, looks.sizes, len(dataset.classes))
    reach = np.abs(clipped(boxes, looks.sizes) - boxes.boxes)[faults["box-outside"]].max(initial=0)
    told = {
        "box-empty": ("problem", "of no area"),
        "box-away": ("problem", "wholly outside"),
        "box-outside": ("warning", f"reaching outside, by {reach:.3g} pixels at most"),
        "unknown": ("problem", "of unknown classes"),
        "box-twice": ("warning", "there twice"),
        "mask-size": ("problem", "with a mask of another size than their image"),
    }
    for kind, which in faults.items():
        severity, what = told[kind]
        yield from _boxes(part, severity, kind, boxes.images, which, what)
    bare = np.flatnonzero(np.diff(boxes.starts) == 0)
    if len(bare):
        text = (
            f"{plural(len(bare), 'image')} without a box: a negative in training, or left out by "
            "--set data.negatives=false"
        )
        yield Finding("note", "bare", part, text, alone(part, bare))


def on_landmarks(part: str, dataset: Dataset, looks: Looks) -> Iterator[Finding]:
    """Landmarks outside their image, and images that show none."""
    points = dataset.truths.landmarks
    if points is None:
        return
    sides = looks.sizes[:, None, ::-1].astype(np.float64)  # (n, 1, 2): width, height; 0 unknown
    beyond = np.maximum(-points, points - sides).max(2)  # nan where not visible
    outside = (beyond > TOLERATED) & np.all(sides > 0, 2)
    if outside.any():
        rows = np.flatnonzero(outside.any(1))
        number = plural(int(outside.sum()), "landmark")
        text = (
            f"{number} outside, in {plural(len(rows), 'image')}, by {beyond[outside].max():.3g} "
            "pixels at most; training leaves them out"
        )
        yield Finding("warning", "landmark-outside", part, text, alone(part, rows))
    bare = np.flatnonzero(np.all(np.isnan(points).any(2), 1))
    if len(bare):
        text = f"{plural(len(bare), 'image')} without a visible landmark: nothing to learn from"
        yield Finding("note", "bare", part, text, alone(part, bare))


def _boxes(
    part: str, severity: str, kind: str, image: NDArray, which: NDArray, what: str
) -> Iterator[Finding]:
    rows = np.unique(image[which])
    if len(rows):
        number = plural(int(which.sum()), "box", "boxes")
        text = f"{number} {what}, in {plural(len(rows), 'image')}"
        yield Finding(severity, kind, part, text, alone(part, rows))


def on_masks(
    part: str, dataset: Dataset, looks: Looks
) -> tuple[list[Finding], NDArray[np.int64] | None]:
    """Masks of another size, with unknown values, unreadable; and images that show each class."""
    masks = dataset.truths.masks
    if masks is None:
        return [], None
    shown = np.zeros(len(dataset.classes), np.int64)
    wrong: dict[str, list[int]] = {"mask-unreadable": [], "mask-size": [], "mask-values": []}

    def look(row: int) -> tuple[str, NDArray[np.int64]]:
        codes = None
        if isinstance(masks, FileMasks):
            try:
                values, codes = images.read_mask(masks.paths.at(row)), masks.classes
            except DataError:
                return "mask-unreadable", shown[:0]
        else:
            values = masks.at(row)
        height, width = looks.records[["height", "width"]][row]
        if height and values.shape != (height, width):
            return "mask-size", shown[:0]
        met = np.unique(values).astype(np.int64)
        known = met if codes is None else codes[met].astype(np.int64)
        odd = (known < 0) | ((known >= len(shown)) & (known != VOID))
        return ("mask-values", shown[:0]) if odd.any() else ("", known[known < len(shown)])

    for row, (kind, there) in enumerate(spread(look, range(len(masks)))):
        shown[there] += 1
        if kind:
            wrong[kind].append(row)
    texts = {
        "mask-unreadable": "cannot be read",
        "mask-size": "of another size than their image",
        "mask-values": f"with values that are none of the {len(dataset.classes)} classes",
    }
    found = [
        Finding("problem", kind, part, f"{plural(len(rows), 'mask')} {text}", alone(part, rows))
        for (kind, text), rows in zip(texts.items(), wrong.values(), strict=True)
        if rows
    ]
    return found, shown
