"""Commands that judge trained models: how far to believe them, and which is better."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import Json


def calibrate(
    model: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or a model file of one.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="Write a new model file, which must not exist yet, and leave the run as it is.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a model's probabilities what they say: fit one temperature on its validation part.

    No answer changes. The model, its test figures and its report are brought up to date.
    """
    from sightline.study import calibration
    from sightline.talk import Terminal

    found = calibration.calibrate(model, to, Terminal())
    if as_json:
        print(json.dumps({"model": str(found.path)} | found.to_dict()))
        return
    print(found.to_text())
    print(f"model      {found.path}")
