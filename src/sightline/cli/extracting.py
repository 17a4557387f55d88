"""The command that takes features."""

import json
from typing import Annotated

import typer

from sightline.cli.options import (
    DataRoot,
    Deviation,
    Device,
    Json,
    LabelFrom,
    Layer,
    Mean,
    Mirror,
    Network,
    Pool,
    Quarantine,
    Resize,
    Set,
    Side,
    ToNew,
    Weights,
    absolute,
    given,
    numbers,
)


def features(
    what: Annotated[
        str,
        typer.Argument(metavar="SET", help="A named set (flowers17), or a path with a slash."),
    ],
    model: Network,
    to: ToNew,
    layer: Layer = "",
    pool: Pool = "mean",
    mirror: Mirror = False,
    size: Side = None,
    weights: Weights = None,
    mean: Mean = "",
    deviation: Deviation = "",
    resize: Resize = None,
    settings: Set = None,
    label_from: LabelFrom = None,
    data_root: DataRoot = None,
    device: Device = None,
    quarantine: Quarantine = False,
    as_json: Json = False,
) -> None:
    """Write what a network makes of every image into one file, to train a classifier on.

    For example: sightline features flowers17 --model mobilenet_v2 --to flowers.h5, then
    sightline train flowers.h5 --learner logistic. A killed one goes on where it was.
    """
    from sightline import extraction
    from sightline.overrides import setting
    from sightline.talk import Terminal

    changes = [setting(text) for text in settings or []]
    told = {
        "data.label_from": label_from,
        "data.root": absolute(data_root),
        "data.quarantine": quarantine or None,
    }
    table = {
        "model": model,
        "weights": absolute(weights),
        "mean": list(numbers(mean, "--mean")),
        "deviation": list(numbers(deviation, "--deviation")),
        "resize": resize,
        "size": size,
        "layer": layer,
        "pool": pool,
        "mirror": mirror,
    }
    changes += given(told)
    found = extraction.take(what, table, changes, to, device or "auto", Terminal())
    if found is None:  # of several processes the first one speaks
        return
    train = f"\ntrain    sightline train {to} --learner logistic"
    print(json.dumps(found.to_dict()) if as_json else found.sentence() + train)
