"""What a report says of a detector: precision by class, curves, and the images it does worst."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sightline import page, plots
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.drawing import judging
from sightline.drawing.annotations import beside, overlaid
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
Rows = Sequence[Mapping[str, str]]


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
    missed, false = (Counter(fault.index for fault in of) for of in (wrong.misses, wrong.alarms))
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
        "faults": [(missed[at], false[at]) for at in range(len(rows))],
    }


def _complete(guess: Annotation) -> Annotation:
    if guess.confidence is not None:
        return guess
    return Annotation(boxes=guess.boxes, classes=guess.classes, confidence=np.zeros(0, np.float32))


def worst_tile(
    row: Mapping[str, str],
    test: Dataset | None,
    pair: tuple[Annotation, Annotation],
    wrong: tuple[int, int],
    seen: tuple[Canvas, Sequence[str]],
) -> Tile:
    """Truth left, sure answers right, on the picture of a row of predictions.csv.

    pair   truth and answer, their boxes in pixels of the canvas
    wrong  how many are missed, and false alarms
    seen   canvas and classes
    """
    canvas, classes = seen
    lines = [("missed", str(wrong[0])), ("false alarms", str(wrong[1]))]
    image = image_of(row, test)
    if image is None:
        return Tile("", False, lines, row["source"])
    image = to_channels(image, 3)
    placed = canvas.located([pair[0], sure(pair[1])], [(image.shape[0], image.shape[1])] * 2)
    left, right = (overlaid(image, each, classes, tags=False) for each in placed)
    return Tile(*page.picture(beside(left, right), side=2 * page.SIDE), lines, row["source"])
