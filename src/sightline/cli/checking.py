"""The command that looks for what is wrong in a set."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import DataRoot, Json, LabelFrom, Masks, SetName

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page with the pictures concerned."),
]
Mended = Annotated[
    Path | None,
    typer.Option(
        "--fix",
        metavar="OUT",
        help="Write a mended copy of a set of files to a new folder, with a list of what was done: "
        "unreadable files and exact copies left out, boxes clipped.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="With --fix: a CSV of member and label; as `data suspects --to` writes it.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with code 1 where there are problems.")
]


def check_data(
    what: SetName,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    masks: Masks = "classes",
    as_json: Json = False,
    html: Html = None,
    fix: Mended = None,
    labels: Labels = None,
    strict: Strict = False,
) -> None:
    """Look at every image: damaged files, copies, odd ones, wrong boxes, too few, other findings.

    Never changes the set. Findings are no failure: the exit code is 0, unless --strict is given.
    """
    from sightline import files
    from sightline.cli import findings
    from sightline.data.checking.audit import audit
    from sightline.data.opening import Hints, open_set
    from sightline.talk import Terminal

    talk = Terminal()
    if labels is not None and fix is None:
        raise typer.BadParameter("--labels says what --fix OUT is to correct; give both")
    for path, option in ((html, "--html"), (fix, "--fix")):
        if path is not None and path.exists():
            raise files.exists_already(path, option)
    with stopping():
        splits = open_set(what, data_root, talk, Hints(label_from, masks))
        with talk.bar("looking", len(splits)) as (tick, _):
            audited = audit(splits, tick)
        if as_json:
            print(json.dumps(audited.to_dict()))
        else:
            findings.tell(audited)
        if html is not None:
            from sightline import audit_page

            audit_page.write(html, audited)
            talk.say(f"page     {html}")
        if fix is not None:
            findings.mend(audited, what, data_root, fix, talk, labels)
    if strict and audited.of("problem"):
        raise typer.Exit(1)


@contextmanager
def stopping() -> Iterator[None]:
    """Ctrl-C in one line; nothing half-written is left."""
    from sightline.errors import Stopped

    try:
        yield
    except KeyboardInterrupt:
        raise Stopped("stopped; nothing was changed") from None
