"""Commands that say what is wrong with a run, and whether more data would help."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import Device, Json

RunOrModel = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or a .safetensors model file.")
]
Human = Annotated[
    float | None,
    typer.Option(
        "--human",
        min=0,
        max=1,
        metavar="SHARE",
        help="Error of people on such images, 0.01 for 1 %: what no network need get below. "
        "Not known and taken for 0 where not given.",
    ),
]
Least = Annotated[
    float,
    typer.Option(
        "--least", min=0, max=1, metavar="SHARE", help="Smallest gap that is worth the work."
    ),
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, help="Images measured of a part, drawn at random of more.")
]
PageTo = Annotated[
    Path | None,
    typer.Option("--to", metavar="PAGE.html", help="Write a page; must not exist yet."),
]


def diagnose(
    run: RunOrModel,
    human: Human = None,
    least: Least = 0.02,
    limit: Limit = 10_000,
    to: PageTo = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Say what goes wrong with a run: bias, variance, data mismatch, overfitting to validation.

    Measures the error on train, train-dev, val and test, names the gaps that are beyond chance,
    largest first, and what to try; and what the curves of its training say.
    """
    from sightline import files
    from sightline.artifact import open_artifact
    from sightline.cli.checking import stopping
    from sightline.study import gaps_page, run_gaps
    from sightline.talk import Terminal, printable

    if to is not None and to.exists():
        raise files.exists_already(to)
    with stopping():
        artifact = open_artifact(run, device or "auto")
        found = run_gaps.diagnose_run(artifact, str(run), Terminal(), human, least, limit)
        if to is not None:
            gaps_page.write(found, to)
    if as_json:
        print(json.dumps(found.to_dict() | ({"page": str(to)} if to else {})))
        return
    print(printable(gaps_page.to_text(found)))
    if to is not None:
        print(f"page {to}")
