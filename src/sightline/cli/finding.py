"""The command that trains a detector of shapes."""

import json
from typing import Annotated

import typer

from sightline.cli.options import DataRoot, Json, SetName, ToNew


def hog(
    data: SetName,
    to: ToNew,
    name: Annotated[
        str | None, typer.Option("--class", help="What to find; else the set's only class.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=0, max=10, help="Of hard negatives.")] = 2,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Train a detector on boxes: gradients' directions and a linear machine (Dalal and Triggs).

    For example: sightline hog pennfudan --to people.safetensors, then
    sightline predict hog:people.safetensors street.png
    """
    from sightline.detect.asked import train_hog
    from sightline.talk import Terminal

    found = train_hog(data, name, data_root, rounds, to, Terminal())
    height, width = found.window
    if as_json:
        print(json.dumps({"file": str(to), "class": found.name, "window": [height, width]}))
        return
    print(f"{to}  {found.name}, windows {width}x{height}; use it as hog:{to}")


def cut_regions(
    data: SetName,
    to: ToNew,
    each: Annotated[
        int, typer.Option("--each", min=2, max=2000, help="Regions of an image, at most.")
    ] = 32,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of which regions.")] = 0,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Cut regions out of a set with boxes, objects and background, for a classifier to learn.

    Then, as R-CNN: sightline train ./DIR --from mobilenet_v2 --set canvas.mode=stretch, and
    sightline predict RUN street.png --windows --by regions
    """
    from sightline.data.opening import open_set
    from sightline.detect import regions
    from sightline.talk import Terminal

    talk = Terminal()
    counts = regions.write(open_set(data, data_root, talk), to, each, seed, talk)
    if as_json:
        print(json.dumps({"set": str(to), "regions": counts}))
        return
    print("".join(f"{count:>8,}  {name}\n" for name, count in counts.items()) + f"written  {to}")
