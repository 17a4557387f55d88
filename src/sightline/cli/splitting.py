"""The command that cuts a set into parts or folds and publishes them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import DataRoot, Json, LabelFrom, Masks, SetName

if TYPE_CHECKING:
    from sightline.data.dataset import Dataset

Share = Annotated[float, typer.Option(min=0, max=0.99, help="Share of the whole, where missing.")]
MOST_ROWS = 40  # classes of a table that is read


def split_data(
    what: SetName,
    *,
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE.csv", help="Where to write; must not exist yet.")
    ],
    val: Share = 0.15,
    test: Share = 0.15,
    train_dev: Annotated[
        float,
        typer.Option("--train-dev", min=0, max=0.99, help="Share like train, not trained on."),
    ] = 0.0,
    folds: Annotated[
        int | None,
        typer.Option("--folds", min=2, max=1000, help="Cut train into so many folds, not val."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="REGEX|folder",
            help="Keep together what this finds in a member's name, as a person or patient.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the split.")] = 0,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    as_json: Json = False,
) -> None:
    """Cut a set into parts or folds, and write which image is where, to publish or train on.

    Parts that the set brings along are kept. To train on a file: --set data.split=FILE.csv (with
    folds also --set data.fold=1).
    """
    from sightline.data import members
    from sightline.data.opening import Hints, open_set
    from sightline.talk import Terminal

    whole = open_set(what, data_root, Terminal(), Hints(label_from, masks))
    owners = members.owners(whole, group) if group else None
    assigned = members.assigned(whole, val, test, seed, train_dev, folds, owners)
    members.write(to, whole, assigned)
    unused = len(whole) - sum(map(len, assigned.values()))
    _show_parts(to, assigned, unused, as_json)


def _show_parts(to: Path, assigned: "dict[str, Dataset]", unused: int, as_json: bool) -> None:
    """A row a class, a column a part."""
    from sightline.data.split import class_counts

    classes = next(iter(assigned.values())).classes
    counts = {
        part: dict(zip(classes, class_counts(rows), strict=False))
        for part, rows in assigned.items()
    }
    if as_json:
        parts = {p: {"images": len(rows), "classes": counts[p]} for p, rows in assigned.items()}
        print(json.dumps({"split": str(to), "parts": parts, "unused": unused}))
        return
    table = [["", *assigned], ["images", *(str(len(rows)) for rows in assigned.values())]]
    shown = [name for name in classes if any(counts.values())]
    table += [[name, *(str(counts[part][name]) for part in assigned)] for name in shown[:MOST_ROWS]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *cells in table:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *aligned]))
    if len(shown) > MOST_ROWS:
        print(f"and {len(shown) - MOST_ROWS} more classes")
    if unused:
        print(f"unused: {unused}, of parts that the set brings and folds take the place of")
    print(f"written  {to}")
