"""Options that several commands share, so that they are spelt and explained alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from sightline.artifact import Artifact
    from sightline.talk import Talk

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the recipe or plan: train.epochs=5. May be given often.",
    ),
]
To = Annotated[
    Path | None,
    typer.Option("--to", metavar="PATH", help="Where to write; must not exist yet."),
]
ToNew = Annotated[
    Path,
    typer.Option("--to", metavar="PATH", help="Where to write; must not exist yet."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of weights, order and augmentation (not of the split)."),
]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where to compute."),
]
DataRoot = Annotated[
    str | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        help="Where named sets lie (DIR/mnist, …); else SIGHTLINE_DATA, else the user's cache.",
    ),
]
LabelFrom = Annotated[
    str | None,
    typer.Option(
        "--label-from",
        metavar="REGEX",
        help=r"Find the label in a file's name: 'cat|dog', or its group: '_(\w+)_'.",
    ),
]
Masks = Annotated[
    Literal["classes", "instances"],
    typer.Option(
        "--masks", help="Masks of classes, or of single objects (COCO's are read for these)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Quarantine = Annotated[
    bool, typer.Option("--quarantine", help="Go on without files that cannot be read.")
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A run folder, a .safetensors model file, or a network's name (mobilenet_v2).",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Of a network: a .safetensors, .pth or .th file; by default the published weights.",
    ),
]
Mean = Annotated[
    str,
    typer.Option(
        "--mean",
        metavar="X[,X,X]",
        help="That the weights want subtracted from pixels of 0 to 1; by default ImageNet's.",
    ),
]
Deviation = Annotated[
    str,
    typer.Option("--deviation", metavar="X[,X,X]", help="That they want pixels divided by."),
]
Resize = Annotated[
    int | None,
    typer.Option(
        "--resize",
        min=0,
        metavar="PIXELS",
        help="Of a picture's shorter side, before the middle is seen; 0 takes pictures as they "
        "are. By default as on record.",
    ),
]
Learner = Annotated[
    str | None,
    typer.Option(
        "--learner",
        metavar="NAME",
        help="Instead of a network, a learner: knn, logistic, softmax-regression, …",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Begin with this network's weights and fine-tune it (mobilenet_v2, a run, a model "
        "file); with --learner: learn from what it makes of the images.",
    ),
]
Network = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A network's name (mobilenet_v2), a run folder or a model file.",
    ),
]
Layer = Annotated[
    str,
    typer.Option("--layer", metavar="NAME", help="Where it is cut; else before its head."),
]
Pool = Annotated[
    str, typer.Option("--pool", metavar="mean|max|none", help="Of maps, over their places.")
]
Side = Annotated[
    int | None,
    typer.Option("--size", min=8, metavar="PIXELS", help="Of the input's side; else its own."),
]
Mirror = Annotated[
    bool, typer.Option("--mirror", help="Average with the mirror image: better, half as fast.")
]
Views = Annotated[
    str | None,
    typer.Option(
        "--views",
        metavar="center|mirror|ten-crop",
        help="Views an image is seen through, averaged; by default as in training.",
    ),
]
SetName = Annotated[
    str,
    typer.Argument(metavar="SET", help="A named set (bccd), or a path with a slash (./photos)."),
]


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Of ".485,.456,.406"; none of nothing. Raises BadParameter."""
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise typer.BadParameter(f"{option} {text}: expected a number, or one a channel") from None


def class_weights(given: list[str] | None) -> dict[str, float]:
    """Of "cat=10" and the like. Raises BadParameter."""
    found: dict[str, float] = {}
    for text in given or []:
        name, sign, value = text.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            sign = ""
        if not sign or not 0 <= found[name] < float("inf"):
            raise typer.BadParameter(f"--weight {text}: expected CLASS=X, X 0 or more")
    return found


def given(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The options that were given, as settings of a recipe."""
    return [(key, value) for key, value in options.items() if value is not None]


def begun_with(
    content: Mapping[str, Any], learner: str | None, network: str | None, weights: Path | None
) -> dict[str, Any]:
    """What --learner, --from and --weights mean for a recipe of this content: the network gives a
    learner its features, or another network its first weights."""
    start = "features" if learner or "learner" in content else "pretrained"
    return {
        "learner.name": learner,
        f"{start}.model": network,
        f"{start}.weights": absolute(weights),
    }


def absolute(path: Path | str | None) -> str | None:
    """A path that stays what it is in another folder."""
    return None if path is None else str(Path(path).absolute())


def opened(
    model: str,
    device: str | None,
    weights: tuple[Path | None, str, str, int | None],
    talk: "Talk",
) -> "Artifact":
    """The model of a word as typed; `weights` are --weights, --mean, --deviation and --resize."""
    from sightline.pretrained import Given, open_model

    file, mean, deviation, resize = weights
    given = Given(file, numbers(mean, "--mean"), numbers(deviation, "--deviation"), resize)
    return open_model(model, device or "auto", talk, given)
