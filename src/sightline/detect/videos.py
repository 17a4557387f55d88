"""Boxes for the frames of a video: a drawn video, and a row a box, frame by frame."""

import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import numpy as np

from sightline import video
from sightline.artifact import Artifact
from sightline.detect.answers import Detector, each
from sightline.detect.search import Found
from sightline.drawing.annotations import overlaid
from sightline.errors import Stopped
from sightline.inference import least_of, no_boxes
from sightline.predictions import sure
from sightline.talk import Talk
from sightline.types import Annotation, Image

EVERY = 10  # frames between two words about how fast it goes
Tell = Callable[[int, float, Annotation], None]  # of each frame: its number, its second, its boxes


class TrainedDetector:
    """A model of the task detection, for one image at a time.

    confidence  the least of a box; None is 0.5

    Raises RecipeError for a model of labels.
    """

    remark = ""

    def __init__(self, artifact: Artifact, name: str, confidence: float | None = None) -> None:
        if artifact.task != "detection":
            raise no_boxes(name, "--video")
        self.least = least_of(artifact, name, confidence)
        self.artifact, self.classes = artifact, artifact.classes

    def find(self, image: Image) -> Found:
        start = perf_counter()
        (answer,) = self.artifact.predict([image])
        return Found(sure(answer, self.least), 0, perf_counter() - start)


@dataclass(frozen=True)
class Watched:
    """What became of a video.

    frames    that were read
    rate      of the video, frames a second
    pace      frames a second that were searched, drawn and written: the median
    boxes     by class, in all frames
    """

    model: str
    video: str
    frames: int
    width: int
    height: int
    rate: float
    pace: float
    boxes: dict[str, int]
    saved: str | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_text(self) -> str:
        found = ", ".join(f"{count:,} {name}" for name, count in self.boxes.items()) or "nothing"
        said = f"{self.video}  {self.frames:,} frames of {self.width}x{self.height}: {found}\n"
        return said + (f"{self.saved}\n" if self.saved else "")


def rows_to(file: TextIO, classes: tuple[str, ...]) -> Tell:
    """Writes a row a box as CSV, and the header first: frame (from 0), seconds, class, confidence,
    x0, y0, x1, y1."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["frame", "seconds", "class", "confidence", "x0", "y0", "x1", "y1"])

    def tell(frame: int, second: float, found: Annotation) -> None:
        for name, share, box in each(found, classes):
            corners = [f"{side:.1f}" for side in box]
            rows.writerow([frame, f"{second:.3f}", name, f"{share:.4f}", *corners])

    return tell


def search_video(
    detector: Detector,
    name: str,
    path: Path,
    save: Path | None,
    talk: Talk,
    tell: Tell = lambda *_: None,
) -> Watched:
    """Search every frame, in the memory of one; with `save`, write the video with boxes drawn.

    name  of the model, as it was asked for

    Ctrl-C ends it: the video written so far is kept and plays, and Stopped says so. Raises
    SightlineError for what is no video or cannot be written.
    """
    if save is not None:
        video.require_writable(save)
    if detector.remark:
        talk.say(detector.remark)
    spent, boxes, stopped = array("d"), Counter[str](), False
    with video.reading(path) as footage:
        if not footage.known:
            talk.say(f"{path}: no frame rate in it; taken as {footage.rate:g} a second")
        with _drawing(save, footage, detector.classes) as draw:
            try:
                for found in _searched(detector, footage, draw, spent, talk):
                    tell(len(spent) - 1, (len(spent) - 1) / footage.rate, found)
                    boxes.update(label for label, _, _ in each(found, detector.classes))
            except KeyboardInterrupt:
                if not len(spent):
                    raise
                stopped = True
    pace = 1 / float(np.median(spent))
    of = f" of {footage.count:,}" if footage.count else ""
    if stopped:
        kept = f"; {save} holds the video up to there" if save else ""
        raise Stopped(f"stopped at frame {len(spent):,}{of}{kept}")
    if len(spent) < footage.count - 1:  # one more or less is how headers count
        talk.say(f"{path} ends early: {len(spent):,} frames{of} that its header promises")
    talk.say(f"{pace:.1f} frames a second (median); the video has {footage.rate:g}")
    order = [label for label in detector.classes if boxes[label]]
    return Watched(
        name, str(path), len(spent), footage.size[1], footage.size[0], footage.rate,
        round(pace, 2), {label: boxes[label] for label in order}, str(save) if save else None,
    )  # fmt: skip


Draw = Callable[[Image, Annotation], None]


@contextmanager
def _drawing(save: Path | None, footage: video.Footage, classes: tuple[str, ...]) -> Iterator[Draw]:
    if save is None:
        yield lambda *_: None
        return
    with video.writing(save, footage.size, footage.rate) as write:
        yield lambda frame, found: write(overlaid(frame, found, classes))


def _searched(
    detector: Detector, footage: video.Footage, draw: Draw, spent: "array[float]", talk: Talk
) -> Iterator[Annotation]:
    """The boxes of each frame, drawn; `spent` grows by the seconds that each took."""
    with talk.bar("frames", footage.count) as (tick, note):
        start = perf_counter()
        for frame in footage.frames:
            found = detector.find(frame).annotation
            draw(frame, found)
            now = perf_counter()
            spent.append(now - start)
            start = now
            tick(1)
            if len(spent) % EVERY == 0:
                note(f"{EVERY / sum(spent[-EVERY:]):.1f} frames a second")
            yield found
