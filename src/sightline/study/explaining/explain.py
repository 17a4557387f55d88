"""`sightline explain`: one answer explained in several ways, and what the layers look for."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline import files, images, page
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.errors import ArtifactError, RecipeError, UnknownName
from sightline.evaluation import Where, evaluation_set
from sightline.inference import describe
from sightline.study.explaining import layers, overlay, units
from sightline.study.explaining.answering import answering, network_within
from sightline.study.explaining.methods import METHODS, SOURCES, Explained, How, patches
from sightline.study.explaining.subject import Subject, subject
from sightline.talk import Talk
from sightline.types import Image
from sightline.version import __version__

FOLDER = Path("explained")


@dataclass(frozen=True)
class Asked:
    """What is to be shown.

    image       explained by `methods` (all that the model has, where empty), for the class `name`
                (the model's answer)
    filters     a sheet of the first layer
    maps        a layer whose maps of the image are shown
    patches     LAYER or LAYER:UNIT, of which the set `where` shows what fires it
    """

    image: Path | None = None
    methods: Sequence[str] = ()
    name: str | None = None
    how: How = field(default_factory=How)
    filters: bool = False
    maps: str | None = None
    patches: str | None = None
    where: Where = field(default_factory=Where)


@dataclass(frozen=True, eq=False)
class Outcome:
    """folder  written; `facts` are what explain.json says"""

    folder: Path
    facts: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def explain(model: str, artifact: Artifact, asked: Asked, to: Path | None, talk: Talk) -> Outcome:
    """Explain and write pictures, explain.json and index.html into `to`, or the next free
    explained/NAME.

    model  as it was asked for

    Raises SightlineError, before anything is written, for what the model does not have.
    """
    _require_sensible(asked)
    if to is not None and to.exists():
        raise files.exists_already(to)
    methods = _methods(artifact, asked, talk)
    of: Subject | None = None
    found: dict[str, Explained] = {}
    if asked.image is not None:
        of = subject(artifact, images.read(asked.image), asked.name)
        found = _explained(of, methods, asked.how, talk)
    sheets, facts = _sheets(artifact, asked, of, talk)
    said = _facts(model, asked, of, found) | facts
    place = asked.image.stem if asked.image is not None else Path(model).stem
    folder = files.claim_folder(to) if to else files.claim_next_folder(FOLDER, place)
    said["files"] = _write(folder, said, of, found, sheets)
    return Outcome(folder, said, _lines(of, found))


def _require_sensible(asked: Asked) -> None:
    if asked.image is None:
        if asked.maps is not None:
            raise RecipeError("--maps shows what a layer makes of a picture: give an IMAGE, too")
        if not asked.filters and asked.patches is None:
            raise RecipeError("nothing to explain: give an IMAGE, --filters or --patches LAYER")
    for name in asked.methods:
        if name not in METHODS:
            raise UnknownName("method", name, METHODS)


def _methods(artifact: Artifact, asked: Asked, talk: Talk) -> list[str]:
    """Those asked for; else all that the model has."""
    if asked.methods or asked.image is None:
        return list(dict.fromkeys(asked.methods))
    try:
        answering(artifact, "each other method")
    except ArtifactError as error:
        talk.say(f"explained by occlusion alone: {error}")
        return ["occlusion"]
    return list(METHODS)


def _explained(of: Subject, methods: Sequence[str], how: How, talk: Talk) -> dict[str, Explained]:
    all_of_them = set(methods) == set(METHODS)
    work = sum(patches(of, how) if name == "occlusion" else 1 for name in methods)
    found = {}
    with talk.bar("explaining", work) as (tick, _):
        for name in methods:
            try:
                found[name] = METHODS[name](of, how, tick)
            except RecipeError as error:  # a network without maps has the other methods
                if not all_of_them or name != "grad-cam" or how.layer is not None:
                    raise
                talk.say(f"without grad-cam: {error}")
    return found


def _sheets(
    artifact: Artifact, asked: Asked, of: Subject | None, talk: Talk
) -> tuple[dict[str, Image], dict[str, Any]]:
    """Pictures by name, and what is said of them."""
    sheets: dict[str, Image] = {}
    facts: dict[str, Any] = {}
    if asked.filters:
        sheets["filters"] = layers.filters_sheet(network_within(artifact, "--filters"))
    if asked.maps is not None:
        assert of is not None
        network = network_within(artifact, "--maps")
        sheets["maps"] = layers.maps_sheet(network, asked.maps, of.inputs)
    if asked.patches is not None:
        network_within(artifact, "--patches")
        layer, unit = _layer_and_unit(asked.patches)
        dataset = evaluation_set(artifact, asked.where, talk)
        sheets["patches"], facts["patches"] = _fired(artifact, layer, unit, dataset, talk)
    return sheets, facts


def _layer_and_unit(text: str) -> tuple[str, int | None]:
    layer, mark, unit = text.partition(":")
    if not mark:
        return layer, None
    if not (unit.isascii() and unit.isdigit()):
        raise RecipeError(f"--patches {text}: expected LAYER or LAYER:UNIT, as in features.3:17")
    return layer, int(unit)


def _fired(
    artifact: Artifact, layer: str, unit: int | None, dataset: Dataset, talk: Talk
) -> tuple[Image, dict[str, Any]]:
    with talk.bar("looking for patches", len(dataset)) as (tick, _):
        found = units.strongest(artifact, layer, dataset, unit, tick)
    sees = units.field_of(artifact, layer)
    rows = [
        {
            "unit": fired.unit,
            "images": [dataset.source(row) for row in fired.rows],
            "values": fired.values,
            "places": [list(place) for place in fired.places],
        }
        for fired in found
    ]
    sheet = units.patches_sheet(artifact, layer, dataset, found, sees)
    facts = {"layer": layer, "data": dataset.name, "images": len(dataset), "field": sees.size}
    return sheet, facts | {"units": rows}


def _facts(
    model: str, asked: Asked, of: Subject | None, found: dict[str, Explained]
) -> dict[str, Any]:
    if of is None:
        return {"model": model}
    answer = of.artifact.predict([of.image])[0]
    assert answer.scores is not None
    label = int(answer.scores.argmax()) if answer.label is None else answer.label
    return {
        "model": model,
        "image": str(asked.image),
        "class": of.class_name,
        "probability": float(of.scores(of.inputs)[0]),
        "answer": of.artifact.classes[label],
        "answers": describe(answer, of.artifact.classes),
        "methods": {
            name: {"file": f"{name}.png", "source": SOURCES[name], **one.facts}
            for name, one in found.items()
        },
    }


def _lines(of: Subject | None, found: dict[str, Explained]) -> list[str]:
    if of is None:
        return []
    return [f"{name}: {one.said[0]}" for name, one in found.items()]


def _write(
    folder: Path,
    facts: dict[str, Any],
    of: Subject | None,
    found: dict[str, Explained],
    sheets: dict[str, Image],
) -> list[str]:
    """The names of what was written."""
    pictures = {name: one.picture for name, one in found.items()} | sheets
    if of is not None:
        top = of.artifact.predictor.view.top
        pictures = {"picture": overlay.shown(of.image, top)} | pictures
    sides = {name: 1000 if name in sheets else 640 for name in pictures}
    html = page.environment().get_template("explain.html").render(
        facts=facts,
        found=found,
        sources=SOURCES,
        shown={name: page.picture(image, side=sides[name])[0] for name, image in pictures.items()},
        sheets=list(sheets),
        unseen=of is not None and not of.seen.all(),
        model=shlex.quote(facts["model"]),
        version=__version__,
    )  # fmt: skip
    written = [f"{name}.png" for name in pictures]
    with files.output_errors(folder):
        for name, image in pictures.items():
            images.write(folder / f"{name}.png", image)
        content = facts | {"files": [*written, "index.html"]}
        files.write_text(folder / "explain.json", json.dumps(content, indent=1) + "\n")
        files.write_text(folder / "index.html", html)
    return [*written, "explain.json", "index.html"]
