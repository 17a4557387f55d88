"""The command that searches for settings."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sightline.cli.options import DataRoot, Device, Json, LabelFrom, Quarantine, Seed, Set

What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="What `sightline train` takes: a recipe, a set or a folder. Or the folder of a "
        "search, to go on with it or to join it.",
    ),
]
SpaceFile = Annotated[
    Path | None,
    typer.Option(
        "--space",
        metavar="FILE",
        help="What varies, as TOML: train.batch = { choices = [32, 64] }; else what matters "
        "most, which is said.",
    ),
]
Around = Annotated[
    Path | None,
    typer.Option("--around", metavar="DIR", help="The space of a finished search, near its best."),
]
Many = Annotated[
    int | None, typer.Option("--trials", min=1, max=100_000, help="In all; by default 20.")
]
ToShared = Annotated[
    Path | None,
    typer.Option(
        "--to", metavar="DIR", help="Where to write; a search that is there is gone on with."
    ),
]
SamplerName = Annotated[
    Literal["random", "tpe"] | None,
    typer.Option("--sampler", help="Draw at random (the default), or near where the best were."),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="End trials that fall behind: below the median.")
]
PrunerName = Annotated[
    Literal["median", "halving"] | None,
    typer.Option("--pruner", help="Prune by this rule; --prune alone is by the median."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", min=1, max=256, help="Processes that try side by side.")
]
Storage = Annotated[
    str,
    typer.Option(
        "--storage",
        metavar="URL",
        envvar="SIGHTLINE_STORAGE",
        help="A database for the trials (sqlite:///trials.db); else a file in DIR.",
    ),
]


def search(
    what: What,
    space: SpaceFile = None,
    around: Around = None,
    trials: Many = None,
    to: ToShared = None,
    sampler: SamplerName = None,
    prune: Prune = False,
    pruner: PrunerName = None,
    jobs: Jobs = 1,
    storage: Storage = "",
    seed: Seed = None,
    device: Device = None,
    settings: Set = None,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    quarantine: Quarantine = False,
    as_json: Json = False,
) -> None:
    """Search for settings: train with many, and compare them on validation.

    Never tested: the best recipe is written to DIR/best.toml, to be trained and tested once.
    Killed or stopped, the same command goes on; in a second terminal it joins.
    """
    from sightline.overrides import setting
    from sightline.study import searched
    from sightline.study.search import Wanted
    from sightline.talk import Terminal

    overrides = [setting(text) for text in settings or []]
    overrides += [("train.device", device)] if device is not None else []
    overrides += [("data.label_from", label_from)] if label_from is not None else []
    overrides += [("data.quarantine", True)] if quarantine else []
    overrides += [("data.root", str(Path(data_root).absolute()))] if data_root is not None else []
    by = pruner or ("median" if prune else None)
    wanted = Wanted(space, around, trials, sampler, by, seed, storage)
    found = searched.search(what, wanted, overrides, to, jobs, Terminal(lines=0))
    if as_json:
        print(json.dumps(searched.to_dict(found)))
        return
    print(searched.to_text(found), end="")
