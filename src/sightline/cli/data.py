"""Commands on data sets: list, check, show, split, pack, convert."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.listing import show
from sightline.cli.options import DataRoot, Json

data = typer.Typer(help="Data sets: what there is, what is in it, other forms of it.")


@data.command("list")
def list_data(data_root: DataRoot = None, as_json: Json = False) -> None:
    """List the named sets: what they are, their licences, and where they lie or belong."""
    from sightline.data.catalog import DATASETS, find, roots

    root = None if data_root is None else str(data_root)
    if not as_json:
        print(f"looked for in {', '.join(map(str, roots(root)))}")
    rows = {}
    for name, entry in DATASETS.items():
        found = "embedded" if entry.embedded else find(name, root)
        come = "downloaded when asked for" if entry.remotes else f"put there {entry.files}"
        rows[name] = f"{entry.about}; licence: {entry.licence}; {found or f'absent: {come}'}"
    show(rows, as_json)


CheckedSet = Annotated[
    str,
    typer.Argument(
        metavar="SET", help="A named set (animals), or a path to one (a path has a slash)."
    ),
]
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
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with code 1 where there are problems.")
]


@data.command("check")
def check_data(
    what: CheckedSet,
    data_root: DataRoot = None,
    as_json: Json = False,
    html: Html = None,
    fix: Mended = None,
    strict: Strict = False,
) -> None:
    """Look at every image: damaged files, copies, odd ones, wrong boxes, too few, other findings.

    Never changes the set. Findings are no failure: the exit code is 0, unless --strict is given.
    """
    from sightline import files
    from sightline.cli import checking
    from sightline.data.audit import audit
    from sightline.data.opening import open_set
    from sightline.talk import Terminal

    talk = Terminal()
    root = None if data_root is None else str(data_root)
    for path, option in ((html, "--html"), (fix, "--fix")):
        if path is not None and path.exists():
            raise files.exists_already(path, option)
    with stopping():
        splits = open_set(what, root, talk.say)
        with talk.bar("looking", sum(map(len, splits.parts.values()))) as (tick, _):
            audited = audit(splits, tick)
        if as_json:
            print(json.dumps(audited.to_dict()))
        else:
            checking.tell(audited)
        if html is not None:
            from sightline import audit_page

            audit_page.write(html, audited)
            talk.say(f"page     {html}")
        if fix is not None:
            checking.mend(audited, what, root, fix, talk)
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
