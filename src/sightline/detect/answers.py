"""Boxes for files: pictures and folders in, lines, JSON and drawn pictures out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sightline import files, images
from sightline.detect.search import Found
from sightline.drawing import annotations as drawing
from sightline.errors import DataError, OutputError
from sightline.inference import claim, pictures_in
from sightline.predictions import as_csv
from sightline.talk import Talk
from sightline.types import Annotation, Image

DRAWN = (".png", ".jpg", ".webp")  # of one picture, as a file


class Detector(Protocol):
    """Whatever finds boxes in an image. `remark` is what there is to know of its answers, or ""."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def remark(self) -> str: ...

    def find(self, image: Image) -> Found: ...


@dataclass(frozen=True, eq=False)
class Boxes:
    """What a detector found in some files; `failures` is a line for each that cannot be read."""

    model: str
    classes: tuple[str, ...]
    rows: list[tuple[str, Found]]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        predictions = [
            {
                "source": source,
                **found.annotation.to_dict(self.classes),
                "windows": found.windows,
                "seconds": round(found.seconds, 4),
            }
            for source, found in self.rows
        ]
        return {"model": self.model, "predictions": predictions, "failures": self.failures}

    def to_csv(self) -> str:
        """A row a box: source, class, confidence, x0, y0, x1, y1."""
        table = [["source", "class", "confidence", "x0", "y0", "x1", "y1"]]
        for source, found in self.rows:
            for name, sure, box in each(found.annotation, self.classes):
                table.append([source, name, f"{sure:.4f}", *(f"{x:.1f}" for x in box)])
        return as_csv(table)

    def boxes(self) -> list[tuple[str, Annotation]]:
        """What was found in each picture."""
        return [(source, found.annotation) for source, found in self.rows]

    def to_text(self) -> str:
        """A line a box: source, class, confidence, x0 y0 x1 y1."""
        lines = []
        for source, found in self.rows:
            boxes = each(found.annotation, self.classes)
            lines += [
                f"{source}  {name} {100 * sure:.1f} %  " + " ".join(f"{x:.0f}" for x in box)
                for name, sure, box in boxes
            ] or [f"{source}  nothing found"]
        return "".join(f"{line}\n" for line in lines)


def each(given: Annotation, classes: Sequence[str]) -> list[tuple[str, float, list[float]]]:
    """Class, confidence and corners of each box."""
    assert given.boxes is not None and given.classes is not None and given.confidence is not None
    rows = zip(given.classes, given.confidence, given.boxes, strict=True)
    return [(classes[kind], float(sure), box.tolist()) for kind, sure, box in rows]


def find_in_files(
    detector: Detector, name: str, paths: Sequence[Path], save: Path | None, talk: Talk
) -> Boxes:
    """Search every picture; with `save`, write each with its boxes drawn: into that folder, or,
    of a single picture, as that .png, .jpg or .webp file.

    name  of the model, as it was asked for

    Raises SightlineError for a path that is not there; a picture that cannot be read is a line in
    `failures`.
    """
    found = [path for given in paths for path in pictures_in(given)]
    places = _places(save, found)
    if detector.remark:
        talk.say(detector.remark)
    rows: list[tuple[str, Found]] = []
    failures: list[str] = []
    with talk.bar("searching", len(found)) as (tick, _):
        for number, path in enumerate(found):
            try:
                image = images.read(path)
            except DataError as error:
                failures.append(str(error))
                continue
            answer = detector.find(image)
            rows.append((str(path), answer))
            if places:
                sheet = drawing.annotated(image, answer.annotation, detector.classes, "")
                with files.output_errors(places[number]):
                    images.write(places[number], sheet)
            tick(1)
    if rows:
        seconds = sum(answer.seconds for _, answer in rows) / len(rows)
        looked = sum(answer.windows for _, answer in rows) // len(rows)
        windows = f", {looked:,} windows" if looked else ""
        talk.say(f"{seconds:.2f} s a picture{windows}")
    return Boxes(name, detector.classes, rows, failures)


def _places(save: Path | None, found: Sequence[Path]) -> list[Path]:
    """Where each picture is drawn to; none without `save`."""
    if save is None:
        return []
    if save.suffix.lower() not in DRAWN:
        claim(save, found)
        return [save / f"{path.stem}.png" for path in found]
    if len(found) > 1:
        raise OutputError(f"--save {save}: {len(found)} pictures; name a folder for them")
    if save.exists():
        raise files.exists_already(save)
    return [save]
