"""The command that answers for pictures and videos."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sightline.cli.options import (
    Deviation,
    Device,
    Json,
    Mean,
    Model,
    Resize,
    To,
    Views,
    Weights,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.artifact import Artifact
    from sightline.detect.answers import Boxes, Detector
    from sightline.detect.asked import Asked
    from sightline.inference import Answers
    from sightline.talk import Talk

Images = Annotated[
    list[Path] | None,
    typer.Argument(metavar="IMAGE…", help="Pictures, or folders of pictures."),
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="DIR",
        help="Write pictures with their answers drawn; of boxes in one picture also a .png; of a "
        "video an .mp4, .mov, .mkv, .avi or .webm.",
    ),
]
Video = Annotated[
    Path | None,
    typer.Option(
        "--video", metavar="FILE", help="Find objects in every frame; --csv: a row a box, by frame."
    ),
]
Windows = Annotated[
    bool,
    typer.Option(
        "--windows", help="Search pictures for what the classifier knows: boxes, not a label."
    ),
]
By = Annotated[
    Literal["windows", "convolution", "regions"] | None,
    typer.Option(
        "--by", help="Cut windows out, let a network answer for all in one pass, or judge regions."
    ),
]
Stride = Annotated[
    int | None,
    typer.Option("--stride", min=1, metavar="PIXELS", help="Between windows, at each size."),
]
Smallest = Annotated[
    float | None,
    typer.Option(
        "--smallest",
        min=1,
        metavar="PIXELS",
        help="Shorter side of the smallest object; else what the model sees, unenlarged.",
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        "--confidence",
        min=0,
        max=1,
        help="Least confidence of a box; 0.5, and 0.9 for windows where no class is background or "
        "none. For scoring take a low one, such as 0.01: average precision looks at all boxes.",
    ),
]
Format = Annotated[
    Literal["coco", "voc", "yolo", "csv"] | None,
    typer.Option(
        "--format",
        help="With --to DIR, write the boxes, each with its confidence, as a set beside links to "
        "the pictures; coco has also results.json, which COCO's evaluation reads.",
    ),
]
Ids = Annotated[
    Path | None,
    typer.Option(
        "--ids",
        metavar="FILE",
        help="COCO's truths, whose ids of images and categories results.json is to use.",
    ),
]


def predict(
    model: Model,
    images: Images = None,
    save: Save = None,
    views: Views = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    device: Device = None,
    confidence: Confidence = None,
    format: Format = None,
    to: To = None,
    ids: Ids = None,
    video: Video = None,
    windows: Windows = False,
    by: By = None,
    stride: Stride = None,
    smallest: Smallest = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table as CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Say what pictures show: the label and its probability, a line a picture; or, of what finds
    objects, a line a box: class, confidence, x0 y0 x1 y1.

    For example: sightline predict mobilenet_v2 ./photos, with ImageNet's 1,000 classes;
    predict RUN street.png --windows; predict haar:frontalface ./photos;
    predict RUN --video in.mp4 --save out.mp4;
    predict RUN ./photos --format coco --to boxes --confidence 0.01
    """
    from sightline.detect.asked import Asked
    from sightline.talk import Terminal

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude one another")
    if (video is None) == (not images):
        raise typer.BadParameter("name pictures, or a --video")
    talk = Terminal()
    search = Asked(windows, by, stride, smallest, confidence)
    load = partial(opened, model, device, (weights, mean, deviation, resize), talk)
    if video is not None:
        if format or to or ids:
            raise typer.BadParameter("--format, --to and --ids are for pictures; of a video, --csv")
        _watch(model, load, search, views, (video, save), (as_csv, as_json), talk)
        return
    write = _writer(format, to, ids)
    answers = _answers(model, load, search, views, (images or [], save, write is not None), talk)
    if write is not None and answers.rows:
        write(answers, talk)
    if as_json:
        print(json.dumps(answers.to_dict()))
    elif write is None or as_csv:
        sys.stdout.write(answers.to_csv() if as_csv else answers.to_text())
    for failure in answers.failures:
        print(f"sightline: {failure}", file=sys.stderr)
    if answers.failures:
        raise typer.Exit(2)


def _writer(
    format: str | None, to: Path | None, ids: Path | None
) -> "Callable[[Answers | Boxes, Talk], None] | None":
    """What writes the boxes of pictures; all that can be wrong with the options is said before a
    picture is read."""
    from sightline.data import predicted
    from sightline.errors import RecipeError
    from sightline.files import exists_already

    if format is None or to is None:
        if format or to or ids:
            raise RecipeError("boxes are written by --format and --to DIR together")
        return None
    if to.exists():
        raise exists_already(to)
    if ids is not None and format != "coco":
        raise RecipeError(f"--ids are COCO's; --format {format} has none")
    known = None if ids is None else predicted.ids_of(ids)

    def write(answers: "Answers | Boxes", talk: "Talk") -> None:
        with talk.bar("writing", len(answers.rows)) as (tick, _):
            predicted.write(answers.boxes(), answers.classes, format, to, known, tick)
        print(to)

    return write


def _answers(
    model: str,
    load: "Callable[[], Artifact]",
    search: "Asked",
    views: str | None,
    files: tuple[list[Path], Path | None, bool],
    talk: "Talk",
) -> "Answers | Boxes":
    """Of a detector, of a classifier or its windows; `files` are the pictures, where to draw them,
    and whether there must be boxes."""
    from sightline import inference
    from sightline.detect.answers import find_in_files

    images, save, boxes = files
    detector = _searching(model, load, search, views, talk)
    if detector is not None:
        return find_in_files(detector, model, images, save, talk)
    artifact = load()
    if boxes and artifact.task != "detection":
        raise inference.no_boxes(model, "--format")
    return inference.predict_files(
        artifact, model, images, views, save, talk, confidence=search.confidence
    )


def _searching(
    model: str,
    load: "Callable[[], Artifact]",
    search: "Asked",
    views: str | None,
    talk: "Talk",
) -> "Detector | None":
    """What finds objects without being trained on boxes; None for another model."""
    from sightline.detect import asked

    if asked.is_special(model):
        if views is not None:
            raise typer.BadParameter(f"--views are for classifiers; {model} is none")
        return asked.special(model, search)
    return asked.window_detector(load(), search, views, talk) if asked.wanted(search) else None


def _watch(
    model: str,
    load: "Callable[[], Artifact]",
    search: "Asked",
    views: str | None,
    files: tuple[Path, Path | None],
    printed: tuple[bool, bool],
    talk: "Talk",
) -> None:
    """Search a video, and print what was found, as CSV or JSON."""
    from sightline.detect import videos
    from sightline.predictor import look_through

    detector = _searching(model, load, search, views, talk)
    if detector is None:
        artifact = load()
        detector = videos.TrainedDetector(artifact, model, search.confidence)
        if views is not None:
            look_through(artifact.predictor, views)
    as_csv, as_json = printed
    if as_csv:
        tell = videos.rows_to(sys.stdout, detector.classes)
        videos.search_video(detector, model, *files, talk, tell)
        return
    watched = videos.search_video(detector, model, *files, talk)
    sys.stdout.write(f"{json.dumps(watched.to_dict())}\n" if as_json else watched.to_text())
