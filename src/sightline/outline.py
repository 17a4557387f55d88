"""Networks looked at without training: which one a word means, its graph, its picture, the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sightline import files, models
from sightline.artifact import open_artifact
from sightline.errors import ArtifactError, OutputError, RecipeError, UnknownName
from sightline.models.graph import Graph, graph_of, trace
from sightline.overrides import setting
from sightline.predictor import EnsemblePredictor, TorchPredictor
from sightline.published import WEIGHTS
from sightline.types import Size

PICTURES = (".svg", ".png")
LARGE = 200  # pixels of a published input, from which it was made for ImageNet
CLASSES, FEW = 1000, 10  # outputs where none are given: ImageNet's, or as many as digits


@dataclass(frozen=True)
class Shape:
    """What a network is built for; what is not given is the published input's."""

    size: Size | None = None
    channels: int | None = None
    outputs: int | None = None


def outline(word: str, shape: Shape, settings: Sequence[str] = ()) -> Graph:
    """The graph of what a word means: a pattern (it has =>), a network's name, a run or artifact.

    settings  as typed: model.width=64

    Raises UnknownName, RecipeError, ArtifactError.
    """
    chosen = dict(_setting(text) for text in settings)
    if "=>" in word:
        return _built("pattern", shape, {"layers": word, **chosen}, "pattern")
    if word in (models.MODELS | models.DETECTORS) or word.startswith("timm:"):
        return _built(word, shape, chosen, word)
    path = Path(word)
    if not path.exists():
        raise UnknownName("model, run or model file", word, (models.MODELS | models.DETECTORS))
    if shape != Shape() or settings:
        raise RecipeError(f"{word} is trained: its size, channels, outputs and settings are fixed")
    artifact = open_artifact(path, "cpu")
    predictor = artifact.predictor
    if isinstance(predictor, EnsemblePredictor):
        raise ArtifactError(f"{word} is an ensemble; name one of the runs it was made of")
    if not isinstance(predictor, TorchPredictor):
        learner = artifact.header["learner"]["name"]
        raise ArtifactError(f"{word} is a learner ({learner}), which has no layers to be shown")
    name = f"{artifact.header['model']['name']} of {path.name}"
    with torch.device("meta"):
        body = predictor.model.get_submodule("body").to("meta").requires_grad_()
    return trace(body, predictor.canvas.channels, predictor.view.size, name)


def _setting(text: str) -> tuple[str, Any]:
    key, value = setting(text)
    if not key.startswith("model."):
        raise RecipeError(f"--set {key}: a summary knows model.* alone, as in model.width=64")
    return key.removeprefix("model."), value


def _built(name: str, shape: Shape, settings: Mapping[str, Any], title: str) -> Graph:
    entry = models.find(name)
    graph = graph_of(
        name,
        outputs_of(entry) if shape.outputs is None else shape.outputs,
        entry.channels if shape.channels is None else shape.channels,
        shape.size or entry.size,
        settings,
    )
    return Graph(**{**vars(graph), "name": title})


def outputs_of(entry: models.Entry) -> int:
    """How many outputs a network is looked at with: as published, or ten."""
    return CLASSES if min(entry.size) >= LARGE and not entry.detects else FEW


def listed() -> dict[str, dict[str, Any]]:
    """Every network by name: paper, parameters with so many outputs, published input, and weights
    on record (None where there are none)."""
    rows = {}
    for name, entry in (models.MODELS | models.DETECTORS).items():
        outputs = outputs_of(entry)
        with torch.device("meta"):
            network = models.build(name, outputs, entry.channels, entry.size)
        rows[name] = {
            "paper": entry.source,
            "parameters": models.count_parameters(network),
            "outputs": outputs,
            "size": list(entry.size),
            "channels": entry.channels,
            "weights": _weights(name),
        }
    return rows


def _weights(name: str) -> dict[str, Any] | None:
    """Published weights on record."""
    if name not in WEIGHTS:
        return None
    known = WEIGHTS[name]
    return {
        "address": known.remote.address,
        "mebibytes": known.mebibytes,
        "top1": known.top1,
        "top5": known.top5,
        "classes": known.classes,
        "licence": known.licence,
    }


def require_picture(path: Path | None) -> None:
    """Refuse, before any work, a path that is taken or names no picture. Raises OutputError."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        raise OutputError(f"{path}: the picture of a network is .svg or .png")
    if path.exists():
        raise files.exists_already(path, "--picture")


def write_picture(graph: Graph, path: Path) -> None:
    """Draw the network. Raises OutputError."""
    from sightline.drawing.diagram import render
    from sightline.models.picture import draw

    require_picture(path)
    content = render(draw(graph), path.suffix.lower())
    with files.output_errors(path):
        files.write_bytes(path, content)
