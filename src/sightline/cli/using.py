"""Commands that use a trained model."""

import json
from pathlib import Path
from typing import Annotated

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
    Views,
    Weights,
    class_weights,
    opened,
)

Ranks = Annotated[
    list[int] | None,
    typer.Option(
        "--rank",
        min=1,
        metavar="K",
        help="Rank-K accuracy beside the rest. May be given often.",
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


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder.")],
) -> None:
    """Write the report of a finished run again, and print where it is."""
    from sightline import evaluation
    from sightline.talk import Terminal

    print(evaluation.retell(run, Terminal()))
