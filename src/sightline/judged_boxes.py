"""What a report says of a detector: precision by class, curves, and the images it does worst."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline import page, plots
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.drawing import judging
from sightline.drawing.annotations import beside, overlaid
from sightline.drawing.colors import color
from sightline.errors import ArtifactError
from sightline.images import to_channels
from sightline.metrics.detection import DetectionMeter
from sightline.metrics.detection_faults import faults
from sightline.predictions import SURE, sure, unlisted
from sightline.tiles import Tile, image_of
from sightline.types import Annotation

MOST = 10_000  # boxes of an image
NOTHING = "(nothing)"
CURVES = 8  # classes whose curves are drawn
MIXED = 3  # pairs of classes mixed up, of an image
Rows = Sequence[Mapping[str, str]]
Box = tuple[int, tuple[float, ...]]  # its class and corners
MISSED, HIT, FALSE = 0, 1, 3  # their colors among those that tell classes apart
KEY = {"an object found, and the box that found it": HIT, "missed": MISSED, "a false alarm": FALSE}


@dataclass(frozen=True)
class Wrong:
    """What is wrong in an image: truths that were missed, false alarms, and "cat as dog" of those
    that lie on an object of another class, each with how often."""

    missed: Counter[Box] = field(default_factory=Counter)
    false: Counter[Box] = field(default_factory=Counter)
    mixed: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.missed.total() + self.false.total()


def key() -> list[tuple[str, str]]:
    """What a color means in a picture of `worst_tile`: name and CSS color."""
    return [(name, f"rgb{color(index)}") for name, index in KEY.items()]


def judged_boxes(rows: Rows, classes: Sequence[str], origin: str) -> dict[str, Any]:
    """Figures from predictions.csv: a row a class, curves of precision and recall, and for each
    image what was missed and what was not there. Raises ArtifactError where it is damaged."""
    try:
        truths = [unlisted(row["truth"], classes) for row in rows]
        guesses = [unlisted(row["guess"], classes) for row in rows]
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ArtifactError(f"{origin}: boxes cannot be read ({error!r:.80})") from None
    meter = DetectionMeter(classes)
    meter.update([_complete(guess) for guess in guesses], truths, range(len(rows)))
    table = meter.tables.by_class()
    wrong = faults(meter.tables, SURE, most=len(rows) * MOST)
    by_image = [Wrong() for _ in rows]
    for fault in wrong.misses:
        by_image[fault.index].missed[fault.label, fault.box] += 1
    for fault in wrong.alarms:
        by_image[fault.index].false[fault.label, fault.box] += 1
        if fault.kind == "class" and fault.met_label is not None:
            said = f"{classes[fault.met_label]} as {classes[fault.label]}"
            by_image[fault.index].mixed[said] += 1
    drawn = [row for row in table if row.truths][:CURVES]
    lines = {row.name: (row.curve.recall, row.curve.precision) for row in drawn}
    figures = {"precision-recall": judging.precision_recall(lines)} if lines else {}
    return {
        "figures": figures | {"confusion": plots.confusion(wrong.confusion, [*classes, NOTHING])},
        "table": [row for row in table if row.truths or row.predictions],
        "drawn": len(drawn),
        "truths": sum(row.truths for row in table),
        "missed": len(wrong.misses),
        "false": Counter(fault.kind for fault in wrong.alarms),
        "pairs": list(zip(truths, guesses, strict=True)),
        "faults": by_image,
        "key": key(),
    }


def _complete(guess: Annotation) -> Annotation:
    if guess.confidence is not None:
        return guess
    return Annotation(boxes=guess.boxes, classes=guess.classes, confidence=np.zeros(0, np.float32))


def worst_tile(
    row: Mapping[str, str],
    test: Dataset | None,
    pair: tuple[Annotation, Annotation],
    wrong: Wrong,
    seen: tuple[Canvas, Sequence[str]],
) -> Tile:
    """Truth left, sure answers right, on the picture of a row of predictions.csv, in the colors of
    `key`.

    pair   truth and answer, their boxes in pixels of the canvas
    seen   canvas and classes
    """
    canvas, _ = seen
    counts = wrong.missed.total(), wrong.false.total()
    lines = [("missed", str(counts[0])), ("false alarms", str(counts[1]))]
    lines += [(said, str(count)) for said, count in wrong.mixed.most_common(MIXED)]
    image = image_of(row, test)
    if image is None:
        return Tile("", False, lines, row["source"])
    image = to_channels(image, 3)
    judged = [_told(pair[0], wrong.missed, MISSED), _told(sure(pair[1]), wrong.false, FALSE)]
    placed = canvas.located(judged, [(image.shape[0], image.shape[1])] * 2)
    left, right = (overlaid(image, each, (), tags=False) for each in placed)
    return Tile(*page.picture(beside(left, right), side=2 * page.SIDE), lines, row["source"])


def _told(annotation: Annotation, wrong: Counter[Box], fault: int) -> Annotation:
    """The boxes with a color's number for a class: that of the fault where they are wrong."""
    assert annotation.boxes is not None and annotation.classes is not None
    left, kinds = wrong.copy(), []
    for label, box in zip(annotation.classes.tolist(), annotation.boxes.tolist(), strict=True):
        at = label, tuple(box)
        kinds.append(fault if left[at] > 0 else HIT)
        left[at] -= 1
    return Annotation(boxes=annotation.boxes, classes=np.array(kinds, np.int64))
