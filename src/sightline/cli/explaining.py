"""Commands that look into a trained model: why it says so, and how much it bears."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sightline.cli.options import (
    DataRoot,
    Deviation,
    Device,
    Json,
    LabelFrom,
    Mean,
    Model,
    Resize,
    To,
    Weights,
    numbers,
    opened,
)

Measured = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SET|FOLDER",
        help="Whose pictures to take (its test part where it has one); by default the model's own "
        "test part.",
    ),
]
Picture = Annotated[
    Path | None, typer.Argument(metavar="IMAGE", help="The picture whose answer is explained.")
]
Method = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="occlusion|grad-cam|gradients|guided",
        help="May be given often; by default all that the model has.",
    ),
]
Class = Annotated[
    str | None,
    typer.Option("--class", metavar="NAME", help="To explain, in place of the model's answer."),
]
Layer = Annotated[
    str | None, typer.Option("--layer", help="Of Grad-CAM; by default the last one with places.")
]
Patch = Annotated[
    int | None, typer.Option("--patch", min=1, help="Side of what occludes, in input pixels.")
]
Stride = Annotated[
    int | None, typer.Option("--stride", min=1, help="From one occlusion to the next.")
]
Filters = Annotated[bool, typer.Option("--filters", help="Show the first layer's.")]
Maps = Annotated[
    str | None,
    typer.Option("--maps", metavar="LAYER", help="Show what a layer makes of the picture."),
]
Patches = Annotated[
    str | None,
    typer.Option(
        "--patches",
        metavar="LAYER[:UNIT]",
        help="Show what of a set (--data) fires the units of a layer most, or one of them.",
    ),
]
Corruptions = Annotated[
    list[str] | None,
    typer.Option(
        "--corruption",
        metavar="noise|blur|brightness|contrast|jpeg",
        help="May be given often; by default all.",
    ),
]
Kind = Annotated[
    Literal["fgsm", "pgd"] | None,
    typer.Option("--attack", help="Also change the pictures against the model."),
]
Eps = Annotated[
    str, typer.Option("--eps", metavar="X[,X…]", help="The most a value moves, of 255 grey levels.")
]
Steps = Annotated[int, typer.Option("--steps", min=1, max=1000, help="Of PGD.")]
Limit = Annotated[
    int, typer.Option("--limit", min=0, help="Images to measure on, evenly spaced; 0: all.")
]
Chance = Annotated[int, typer.Option("--seed", min=0, help="Of noise and random starts.")]


def explain(
    model: Model,
    image: Picture = None,
    method: Method = None,
    name: Class = None,
    layer: Layer = None,
    patch: Patch = None,
    stride: Stride = None,
    filters: Filters = False,
    maps: Maps = None,
    patches: Patches = None,
    data: Measured = None,
    data_root: DataRoot = None,
    to: To = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Show why a model says so: maps over a picture, and what its layers look for.

    For example: sightline explain runs/animals photos/cat.jpg --class dogs
    """
    from sightline.evaluation import Where
    from sightline.study.explaining import explain as study
    from sightline.study.explaining.methods import How
    from sightline.talk import Terminal

    talk = Terminal()
    artifact = opened(model, device, (weights, mean, deviation, resize), talk)
    asked = study.Asked(
        image, method or (), name, How(layer, patch, stride), filters, maps, patches,
        Where(data, data_root),
    )  # fmt: skip
    done = study.explain(model, artifact, asked, to, talk)
    if as_json:
        print(json.dumps(done.facts | {"folder": str(done.folder)}))
        return
    if image is not None:
        print(f"{done.facts['answers']}")
    for line in done.lines:
        print(line)
    print(f"page  {done.folder / 'index.html'}")


def robustness(
    model: Model,
    data: Measured = None,
    corruption: Corruptions = None,
    attack: Kind = None,
    eps: Eps = "1,2,4,8,16",
    steps: Steps = 10,
    limit: Limit = 1000,
    seed: Chance = 0,
    to: To = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    label_from: LabelFrom = None,
    data_root: DataRoot = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Measure a model on spoiled pictures at five strengths, and on pictures changed against it.

    For example: sightline robustness runs/mnist --attack fgsm
    """
    from sightline.evaluation import Where
    from sightline.study.robustness import tell as study
    from sightline.study.robustness.measure import Asked
    from sightline.talk import Terminal

    talk = Terminal()
    artifact = opened(model, device, (weights, mean, deviation, resize), talk)
    asked = Asked(corruption or (), attack, numbers(eps, "--eps"), steps, limit, seed)
    where = Where(data, data_root, label_from)
    done = study.robustness(model, artifact, where, asked, to, talk)
    if as_json:
        print(json.dumps(done.facts | {"folder": str(done.folder)}))
        return
    print(done.text, end="")
    print(f"page  {done.folder / 'index.html'}")
