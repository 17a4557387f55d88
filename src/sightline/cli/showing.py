"""The command that draws a set's pictures, or what training would see of them."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import DataRoot, Json, LabelFrom, Masks, Set, SetName, To

if TYPE_CHECKING:
    from sightline.data.split import Splits

How = Annotated[
    str | None,
    typer.Argument(
        metavar="[HOW]",
        help="With --augment: none, light, standard, strong, a recipe's name or file; "
        "by default what the plan would do.",
    ),
]
Part = Annotated[
    str | None,
    typer.Option(
        "--part", metavar="train|val|test", help="Which part; else train, for --stats all."
    ),
]
Each = Annotated[
    int | None,
    typer.Option("--per-class", min=1, max=64, help="Images a row (or in all, in a grid)."),
]
Side = Annotated[
    int | None, typer.Option("--size", min=16, max=2048, help="Pixels that a picture may fill.")
]


def show_data(
    what: SetName,
    how: How = None,
    *,
    augment: Annotated[
        bool, typer.Option("--augment", help="Show what training would see, epoch by epoch.")
    ] = False,
    stats: Annotated[
        bool,
        typer.Option("--stats", help="Print counts, sizes, mean and deviation; no picture."),
    ] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B", help="These classes only.")
    ] = None,
    each: Each = None,
    part: Part = None,
    size: Side = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the images and draws.")] = 0,
    settings: Set = None,
    to: To = None,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    as_json: Json = False,
) -> None:
    """Draw a set's pictures with their truths on one sheet, and print where it is.

    With --augment: each row an image, then what training sees of it, epoch by epoch.
    """
    from sightline.data import showing
    from sightline.data.catalog import DATASETS
    from sightline.data.opening import Hints, open_set
    from sightline.talk import Terminal

    if not augment and (how is not None or settings):
        raise typer.BadParameter(f"'{how or '--set'}' is about training; add --augment")
    showing.require_writable(to)
    splits = open_set(what, data_root, Terminal(), Hints(label_from, masks))
    if stats:
        _print_stats(splits, part, as_json)
        return
    dataset = showing.part_of(splits, part or "train")
    names = tuple(name.strip() for name in classes.split(",")) if classes else ()
    choice = showing.Choice(names, each, seed)
    name = what if what in DATASETS else dataset.name
    if augment:
        from sightline.preview import preview

        seen = preview(splits, what, how, settings or [])
        sheet = showing.show_views(dataset, name, seen.canvas, seen.view, choice, seen.about, size)
    else:
        sheet = showing.show_truths(dataset, f"{name}  ·  {part or 'train'}", choice, size)
    path = showing.write(sheet, to, f"{name}-augment" if augment else name)
    print(json.dumps({"picture": str(path)}) if as_json else path)


def _print_stats(splits: "Splits", part: str | None, as_json: bool) -> None:
    from sightline.data.census import take_census
    from sightline.data.showing import part_of
    from sightline.talk import Terminal

    parts = splits.parts if part is None else {part: part_of(splits, part)}
    found = {}
    with Terminal().bar("looking at images", sum(map(len, parts.values()))) as (tick, _):
        for name, dataset in parts.items():
            found[name] = take_census(dataset, tick)
    if as_json:
        print(json.dumps({name: census.to_dict() for name, census in found.items()}))
        return
    for name, census in found.items():
        print(f"{name}: {census.to_text()}")
