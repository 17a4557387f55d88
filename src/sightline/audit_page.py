"""The page of an audit: findings with the pictures they are about; needs nothing outside itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from sightline import files, page, plots
from sightline.data.checking import truths as audit_truths
from sightline.data.checking.audit import Audit
from sightline.data.checking.findings import SEVERITIES, UNSEEN, Finding, Place
from sightline.errors import DataError
from sightline.version import __version__
from sightline.wording import plural, size_in_words

SIDE = 176  # pixels, the longest side of a picture
GROUPS = 12  # of a finding, shown as pictures
TOGETHER = 6  # copies of one group
LISTED = 200  # names of files that cannot be shown
SAMPLES = 8  # of a class
ROWS = 40  # classes with samples
BARS = 100  # classes whose counts are drawn
MARGIN = 0.3  # of a picture, that is drawn around it for boxes that reach outside


@dataclass(frozen=True)
class Tile:
    """A picture on the page.

    picture  a data: address; empty where it cannot be read
    crisp    a small image, to be enlarged pixel by pixel
    boxes    (x, y, width, height, whether it is what the finding is about), in pixels of the image
    view     the viewBox around image and boxes, where there are boxes
    size     (height, width) of the image
    said     its class or classes
    """

    place: Place
    name: str
    said: str
    picture: str
    crisp: bool
    size: tuple[int, int]
    boxes: list[tuple[float, float, float, float, bool]]
    view: str


def write(path: Path, audited: Audit) -> None:
    """Write the page. Raises OutputError where `path` exists or cannot be written."""
    if path.exists():
        raise files.exists_already(path)
    names = list(audited.splits.train.classes)
    counted = {part: numbers for part, numbers in audited.counts.items() if any(numbers)}
    drawn = ""
    if counted and 1 < len(names) <= BARS:
        drawn = Markup(plots.for_page(plots.counts(names, counted), "counts", "counts"))
    sizes = np.concatenate([found.sizes for found in audited.parts.values()])
    text = (
        page.environment()
        .get_template("audit.html")
        .render(
            audit=audited,
            version=__version__,
            severities=SEVERITIES,
            findings=[_shown(audited, finding) for finding in audited.findings],
            stored=size_in_words(audited.stored),
            decoded=size_in_words(audited.decoded),
            free=size_in_words(audited.free),
            total=len(audited.splits),
            counts=drawn,
            counted=counted,
            noun="boxes" if audited.task == "detection" else "images",
            spread=_spread(sizes) if len(np.unique(sizes, axis=0)) > 1 else "",
            samples=_samples(audited),
            more=max(0, len(names) - ROWS),
        )
    )
    with files.output_errors(path):
        files.write_text(path, text, new=True)


def _shown(audited: Audit, finding: Finding) -> dict[str, Any]:
    """A finding with its pictures, or with names where there are none to show."""
    shown: dict[str, Any] = {"finding": finding, "tiles": [], "names": []}
    if finding.kind in UNSEEN:
        places = [group[0] for group in finding.groups[:LISTED]]
        shown["names"] = [f"{audited.source(at)}: {audited.reason(at)}" for at in places]
        return shown
    odd = _odd_boxes(audited, finding)
    shown["tiles"] = [
        [_tile(audited, place, odd) for place in group[:TOGETHER]]
        for group in finding.groups[:GROUPS]
    ]
    return shown


def _odd_boxes(audited: Audit, finding: Finding) -> NDArray[np.bool_] | None:
    """(m,) the boxes of the finding's part that it is about; None where it is about none."""
    dataset = audited.splits.parts.get(finding.part)
    if dataset is None or dataset.truths.boxes is None:
        return None
    sizes = audited.looks[finding.part].sizes
    faults = audit_truths.box_faults(dataset.truths.boxes, sizes, len(dataset.classes))
    return faults.get(finding.kind)


def _tile(audited: Audit, place: Place, odd: NDArray[np.bool_] | None) -> Tile:
    dataset, row = audited.splits.parts[place[0]], place[1]
    name, said = audited.name_of(place), _said(audited, place)
    seen = audited.looks[place[0]].records[row]
    size = int(seen["height"]), int(seen["width"])
    try:
        picture, crisp = page.picture(dataset.images([row])[0], audited.parts[place[0]].top, SIDE)
    except DataError:
        picture, crisp = "", False
    column = dataset.truths.boxes
    boxes: list[tuple[float, float, float, float, bool]] = []
    view = ""
    if odd is not None and column is not None:
        start = int(column.starts[row])
        least = max(size) / 200  # what has no width would not be drawn
        boxes = [
            (
                min(x0, x1),
                min(y0, y1),
                max(least, abs(x1 - x0)),
                max(least, abs(y1 - y0)),
                bool(odd[start + i]),
            )
            for i, (x0, y0, x1, y1) in enumerate(column.at(row)["boxes"].tolist())
        ]
        view = _view(size, boxes)
    return Tile(place, name, said, picture, crisp, size, boxes, view)


