"""Commands that write a set in another form: one file of canvases, or another format."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from sightline.cli.options import DataRoot, Json, LabelFrom, Masks, SetName, ToNew

if TYPE_CHECKING:
    from sightline.data.split import Splits


def pack_data(
    what: SetName,
    canvas: Annotated[
        str, typer.Option("--canvas", metavar="WIDTHxHEIGHT", help="Size of every image in it.")
    ],
    to: ToNew,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            metavar="stretch|contain|cover|center",
            help="Stretch each image, fit it in whole, fill and cut, or take its middle.",
        ),
    ] = "stretch",
    channels: Annotated[
        int, typer.Option("--channels", metavar="1|3", help="1 keeps grey alone, 3 is color.")
    ] = 3,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    as_json: Json = False,
) -> None:
    """Lay every image of a set on a canvas, in one file that trains without decoding again.

    For example: sightline data pack ./photos --canvas 224x224 --to photos.h5, then
    sightline train ./photos.h5
    """
    from sightline.data import pack
    from sightline.data.canvas import Canvas, Mode, size_of
    from sightline.data.opening import Hints, open_set
    from sightline.errors import OutputError
    from sightline.talk import Terminal, stepping
    from sightline.wording import size_in_words

    if to.suffix.lower() not in pack.SUFFIXES:
        raise OutputError(f"{to}: a pack is known by its name; end it in .h5")
    rule = Canvas(size_of(canvas), cast(Mode, mode), cast(Literal[1, 3], channels))
    talk = Terminal()
    splits = open_set(what, data_root, talk, Hints(label_from, masks))
    with stepping(talk, "packing images", len(splits)) as tick:
        pack.write(to, splits, rule, tick)
    size = to.stat().st_size
    _say_written(to, splits, {"canvas": canvas, "bytes": size}, size_in_words(size), as_json)


def convert_data(
    what: SetName,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="voc|coco|yolo|csv",
            help="voc, coco and yolo hold boxes; csv also labels and numbers.",
        ),
    ],
    to: ToNew,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    as_json: Json = False,
) -> None:
    """Write a set in another format, into a new folder; every label, box and empty image is kept.

    For example: sightline data convert bccd --format coco --to bccd-coco
    """
    from sightline.data.convert import convert, loses_masks
    from sightline.data.opening import Hints, open_set
    from sightline.talk import Terminal, stepping

    talk = Terminal()
    splits = open_set(what, data_root, talk, Hints(label_from, masks))
    with stepping(talk, "writing images", len(splits)) as tick:
        convert(splits, format, to, tick)
    if loses_masks(splits, format):
        talk.say(f"the masks of objects are left out: {format} holds boxes, coco also masks")
    _say_written(to, splits, {"format": format}, format, as_json)


def _say_written(
    to: Path, splits: "Splits", facts: dict[str, Any], about: str, as_json: bool
) -> None:
    """Where a set was written and what it holds, as text or as one JSON object."""
    counts = {name: len(part) for name, part in splits.parts.items()}
    if as_json:
        print(json.dumps({"to": str(to), "images": counts} | facts))
        return
    print(f"{to}  {about}, {', '.join(f'{name} {n}' for name, n in counts.items())} images")
