"""Commands that look at a run while it trains, or after."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import Json


def monitor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder.")],
    as_json: Json = False,
) -> None:
    """Draw a run's monitor again, and say what its curves say.

    Works for running, finished and killed runs: monitor.html, curves.png, history.csv.
    """
    from sightline import monitor as pages

    running = pages.is_running(run)
    page = pages.draw(run, running)
    watched = pages.read(run, running)
    if as_json:
        found = {
            "run": str(run),
            "monitor": str(page),
            "state": watched.state,
            "epoch": watched.history[-1]["epoch"] if watched.history else 0,
            "epochs": watched.recipe.train.epochs,
            "best_epoch": watched.best["epoch"] if watched.best else None,
            "remarks": [remark.to_dict() for remark in watched.remarks],
        }
        print(json.dumps(found))
        return
    print(page)
    for remark in watched.remarks:
        print(f"epoch {remark.epoch}: {remark.kind}. {remark.sentence}\n  {remark.advice}")
