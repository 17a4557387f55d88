"""A learning curve told: a table for a terminal, JSON and a page in its folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from sightline import files, page, plots
from sightline.drawing import errors as drawing
from sightline.study.curve_reading import Mean, Reading
from sightline.study.learning_curve import Point, Wanted
from sightline.version import __version__

PAGE, TABLE = "index.html", "learning-curve.json"
SAME = {
    "steps": "Every share was trained for the same number of optimizer steps, so smaller ones for "
    "more epochs: what differs is the data alone.",
    "epochs": "Every share was trained for the same epochs, so smaller ones for fewer optimizer "
    "steps: part of their error is training that is missing, not data.",
}
NOTES = (
    "Smaller shares lie within larger ones, drawn by class. Validation images are the same for "
    "all; a network's kept epoch was chosen on them, which flatters validation error a little. "
    "The intervals are of the images alone: another training would differ, too (--repeat)."
)


def to_dict(
    folder: Path, points: Sequence[Point], rows: Sequence[Mean], reading: Reading
) -> dict[str, Any]:
    """Plain JSON values."""
    return {
        "folder": str(folder),
        "shares": [row.to_dict() for row in rows],
        "reading": reading.to_dict(),
        "runs": [point.to_dict() for point in points],
    }


def to_text(rows: Sequence[Mean], reading: Reading, wanted: Wanted) -> str:
    """The table and the sentence."""
    table = [["share", "images", "epochs", "train error", "95 %", "val error", "95 %"]]
    for row in rows:
        cells = [f"{row.share:g}", f"{row.images:,}", f"{row.epochs}" if row.epochs else "-"]
        for part, value in (("train", row.train), ("val", row.val)):
            low, high = row.interval("train" if part == "train" else "val")
            cells += [f"{100 * value:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"]
        table.append(cells)
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in table
    ]
    if wanted.repeat > 1:
        lines.append(f"means of {wanted.repeat} draws")
    return "\n".join([*lines, reading.sentence, *_same(rows, wanted)])


def _same(rows: Sequence[Mean], wanted: Wanted) -> list[str]:
    """What the shares were trained alike; nothing of learners, which are fitted at once."""
    return [SAME[wanted.same]] if any(row.epochs for row in rows) else []


def write(
    folder: Path,
    points: Sequence[Point],
    rows: Sequence[Mean],
    reading: Reading,
    wanted: Wanted,
    human: float | None,
) -> Path:
    """Write the page and the figures into the folder; returns the page."""
    fitted = None
    if reading.law is not None and reading.twice is not None:
        law = reading.law
        x = np.geomspace(rows[0].images, reading.twice[0], 60)
        fitted = x.tolist(), [law.at(float(value)) for value in x]
    svg = drawing.against_images(
        [row.images for row in rows],
        [(row.train, *row.interval("train")) for row in rows],
        [(row.val, *row.interval("val")) for row in rows],
        fitted,
        human,
    )
    html = page.environment().get_template("learning-curve.html").render(
        name=folder.name,
        rows=rows,
        reading=reading,
        same=" ".join(_same(rows, wanted)),
        notes=NOTES,
        repeat=wanted.repeat,
        picture=Markup(plots.for_page(svg, "error against training images", "curve")),
        version=__version__,
    )  # fmt: skip
    with files.output_errors(folder):
        text = json.dumps(to_dict(folder, points, rows, reading), indent=1) + "\n"
        files.write_text(folder / TABLE, text)
        files.write_text(folder / PAGE, html)
    return folder / PAGE