def _view(size: tuple[int, int], boxes: Iterable[tuple[float, float, float, float, bool]]) -> str:
    """The viewBox around an image and what its boxes reach outside, up to a margin."""
    height, width = size
    left = top = 0.0
    right, bottom = float(width), float(height)
    for x, y, w, h, _ in boxes:
        left, top = min(left, x), min(top, y)
        right, bottom = max(right, x + w), max(bottom, y + h)
    left, top = max(left, -MARGIN * width), max(top, -MARGIN * height)
    right, bottom = min(right, (1 + MARGIN) * width), min(bottom, (1 + MARGIN) * height)
    return f"{left:g} {top:g} {right - left:g} {bottom - top:g}"


def _said(audited: Audit, place: Place) -> str:
    """The truth of an image in a few words."""
    truths, classes = audited.splits.parts[place[0]].truths, audited.splits.train.classes
    row = place[1]
    if truths.label is not None:
        label = int(truths.label[row])
        return classes[label] if 0 <= label < len(classes) else f"label {label}"
    if truths.labels is not None:
        return ", ".join(classes[i] for i in np.flatnonzero(truths.labels[row] == 1)) or "none"
    if truths.values is not None:
        return ", ".join(page.number(float(value)) for value in truths.values[row])
    if truths.task == "landmarks" and truths.landmarks is not None:
        seen = int(np.isfinite(truths.landmarks[row]).all(1).sum())
        return f"{seen} of {plural(len(classes), 'landmark')}"
    if truths.boxes is not None:
        return plural(len(truths.boxes.at(row)["boxes"]), "box", "boxes")
    return ""


def _samples(audited: Audit) -> list[tuple[str, list[Tile]]]:
    """A row of pictures for each class; one row where there are no classes."""
    train, looks = audited.splits.train, audited.looks["train"]
    truths, good = train.truths, looks.readable
    column = truths.boxes
    rows: list[tuple[str, NDArray[np.int64], NDArray[np.bool_] | None]] = []
    for number, name in enumerate(train.classes[:ROWS]):
        if truths.label is not None:
            rows.append((name, np.flatnonzero(good & (truths.label == number)), None))
        elif truths.labels is not None:
            rows.append((name, np.flatnonzero(good & (truths.labels[:, number] == 1)), None))
        elif column is not None:
            own = column.classes == number
            having = np.unique(column.images[own])
            rows.append((name, having[good[having]], own))
    if not rows:
        rows = [("", np.flatnonzero(good), None)]
    return [
        (name, [_tile(audited, ("train", int(row)), own) for row in _even(which)])
        for name, which, own in rows
    ]


def _even(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """A few rows, evenly spaced."""
    at = np.linspace(0, len(rows) - 1, min(SAMPLES, len(rows))).round().astype(int)
    return rows[at]


def _spread(sizes: NDArray[np.int64]) -> Markup:
    """Width against height of all images as a drawing: a dot a size, larger where more have it."""
    pairs, numbers = np.unique(sizes, axis=0, return_counts=True)
    if len(pairs) > 2000:
        step = max(1, int(sizes.max()) // 100)
        pairs, numbers = np.unique(sizes // step * step, axis=0, return_counts=True)
    most = float(sizes.max()) * 1.04
    side, left, top = 300.0, 44.0, 10.0
    scale, low = side / most, top + side
    tick = _tick(most)
    parts = []
    for value in np.arange(0, most, tick):
        at = value * scale
        parts.append(
            f'<path d="M{left} {low - at:.1f}H{left + side}M{left + at:.1f} {top}V{low}"'
            ' stroke="var(--grid)" fill="none"/>'
            f'<text x="{left - 6}" y="{low - at + 4:.1f}" text-anchor="end">{value:g}</text>'
            f'<text x="{left + at:.1f}" y="{low + 16}" text-anchor="middle">{value:g}</text>'
        )
    for (height, width), number in zip(pairs.tolist(), numbers.tolist(), strict=True):
        radius = min(14.0, 2.2 + 10 * float(np.sqrt(number / numbers.sum())))
        parts.append(
            f'<circle cx="{left + width * scale:.1f}" cy="{low - height * scale:.1f}"'
            f' r="{radius:.1f}"><title>{width} x {height}: {number:,}</title></circle>'
        )
    parts.append(f'<text x="{left + side}" y="{low + 34}" text-anchor="end">width, pixels</text>')
    parts.append(f'<text x="{left + 6}" y="{top + 12}">height, pixels</text>')
    return Markup(
        f'<svg class="spread" viewBox="0 0 {left + side + 16} {low + 40}" role="img"'
        f' aria-label="sizes">{"".join(parts)}</svg>'
    )


def _tick(most: float) -> float:
    """A round distance of four to eight marks."""
    power = float(10 ** int(np.floor(np.log10(most))))
    return next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1.0) if most / (power * part) <= 7)
