"""What a report says of landmarks: errors by landmark, their curve, and the images done worst."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import page
from sightline.data.canvas import move_points
from sightline.data.dataset import Dataset
from sightline.drawing import judging
from sightline.drawing.annotations import astray, resized
from sightline.drawing.colors import color
from sightline.errors import ArtifactError
from sightline.images import to_channels
from sightline.metrics.landmarks import NEAR, LandmarkMeter
from sightline.page import number, percent
from sightline.predictions import points_of
from sightline.tiles import Tile, image_of
from sightline.types import Annotation

Rows = Sequence[Mapping[str, str]]


def judged_landmarks(rows: Rows, classes: Sequence[str], origin: str) -> dict[str, Any]:
    """Figures from predictions.csv: a row a landmark, the curve of errors, colors of the landmarks;
    and of each image its points and distances, with the worst first in `order`. Raises
    ArtifactError where the table is damaged."""
    try:
        truths, guesses = (points_of(rows, kind, classes) for kind in ("truth", "guess"))
    except (KeyError, ValueError) as error:
        raise ArtifactError(f"{origin}: landmarks cannot be read ({error!r:.80})") from None
    meter = LandmarkMeter(classes)
    pairs = [
        (Annotation(landmarks=truth), Annotation(landmarks=guess))
        for truth, guess in zip(truths, guesses, strict=True)
    ]
    meter.update([guess for _, guess in pairs], [truth for truth, _ in pairs], range(len(rows)))
    shares = meter.of_images()
    known = shares[np.isfinite(shares)]
    pixels = meter.distances()
    seen = np.isfinite(pixels)
    mean = np.where(seen, pixels, 0).sum(1) / np.maximum(seen.sum(1), 1)
    worst = np.where(np.isfinite(shares), shares, -1.0) if len(known) else mean
    return {
        "figures": {"errors": judging.errors(known, NEAR)} if len(known) else {},
        "table": meter.table(),
        "near": NEAR,
        "visible": int(seen.sum()),
        "hidden": int((~seen).sum()),
        "key": [(name, "#{:02x}{:02x}{:02x}".format(*color(i))) for i, name in enumerate(classes)],
        "headlines": _headlines(meter.result()),
        "order": [int(at) for at in np.argsort(-worst, kind="stable") if seen[at].any()],
        "pairs": pairs,
        "distances": pixels,
    }


def _headlines(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    said = [(f"{number(figures['error'])} px", "mean distance from the truth")]
    if np.isfinite(figures["nme"]):
        n = int(figures["images"])
        said.append((percent(figures["nme"], n), "of the landmarks' diagonal (NME)"))
        said.append((percent(figures["pck"], n), "within a tenth of it (PCK)"))
    return said


def landmark_tile(
    row: Mapping[str, str],
    test: Dataset | None,
    pair: tuple[Annotation, Annotation],
    distances: NDArray[np.float64],
    classes: Sequence[str],
) -> Tile:
    """Where each landmark is, and is said to be, on the picture of a row of predictions.csv.

    pair       truth and answer in pixels of the original
    distances  (k,) between them; nan where not visible
    """
    order = np.argsort(-np.where(np.isnan(distances), -1, distances), kind="stable")
    far = int(order[0])
    mean = float(np.nanmean(distances))
    lines = [("off by", f"{number(mean)} px"), (classes[far], f"{number(distances[far])} px")]
    image = image_of(row, test)
    if image is None or test is None:
        return Tile("", False, lines, row["source"])
    matrices = test.truths.matrices  # a pack holds canvases
    matrix = np.eye(2, 3) if matrices is None else matrices[int(row["index"])]
    assert pair[0].landmarks is not None and pair[1].landmarks is not None
    truth, guess = (
        move_points(points, matrix) for points in (pair[0].landmarks, pair[1].landmarks)
    )
    image = to_channels(image, 3)
    height, width = image.shape[:2]
    factor = page.SIDE / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    drawn = astray(resized(image, size), truth * factor, guess * factor)
    return Tile(page.picture(drawn)[0], False, lines, row["source"])
