"""Commands that say what is wrong with a run, and whether more data would help."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sightline.cli.options import (
    DataRoot,
    Device,
    From,
    Json,
    LabelFrom,
    Learner,
    Quarantine,
    Seed,
    Set,
    Weights,
    absolute,
    given,
    numbers,
)

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


What = Annotated[
    str,
    typer.Argument(metavar="WHAT", help="What to train on, as in `sightline train`."),
]
Shares = Annotated[
    str,
    typer.Option(
        "--shares", metavar="S,S", help="Of the training part, rising; each holds the ones before."
    ),
]
Repeat = Annotated[
    int, typer.Option("--repeat", min=1, metavar="K", help="Draws of each share; the mean is told.")
]
SameFor = Annotated[
    Literal["steps", "epochs"],
    typer.Option("--same", help="What all shares are trained alike: optimizer steps, or epochs."),
]
CurveTo = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="DIR",
        help="A folder of runs and a page, by default runs/NAME; the same command with the same "
        "folder goes on, and adds shares and draws.",
    ),
]


def learning_curve(
    what: What,
    shares: Shares = "0.1,0.2,0.4,0.7,1",
    repeat: Repeat = 1,
    same: SameFor = "steps",
    to: CurveTo = None,
    human: Human = None,
    limit: Limit = 10_000,
    seed: Seed = None,
    device: Device = None,
    settings: Set = None,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    learner: Learner = None,
    network: From = None,
    weights: Weights = None,
    quarantine: Quarantine = False,
    as_json: Json = False,
) -> None:
    """Say whether more data would help: error against the share of the training images used.

    Trains a run a share, all for as many optimizer steps and validated on the same images; the
    test part is not looked at.
    """
    from sightline.overrides import setting
    from sightline.request import ask
    from sightline.study import curve_reading, learning_curve_page
    from sightline.study.learning_curve import Wanted, measure_curve
    from sightline.talk import Terminal

    talk = Terminal()
    request = ask(what, talk)
    start = "features" if learner or "learner" in request.content else "pretrained"
    told = {
        "train.seed": seed,
        "train.device": device,
        "data.label_from": label_from,
        "data.root": absolute(data_root),
        "learner.name": learner,
        f"{start}.model": network,
        f"{start}.weights": absolute(weights),
    }
    overrides = [setting(text) for text in settings or []] + given(told)
    wanted = Wanted(numbers(shares, "--shares"), repeat, same, limit)
    folder, points = measure_curve(request, overrides, wanted, to, quarantine, talk)
    rows = curve_reading.means(points)
    reading = curve_reading.read(rows, human or 0.0)
    page = learning_curve_page.write(folder, points, rows, reading, wanted, human)
    if as_json:
        print(json.dumps(learning_curve_page.to_dict(folder, points, rows, reading)))
        return
    print(learning_curve_page.to_text(rows, reading, wanted))
    print(f"page {page}")
