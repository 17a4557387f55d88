"""The command that looks at a model's mistakes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import Device, Json

if TYPE_CHECKING:
    from sightline.study.causes import Causes

PAGE = "errors.html"


RunOrModel = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or a .safetensors model file.")
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--tags",
        metavar="FILE.csv",
        help="A table of ticks that the page saved: sum its columns, and tick the page by it.",
    ),
]
PageTo = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="FILE",
        help="The page; by default errors.html in the run folder, which is written anew.",
    ),
]
Part = Annotated[str, typer.Option("--part", metavar="test|val", help="Whose mistakes.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=2000, help="Mistakes shown, drawn at random.")
]
Near = Annotated[
    int, typer.Option("--near", min=0, max=12, help="Training images shown beside each mistake.")
]
DrawnBy = Annotated[int, typer.Option("--seed", min=0, help="Of the mistakes drawn.")]


def errors(
    run: RunOrModel,
    tags: Table = None,
    to: PageTo = None,
    part: Part = "test",
    limit: Limit = 100,
    near: Near = 3,
    seed: DrawnBy = 0,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Show what a model names wrongly on one page, tick causes there, and sum them.

    Ticks stay in the browser; its button saves them as a CSV, which --tags sums: the ceiling of
    what fixing each cause could bring.
    """
    from sightline import files
    from sightline.artifact import open_artifact
    from sightline.cli.checking import stopping
    from sightline.errors import ArtifactError
    from sightline.study import causes, errors_page, mistakes
    from sightline.talk import Terminal

    talk = Terminal()
    if to is not None and to.exists():
        raise files.exists_already(to)
    artifact = open_artifact(run, device or "auto")
    if to is None and artifact.run is None:
        raise ArtifactError(f"{run} is no run folder; say where the page is to be: --to FILE")
    path = to or (artifact.run or Path()) / PAGE
    with stopping():
        found = mistakes.collect(artifact, str(run), talk, part, limit, seed, near)
        ticks = causes.read(tags, found) if tags is not None else None
        errors_page.write(path, found, ticks, new=to is not None)
    summed = causes.summed(ticks, len(found.every), found.images) if ticks else None
    if as_json:
        told = {"run": str(run), "page": str(path)} | found.to_dict()
        print(json.dumps(told | {"causes": summed.to_dict() if summed else None}))
        return
    error = f"error {100 * found.error:.2f} %"
    print(f"{found.dataset.name}  {len(found.every):,} of {found.images:,} wrong, {error} ({part})")
    if summed is not None:
        _tell(summed, causes.advice(summed))
    talk.say(f"page     {path}")


def _tell(summed: "Causes", advice: list[str]) -> None:
    """The table of causes, and what it says, on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sightline.talk import printable

    console = Console(highlight=False)
    console.print(f"{summed.looked} of {summed.wrong} mistakes looked at")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("cause", overflow="fold")
    for name in ("mistakes", "share", "95 %", "error without"):
        table.add_column(name, justify="right")
    for row in summed.ceilings:
        interval = f"{100 * row.low:.0f}-{100 * row.high:.0f} %" if row.low < row.high else ""
        table.add_row(
            Text(printable(row.cause)),
            str(row.count),
            f"{100 * row.share:.0f} %",
            interval,
            f"{100 * row.error:.2f} %",
        )
    console.print(table)
    for sentence in advice:
        console.print(Text(printable(sentence)))
