"""The command that makes several models one."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sightline.cli.options import Json


def ensemble(
    models: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN…", help="Run folders or model files of the same classes."),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="NEW",
            help="A run folder, or a .safetensors file, which must not exist yet; by default "
            "runs/ensemble.",
        ),
    ] = None,
    by: Annotated[
        Literal["mean", "vote"],
        typer.Option("--by", help="The mean of the members' probabilities, or a vote."),
    ] = "mean",
    learn_weights: Annotated[
        bool,
        typer.Option("--learn-weights", help="Weigh the members, as is best on validation."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make one model of several: it answers by the mean of their answers, and is tested once.

    For example: sightline ensemble runs/a runs/b runs/c --to runs/abc
    """
    from sightline.study import ensembles
    from sightline.talk import Terminal

    found = ensembles.ensemble(models, to, ensembles.Made(by, learn_weights), Terminal())
    print(json.dumps(found.to_dict()) if as_json else found.to_text())
