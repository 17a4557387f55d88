"""Commands that list what there is by name."""

import json
from typing import Annotated

import typer

from sightline.cli.options import Json


def show(rows: dict[str, str], as_json: bool) -> None:
    """A line a name, or one JSON object."""
    if as_json:
        print(json.dumps(rows))
        return
    width = max(map(len, rows), default=0)
    for name, about in rows.items():
        print(f"{name:<{width}}  {about}")


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
    show({n: f"{c.get('about', '')} ({c.get('source', '')})" for n, c in rows.items()}, as_json)
