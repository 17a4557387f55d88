"""Commands on data sets: list, check, suspects, show, split, pack, convert, regions."""

import json
import shutil

import typer

from sightline.cli import checking, finding, packing, showing, splitting, suspecting
from sightline.cli.options import DataRoot, Json

data = typer.Typer(help="Data sets: what there is, what is in it, other forms of it.")


@data.command("list")
def list_data(data_root: DataRoot = None, as_json: Json = False) -> None:
    """List the named sets: size, classes, licence, and where each lies or how it comes."""
    from sightline.data import catalog, inventory

    places = [str(place) for place in catalog.roots(data_root)]
    sets = inventory.records(data_root)
    if as_json:
        print(json.dumps({"looked_for_in": places, "sets": sets}))
        return
    print(f"looked for in {', '.join(places)}\n")
    print(inventory.to_text(sets, shutil.get_terminal_size().columns))


data.command("check")(checking.check_data)
data.command("suspects")(suspecting.suspect_labels)
data.command("show")(showing.show_data)
data.command("split")(splitting.split_data)
data.command("pack")(packing.pack_data)
data.command("convert")(packing.convert_data)
data.command("regions")(finding.cut_regions)
