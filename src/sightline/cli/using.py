"""Commands that use a trained model."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sightline.cli.options import (
    DataRoot,
    Deviation,
    Device,
    Json,
    LabelFrom,
    Mean,
    Model,
    Quarantine,
    Resize,
    Weights,
    class_weights,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.artifact import Artifact
    from sightline.detect.answers import Boxes
    from sightline.detect.asked import Asked
    from sightline.inference import Answers
    from sightline.talk import Talk

Ranks = Annotated[
    list[int] | None,
    typer.Option(
        "--rank",
        min=1,
        metavar="K",
        help="Rank-K accuracy beside the rest. May be given often.",
    ),
]
Views = Annotated[
    str | None,
    typer.Option(
        "--views",
        metavar="center|mirror|ten-crop",
        help="Views an image is seen through, averaged; by default as in training.",
    ),
]
Windows = Annotated[
    bool,
    typer.Option(
        "--windows", help="Search pictures for what the classifier knows: boxes, not a label."
    ),
]
By = Annotated[
    Literal["windows", "convolution"] | None,
    typer.Option("--by", help="Cut windows out, or let a network answer for all in one pass."),
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
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=1,
        help="Least confidence of a box; 0.5 where a class is background or none, else 0.9.",
    ),
]
ClassWeights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="CLASS=X",
        help="Accuracy in which an image of the class counts X times. May be given often.",
    ),
]


def evaluate(
    model: Model,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="SET|FOLDER",
            help="What to measure on (its test part where it has one); by default the model's own "
            "test part.",
        ),
    ] = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    label_from: LabelFrom = None,
    data_root: DataRoot = None,
    device: Device = None,
    quarantine: Quarantine = False,
    rank: Ranks = None,
    weight: ClassWeights = None,
    views: Views = None,
    as_json: Json = False,
) -> None:
    """Measure a model on its own test part, or on other data whose classes it knows."""
    from sightline import evaluation
    from sightline.talk import Terminal

    talk = Terminal()
    artifact = opened(model, device, (weights, mean, deviation, resize), talk)
    where = evaluation.Where(
        data,
        data_root,
        label_from,
        quarantine,
        tuple(rank or ()),
        class_weights(weight),
        True,
        views,
    )
    name, figures = evaluation.evaluate_run(artifact, where, talk)
    if as_json:
        through = {"views": views} if views else {}
        print(json.dumps({"model": model, "data": name, "test": figures} | through))
        return
    seen = f", {views}" if views else ""
    print(f"{name}  ({figures.pop('images'):.0f} images{seen})")
    for figure, value in figures.items():
        print(f"  {figure:<10} {value:.4f}")


def predict(
    model: Model,
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE…", help="Pictures, or folders of pictures.")
    ],
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="DIR",
            help="Write pictures with their answers drawn; of boxes in one picture also a .png.",
        ),
    ] = None,
    views: Views = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    device: Device = None,
    windows: Windows = False,
    by: By = None,
    stride: Stride = None,
    smallest: Smallest = None,
    threshold: Threshold = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table as CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Say what pictures show: the label and its probability, a line a picture; or, of what finds
    objects, a line a box: class, confidence, x0 y0 x1 y1.

    For example: sightline predict mobilenet_v2 ./photos, with ImageNet's 1,000 classes;
    predict RUN street.png --windows; predict haar:frontalface ./photos
    """
    from sightline.detect.asked import Asked
    from sightline.talk import Terminal

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude one another")
    talk = Terminal()
    search = Asked(windows, by, stride, smallest, threshold)
    load = partial(opened, model, device, (weights, mean, deviation, resize), talk)
    answers = _answers(model, load, search, views, images, save, talk)
    if as_json:
        print(json.dumps(answers.to_dict()))
    else:
        sys.stdout.write(answers.to_csv() if as_csv else answers.to_text())
    if answers.failures:
        for failure in answers.failures:
            print(f"sightline: {failure}", file=sys.stderr)
        raise typer.Exit(2)


def _answers(
    model: str,
    load: "Callable[[], Artifact]",
    search: "Asked",
    views: str | None,
    images: list[Path],
    save: Path | None,
    talk: "Talk",
) -> "Answers | Boxes":
    """Of a classifier, of its windows, or of a detector that is none."""
    from sightline import inference
    from sightline.detect import asked

    if asked.is_special(model):
        if views is not None:
            raise typer.BadParameter(f"--views are for classifiers; {model} is none")
        return asked.special(model, search, images, save, talk)
    if asked.wanted(search):
        return asked.by_windows(load(), model, search, views, images, save, talk)
    return inference.predict_files(load(), model, images, views, save, talk)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder.")],
) -> None:
    """Write the report of a finished run again, and print where it is."""
    from sightline import evaluation
    from sightline.talk import Terminal

    print(evaluation.retell(run, Terminal()))
