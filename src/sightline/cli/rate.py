"""Commands on the learning rate: find one, and look at schedules before training."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import DataRoot, Device, Json, Set

rate = typer.Typer(help="The learning rate: find one; look at a schedule before training.")
Picture = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Draw it, as .svg or .png; must not exist yet."),
]


@rate.command("plot")
def plot_rate(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT…",
            help="Schedules by name (step, cosine), or what `sightline train` takes; several are "
            "drawn in one plot.",
        ),
    ],
    to: Picture = None,
    settings: Set = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Of training.")] = None,
    batches: Annotated[
        int | None,
        typer.Option("--batches", min=1, help="Steps an epoch; else counted from the data."),
    ] = None,
    first: Annotated[
        float | None, typer.Option("--rate", help="The rate that the schedule moves.")
    ] = None,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Show the learning rate of every epoch, before any training.

    For example: sightline rate plot step --set train.schedule.factor=0.25 --to step.svg
    """
    from sightline.overrides import setting
    from sightline.study import plot_rate as study
    from sightline.talk import Terminal

    study.require_picture(to)
    overrides = [setting(text) for text in settings or []]
    overrides += [("train.epochs", epochs)] if epochs is not None else []
    overrides += [("train.optimizer.rate", first)] if first is not None else []
    overrides += [("data.root", str(Path(data_root).absolute()))] if data_root is not None else []
    found = study.curves(what, overrides, batches, Terminal())
    if to is not None:
        study.write(found, to)
    if as_json:
        answer = {"schedules": [curve.to_dict() for curve in found]}
        print(json.dumps(answer | ({"picture": str(to)} if to else {})))
        return
    print(study.to_text(found), end="")
    if to is not None:
        print(f"picture {to}")


@rate.command("find")
def find_rate(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="What `sightline train` takes, or a run folder."),
    ],
    to: Picture = None,
    settings: Set = None,
    steps: Annotated[int, typer.Option("--steps", min=20, max=100_000, help="To take.")] = 150,
    low: Annotated[float, typer.Option("--low", help="The first rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--high", help="The last rate.")] = 10.0,
    device: Device = None,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Find a learning rate by a range test: a few steps at rising rates, on a copy.

    Nothing is written but the plot that --to asks for; a run folder stays as it is.
    """
    from sightline.overrides import setting
    from sightline.study import find_rate as study
    from sightline.study.plot_rate import require_picture
    from sightline.talk import Terminal

    require_picture(to)
    overrides = [setting(text) for text in settings or []]
    overrides += [("train.device", device)] if device is not None else []
    overrides += [("data.root", str(Path(data_root).absolute()))] if data_root is not None else []
    found, present = study.find(what, overrides, Terminal(), (steps, low, high))
    if to is not None:
        study.write(found, what, to)
    if as_json:
        answer = study.to_dict(found, present)
        print(json.dumps(answer | ({"picture": str(to)} if to else {})))
        return
    print(study.sentence(found, present))
    if found.steepest is not None:
        print(f"try      --set train.optimizer.rate={study.short(found.steepest)}")
    if to is not None:
        print(f"picture  {to}")
