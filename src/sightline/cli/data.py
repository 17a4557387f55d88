"""Commands on data sets: list, check, show, split, pack, convert."""

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
