"""The objects of a set that is to be trained: what no detector can learn is mended, and counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sightline.data.boxes import Boxes
from sightline.data.canvas import Canvas
from sightline.data.checking.findings import Finding
from sightline.data.checking.images import HUGE
from sightline.data.checking.truths import TOLERATED, clipped, empty
from sightline.data.dataset import Dataset, Subset
from sightline.data.split import class_counts
from sightline.errors import DataError
from sightline.types import Size
from sightline.wording import plural, some

TINY = 8  # pixels of an object's shorter side on its canvas, below which little of it is left
MANY_TINY = 0.1  # share of the boxes from which that is said

Sizes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sound:
    """Parts whose boxes lie within their images.

    parts    the sets
    bare     rows of the parts as they were that have no objects and are left out, by part
    remarks  a line on each thing that was found
    """

    parts: dict[str, Dataset]
    bare: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def sound(
    parts: Mapping[str, Dataset], sizes: Mapping[str, Sizes] | None, negatives: bool
) -> Sound:
    """Sets of boxes as they can be trained on; others are left as they are.

    sizes      (n, 2) height and width of each part's images; None: their edges are not known
    negatives  whether images without objects are kept

    Boxes of no area within their image are left out, those that reach outside are cut at its edge.
    Raises DataError for boxes of unknown classes, and where no image is left of a part.
    """
    if any(part.truths.boxes is None for part in parts.values()):
        return Sound(dict(parts))
    require_known_classes(parts)
    kept: dict[str, Dataset] = {}
    bare, reach, count = {}, 0.0, np.zeros(4, np.int64)
    for name, part in parts.items():
        known = np.zeros((len(part), 2), np.int64) if sizes is None else sizes[name]
        kept[name], beyond, counts = _mended(part, known)
        boxes = kept[name].truths.boxes
        assert boxes is not None
        without = np.diff(boxes.starts) == 0
        reach, count = max(reach, beyond), count + np.array([*counts, without.sum()])
        if without.any() and not negatives:
            bare[name] = np.flatnonzero(without)
            kept[name] = _with_objects(name, kept[name], ~without)
    void, away, over, empties = count.tolist()
    said = [_left_out(void, away), _cut(over, reach)]
    said.append(_bare(empties, sum(map(len, parts.values())), negatives))
    said += [*_rare(kept), _huge(sizes)]
    return Sound(kept, bare, tuple(filter(None, said)))


def _mended(part: Dataset, sizes: Sizes) -> tuple[Dataset, float, tuple[int, int, int]]:
    """A part with boxes that lie within their images; by how much one reached outside at most; how
    many were of no area, wholly outside, and reached outside."""
    boxes = part.truths.boxes
    assert boxes is not None
    inside, void = clipped(boxes, sizes), empty(boxes.boxes)
    away = empty(inside) & ~void
    beyond = np.abs(inside - boxes.boxes).max(1, initial=0)
    over = (beyond > TOLERATED) & ~void & ~away
    if (void | away | over).any():
        boxes = replace(boxes, boxes=inside).kept(np.flatnonzero(~void & ~away))
        part = _with(part, boxes)
    counts = int(void.sum()), int(away.sum()), int(over.sum())
    return part, float(beyond[over].max(initial=0)), counts


def _with(part: Dataset, boxes: Boxes) -> Dataset:
    found = Subset(part, np.arange(len(part)))
    found.truths = replace(found.truths, boxes=boxes)
    return found


def _with_objects(name: str, part: Dataset, there: NDArray[np.bool_]) -> Dataset:
    if not there.any():
        raise DataError(
            f"{part.name}: no image of {name} has objects, and data.negatives = false leaves out "
            "those that have none"
        )
    return Subset(part, np.flatnonzero(there))


def require_known_classes(parts: Mapping[str, Dataset]) -> None:
    """Raise DataError for boxes of unknown classes, with how many there are."""
    for name, part in parts.items():
        boxes, k = part.truths.boxes, len(part.classes)
        if boxes is None:
            continue
        odd = (boxes.classes < 0) | (boxes.classes >= k)
        if odd.any():
            images = len(np.unique(boxes.images[odd]))
            which = some([str(value) for value in np.unique(boxes.classes[odd])])
            raise DataError(
                f"{part.name}: {plural(int(odd.sum()), 'box', 'boxes')} of unknown classes in "
                f"{plural(images, 'image')} of {name}: {which}; expected 0 to {k - 1}"
            )


def _left_out(void: int, away: int) -> str:
    if not void + away:
        return ""
    kinds = ((void, "of no area"), (away, "wholly outside the image"))
    which = ", ".join(f"{n:,} {what}" for n, what in kinds if n)
    many = "box is" if void + away == 1 else "boxes are"
    return f"{void + away:,} {many} left out: {which} (sightline data check names them)"


def _cut(count: int, reach: float) -> str:
    if not count:
        return ""
    which = "box is" if count == 1 else "boxes are"
    return f"{count:,} {which} cut at the edge of the image; {reach:.3g} pixels outside at most"


def _bare(count: int, images: int, negatives: bool) -> str:
    if not count:
        return ""
    done = "kept as negatives" if negatives else "left out"
    other = "false leaves them out" if negatives else "true keeps them as negatives"
    return (
        f"{count:,} of {plural(images, 'image')} without objects: {done} (data.negatives={other})"
    )


def _rare(parts: Mapping[str, Dataset]) -> Iterator[str]:
    """Classes of one image, and of none."""
    counts = np.sum([class_counts(part) for part in parts.values()], 0)
    classes = next(iter(parts.values())).classes
    kinds = ((1, "in one image alone, which trains or tests but not both"), (0, "without any box"))
    for number, what in kinds:
        names = [name for name, count in zip(classes, counts, strict=True) if count == number]
        if names:
            yield f"{plural(len(names), 'class', 'classes')} {what}: {some(names)}"


def _huge(sizes: Mapping[str, Sizes] | None) -> str:
    if sizes is None:
        return ""
    every = np.concatenate(list(sizes.values()))
    huge = every.max(1, initial=0) >= HUGE
    if not huge.any():
        return ""
    height, width = every[every.prod(1).argmax()].tolist()
    return (
        f"{int(huge.sum()):,} of {plural(len(every), 'image')} with a side of {HUGE:,} pixels or "
        f"more, the largest {width}x{height}: slow to decode; sightline data pack does it once"
    )


def on_rare(parts: Mapping[str, Dataset]) -> Iterator[Finding]:
    """Classes that are in one image of all parts."""
    if any(part.truths.boxes is None for part in parts.values()):
        return
    names = next(iter(parts.values())).classes
    places_of = [list(_images_of(parts, c)) for c in range(len(names))]
    lone = [c for c, places in enumerate(places_of) if len(places) == 1]
    if lone:
        places = [places_of[c][0] for c in lone]
        text = (
            f"{plural(len(lone), 'class', 'classes')} in one image alone, which trains or tests "
            f"but not both: {some([names[c] for c in lone])}"
        )
        where = ", ".join(dict.fromkeys(part for part, _ in places))
        yield Finding("warning", "lone", where, text, tuple((place,) for place in places))


def _images_of(parts: Mapping[str, Dataset], number: int) -> Iterator[tuple[str, int]]:
    for name, part in parts.items():
        boxes = part.truths.boxes
        assert boxes is not None
        for row in np.unique(boxes.images[boxes.classes == number]).tolist():
            yield name, row


def tiny(part: Dataset, sizes: Sizes, canvas: Canvas) -> str:
    """How many objects are next to nothing on their canvas; "" where they are few.

    sizes  (n, 2) of the part's images, above 0
    """
    boxes = part.truths.boxes
    if boxes is None or not len(boxes.boxes):
        return ""
    scales = _scales(sizes, canvas.size, canvas.mode)[boxes.images]
    shorter = ((boxes.boxes[:, 2:] - boxes.boxes[:, :2]) * scales[:, ::-1]).min(1)
    count = int((shorter < TINY).sum())
    if count < MANY_TINY * len(shorter):
        return ""
    return (
        f"{count:,} of {plural(len(shorter), 'box', 'boxes')} under {TINY} pixels on the canvas of "
        f"{canvas.size[1]}x{canvas.size[0]}, half of all under {np.median(shorter):.3g}: "
        "canvas.size=[height,width] makes it larger"
    )


def _scales(sizes: Sizes, canvas: Size, mode: str) -> NDArray[np.float64]:
    """(n, 2) by which heights and widths shrink."""
    each = np.array(canvas) / sizes
    if mode == "contain":
        return np.repeat(each.min(1, keepdims=True), 2, 1)
    if mode == "cover":
        return np.repeat(each.max(1, keepdims=True), 2, 1)
    return each if mode == "stretch" else np.ones_like(each)
