"""Commands that look at networks: one layer by layer, or all by name."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import Json

Network = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A network's name (resnet18, timm:NAME), a pattern ('INPUT => CONV32 => RELU => "
        "FC'), a run folder or a .safetensors model file.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option("--size", metavar="HxW", help="Of the input; by default as published."),
]
Channels = Annotated[
    int | None, typer.Option("--channels", min=1, max=4, help="Of the input: 1 or 3.")
]
Outputs = Annotated[
    int | None, typer.Option("--outputs", min=1, max=65_536, help="By default 1000 or 10.")
]
Batch = Annotated[
    int, typer.Option("--batch", min=1, max=65_536, help="Images that the memory is for.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the network: model.width=64"),
]
Lint = Annotated[
    bool, typer.Option("--lint", help="Add what rules of thumb say about the architecture.")
]
Picture = Annotated[
    Path | None, typer.Option("--picture", metavar="FILE", help="Draw it, as .svg or .png.")
]


def summary(
    model: Network,
    size: Size = None,
    channels: Channels = None,
    outputs: Outputs = None,
    batch: Batch = 32,
    settings: Settings = None,
    lint: Lint = False,
    picture: Picture = None,
    as_json: Json = False,
) -> None:
    """Describe a network: volumes, parameters, multiply-adds, receptive fields, memory."""
    from sightline import outline
    from sightline.models import lint as linter
    from sightline.models import summary as text

    outline.require_picture(picture)
    shape = outline.Shape(None if size is None else _size(size), channels, outputs)
    graph = outline.outline(model, shape, settings or [])
    findings = linter.lint(graph) if lint else None
    if picture is not None:
        outline.write_picture(graph, picture)
    if as_json:
        answer = text.to_dict(graph, batch)
        answer |= {} if findings is None else {"lint": [f.to_dict() for f in findings]}
        answer |= {} if picture is None else {"picture": str(picture)}
        print(json.dumps(answer))
        return
    columns = shutil.get_terminal_size().columns
    print(text.to_text(graph, batch, columns), end="")
    if findings is not None:
        print(linter.to_text(findings, max(40, min(columns, 100))), end="")
    if picture is not None:
        print(f"picture {picture}")


def _size(text: str) -> tuple[int, int]:
    """224 or 224x160 (height first)."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise typer.BadParameter(f"--size {text}: expected 224 or 224x160, height first")
    height, width = int(sides[0]), int(sides[-1])
    if not (1 <= height <= 16_384 and 1 <= width <= 16_384):
        raise typer.BadParameter(f"--size {text}: sides are 1 to 16384")
    return height, width


def models(as_json: Json = False) -> None:
    """List the networks by name."""
    from sightline import outline

    rows = outline.listed()
    if as_json:
        print(json.dumps(rows))
        return
    width = max(map(len, rows))
    print(f"{'name':<{width}}  {'parameters':>11}  {'input':<9}  {'weights':>7}  paper")
    for name, row in rows.items():
        height, across = row["size"]
        size = f"{height}x{across}x{row['channels']}"
        right = f"{row['weights']['top1']:.1%}" if row["weights"] else ""
        start = f"{name:<{width}}  {row['parameters']:>11,}  {size:<9}  {right:>7}"
        print(f"{start}  {row['paper']}")
    print("parameters: with 1000 outputs for inputs of 200 pixels and more, else with 10")
    print("weights: published ones, by their share of right answers; licences with --json")
