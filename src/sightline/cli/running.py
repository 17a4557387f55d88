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
    given,
)

if TYPE_CHECKING:
    from sightline.artifact import Artifact
    from sightline.study.folds import Folds

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
    as_json: Json = False,
) -> None:
    """Train a model: look at the data, plan, train, test once, report.

    Writes a run folder, runs/NAME unless --to says otherwise. Ctrl-C saves; `sightline resume`
    goes on.
    """
    from sightline import experiment
    from sightline.overrides import setting
    from sightline.request import ask
    from sightline.study.folds import cross_validate
    from sightline.talk import Terminal

    talk = Terminal()
    overrides = [setting(text) for text in settings or []]
    request = ask(what, talk)
    start = "features" if learner or "learner" in request.content else "pretrained"
    told = {
        "train.seed": seed,
        "train.device": device,
        "data.label_from": label_from,
        "data.masks": masks if masks != "classes" else None,
        "data.root": absolute(data_root),
        "learner.name": learner,
        f"{start}.model": network,
        f"{start}.weights": absolute(weights),
    }
    overrides += given(told)
    if folds is not None:
        _show_folds(cross_validate(request, overrides, folds, to, quarantine, talk), as_json)
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


def _show_folds(found: "Folds", as_json: bool) -> None:
    print(json.dumps(found.to_dict()) if as_json else found.to_text())


def _line(part: str, figures: dict[str, float]) -> str:
    shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "images")
    return f"{part} ({figures['images']:.0f} images)  {shown}"
