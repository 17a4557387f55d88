"""The patches of a set that fire a unit most (Zeiler and Fergus 2014, figure 2; course 4)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.data.placing import stacked
from sightline.drawing.montage import Lettering, montage
from sightline.errors import DataError, RecipeError
from sightline.models.fields import Field
from sightline.models.graph import Graph, graph_of
from sightline.models.surgery import features
from sightline.study.explaining import overlay
from sightline.study.explaining.answering import network_within
from sightline.study.explaining.subject import Subject, seen_of
from sightline.types import Image

BATCH = 32  # pictures in memory at a time
UNITS = 12  # shown where none is asked for
PATCHES = 9  # of a unit
CELL = 96  # pixels of a patch on the sheet


@dataclass(frozen=True)
class Fired:
    """A unit's strongest answers, one an image, the strongest first.

    rows    of the set; `values` are the answers
    places  (y, x) in the layer's maps
    """

    unit: int
    rows: list[int]
    values: list[float]
    places: list[tuple[int, int]]


def strongest(
    artifact: Artifact,
    layer: str,
    dataset: Dataset,
    unit: int | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> list[Fired]:
    """The `PATCHES` images that fire each unit most; without `unit` of the `UNITS` units that have
    the highest answers.

    Memory does not grow with the set. Raises UnknownName, RecipeError for a layer without units or
    a unit it does not have, DataError for an empty set.
    """
    network, predictor = network_within(artifact, "--patches"), artifact.predictor
    if not len(dataset):
        raise DataError(f"{dataset.name}: no images")
    cut = features(network, layer)
    values, places, rows = np.empty((0, 0)), np.empty((0, 0), int), np.empty((0, 0), int)
    width = 1
    for start in range(0, len(dataset), BATCH):
        some = np.arange(start, min(start + BATCH, len(dataset)))
        canvases = torch.from_numpy(stacked(dataset.images(some), predictor.canvas))
        with torch.inference_mode():
            inputs = predictor.view.test_inputs(canvases)[0].to(predictor.device)
            answer = cut(inputs).float()
        if answer.ndim not in (2, 4):
            raise RecipeError(f"{layer} gives {answer.ndim - 1} axes; expected maps or units")
        flat = answer.flatten(2) if answer.ndim == 4 else answer[:, :, None]
        width = answer.shape[3] if answer.ndim == 4 else 1
        if unit is not None and not 0 <= unit < flat.shape[1]:
            raise RecipeError(f"{layer} has units 0 to {flat.shape[1] - 1}, not {unit}")
        best, at = (t.cpu().numpy() for t in flat.max(2))  # (n, units)
        here = np.broadcast_to(some[:, None], best.shape)
        if not len(values):
            values, places, rows = best, at, here
        else:
            values, places = np.concatenate([values, best]), np.concatenate([places, at])
            rows = np.concatenate([rows, here])
        order = np.argsort(-values, axis=0, kind="stable")[:PATCHES]
        values, places, rows = (np.take_along_axis(a, order, 0) for a in (values, places, rows))
        tick(len(some))
    units = [unit] if unit is not None else _highest(values[0])
    return [
        Fired(
            int(u),
            rows[:, u].tolist(),
            values[:, u].astype(float).tolist(),
            [divmod(int(p), width) for p in places[:, u]],
        )
        for u in units
    ]


def _highest(peaks: NDArray[np.floating]) -> list[int]:
    chosen: list[int] = np.sort(np.argsort(-peaks, kind="stable")[:UNITS]).tolist()
    return chosen


def field_of(artifact: Artifact, layer: str) -> Field:
    """What one unit of a layer or block sees, in pixels of the input. Raises RecipeError."""
    settings = dict(artifact.header["model"])
    predictor = artifact.predictor
    graph = graph_of(
        str(settings.pop("name")),
        int(artifact.header.get("outputs", predictor.task.outputs)),
        predictor.canvas.channels,
        predictor.view.size,
        settings,
    )
    return _field_in(graph, layer)


def _field_in(graph: Graph, layer: str) -> Field:
    def within(name: str) -> bool:
        return name == layer or name.startswith((f"{layer}.", f"{layer} ("))

    found = [each for each in graph.layers if within(each.name) or within(each.block)]
    if not found:
        raise RecipeError(f"{layer}: what its units see is not known")
    return found[-1].field


def patch_of(subject: Subject, field: Field, place: tuple[int, int]) -> Image:
    """The part of the picture that a unit at `place` of a layer sees, in the picture's pixels, cut
    at its border."""
    centers = [field.start[i] + place[i] * field.jump[i] for i in (0, 1)]
    (y, x), (height, width) = centers, field.size
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    view = subject.artifact.predictor.view.size
    box = (max(0, box[0]), max(0, box[1]), min(view[1], box[2]), min(view[0], box[3]))
    left, top, right, bottom = seen_of(subject.matrix, box)
    rows = _cut(top, bottom, subject.image.shape[0])
    columns = _cut(left, right, subject.image.shape[1])
    return overlay.as_bytes(subject.image[rows, columns], subject.artifact.predictor.view.top)


def _cut(low: float, high: float, side: int) -> slice:
    first = min(max(0, round(low)), side - 1)
    return slice(first, min(max(first + 1, round(high)), side))


def patches_sheet(
    artifact: Artifact, layer: str, dataset: Dataset, found: list[Fired], field: Field
) -> Image:
    """A row a unit: the patches that fired it most, the strongest first."""
    tiles: list[Image | None] = []
    captions: list[str] = []
    for fired in found:
        pictures = dataset.images(fired.rows)
        for image, value, place in zip(pictures, fired.values, fired.places, strict=True):
            patch = patch_of(_placed(artifact, image), field, place)
            tiles.append(patch.repeat(3, 2) if patch.shape[2] == 1 else patch)
            captions.append(f"{value:.3g}")
        short = PATCHES - len(fired.rows)
        tiles += [None] * short
        captions += [""] * short
    size = "x".join(f"{side:.0f}" for side in field.size)
    text = Lettering(
        title=f"{layer}: the patches of {dataset.name} that fire each unit most",
        about=f"one an image, the strongest first; a unit sees {size} pixels of the input",
        headings=[(f"unit {fired.unit}", "") for fired in found],
    )
    return montage(tiles, captions, PATCHES, side=CELL, text=text)


def _placed(artifact: Artifact, image: Image) -> Subject:
    predictor = artifact.predictor
    (top, left, _), *_ = predictor.view.windows(predictor.canvas.size)
    return Subject(artifact, image, predictor.canvas.place(image)[0], (top, left), 0)
