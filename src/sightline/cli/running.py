"""Commands that train."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import (
    DataRoot,
    Device,
    From,
    Json,
    LabelFrom,
    Learner,
    Masks,
    Quarantine,
    Seed,
    Set,
    To,
    Weights,
    absolute,
    begun_with,
    given,
)

if TYPE_CHECKING:
    from sightline.artifact import Artifact
    from sightline.overrides import Setting
    from sightline.request import Request

Folded = Annotated[
    int | None,
    typer.Option(
        "--folds",
        min=2,
        metavar="K",
        help="Cross-validation: K runs in PATH/fold-1 and so on, mean and deviation. The same "
        "command with the same --to goes on.",
    ),
]

Repeats = Annotated[
    int | None,
    typer.Option(
        "--repeat",
        min=2,
        metavar="N",
        help="N runs with other seeds in PATH/member-1 and so on, mean and deviation, and their "
        "ensemble in PATH. The same command with the same --to goes on.",
    ),
]


def train(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A folder or file of data (a path has a slash or a suffix: ./photos), "
            "a named set (digits), or a recipe (lenet-digits, my/recipe.toml).",
        ),
    ],
    to: To = None,
    seed: Seed = None,
    device: Device = None,
    settings: Set = None,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    quarantine: Quarantine = False,
    learner: Learner = None,
    network: From = None,
    weights: Weights = None,
    folds: Folded = None,
    repeat: Repeats = None,
    as_json: Json = False,
) -> None:
    """Train a model: look at the data, plan, train, test once, report.

    Writes a run folder, runs/NAME unless --to says otherwise. Ctrl-C saves; `sightline resume`
    goes on.
    """
    from sightline import experiment
    from sightline.overrides import setting
    from sightline.request import ask
    from sightline.talk import Terminal

    talk = Terminal()
    overrides = [setting(text) for text in settings or []]
    request = ask(what, talk)
    told = {
        "train.seed": seed,
        "train.device": device,
        "data.label_from": label_from,
        "data.masks": masks if masks != "classes" else None,
        "data.root": absolute(data_root),
    } | begun_with(request.content, learner, network, weights)
    overrides += given(told)
    if folds is not None or repeat is not None:
        _several(request, overrides, (folds, repeat), to, quarantine, as_json)
        return
    artifact = experiment.train(request, overrides, to, quarantine, talk)
    _show(artifact, as_json)


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder.")],
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run, or train a finished one further.

    For example with: --set train.epochs=60, or --set train.optimizer.rate=0.001
    """
    from sightline import experiment
    from sightline.overrides import setting
    from sightline.talk import Terminal

    changes = [setting(text) for text in settings or []]
    _show(experiment.resume(run, changes, Terminal()), as_json)


def _show(artifact: "Artifact", as_json: bool) -> None:
    run = artifact.run
    if run is None:  # of several processes the first one speaks
        return
    if as_json:
        found = {"run": str(run), "task": artifact.task, "test": artifact.test}
        print(json.dumps(found | ({"parts": artifact.parts} if artifact.parts else {})))
        return
    for name, part in artifact.parts.items():
        print(_line(name, part))
    if artifact.test:
        print(_line("test", artifact.test))
        print(f"report   {run / 'report.html'}")
    print(f"model    {run / 'model.safetensors'}")
    print(f"predict  sightline predict {shlex.quote(str(run))} IMAGE")


def _several(
    asked: "Request",
    settings: "list[Setting]",
    counts: tuple[int | None, int | None],
    to: Path | None,
    quarantine: bool,
    as_json: bool,
) -> None:
    """Many runs instead of one; `counts` are --folds and --repeat."""
    from sightline.study.folds import cross_validate
    from sightline.study.repeat import Repeated, repeat
    from sightline.study.several import Several
    from sightline.talk import Terminal

    folds, members = counts
    if folds is not None and members is not None:
        raise typer.BadParameter("--folds and --repeat exclude one another")
    found: Several | Repeated
    if folds is not None:
        found = cross_validate(asked, settings, folds, to, quarantine, Terminal())
    else:
        assert members is not None
        found = repeat(asked, settings, members, to, quarantine, Terminal())
    print(json.dumps(found.to_dict()) if as_json else found.to_text())


def _line(part: str, figures: dict[str, float]) -> str:
    shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "images")
    return f"{part} ({figures['images']:.0f} images)  {shown}"
