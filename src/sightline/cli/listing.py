"""Commands that list what there is by name."""

import json
from typing import Annotated

import typer

from sightline.cli.options import DataRoot, Json

data = typer.Typer(help="Named data sets.", no_args_is_help=True)


def _print(rows: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    width = max(map(len, rows), default=0)
    for name, about in rows.items():
        print(f"{name:<{width}}  {about}")


def models(as_json: Json = False) -> None:
    """List the networks by name."""
    from sightline.models import MODELS

    _print({name: entry.source for name, entry in MODELS.items()}, as_json)


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print this recipe whole.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the experiments by name, or print one."""
    from sightline import recipe

    if name is not None:
        content = recipe.named(name)
        print(json.dumps(content) if as_json else recipe.to_toml_text(content), end="")
        return
    rows = {n: recipe.named(n) for n in recipe.names()}
    _print({n: f"{c.get('about', '')} ({c.get('source', '')})" for n, c in rows.items()}, as_json)


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
    _print(rows, as_json)
