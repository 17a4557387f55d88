"""A predictor put together from a model file's header, without memory, and then filled.

Four kinds: a network; a learner on pixels; a learner on what a network makes of them; an ensemble
of these, with its members' headers in its own. Every field is checked, and shapes are compared,
before anything of the file's size is asked for.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor

from sightline import models, tasks
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.errors import SightlineError
from sightline.learners import build as learners
from sightline.learners.predictor import (
    LEARNED,
    NETWORK,
    Extractor,
    FeaturePredictor,
    LearnerPredictor,
)
from sightline.predictor import By, EnsemblePredictor, ModelPredictor, TorchPredictor, prefix
from sightline.tables import Features, Learner
from sightline.tasks import Task

DTYPES = {torch.float32: "F32", torch.int64: "I64"}  # as safetensors calls them
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]
Settings = TypeAdapter(dict[str, str | int | float | bool | list[int]])


MEMBERS = 64  # of an ensemble at most


class Ensemble(BaseModel):
    """What a header says of an ensemble.

    weights  one a member, of sum 1
    members  their headers, as `header_for` makes them; none is an ensemble itself
    """

    model_config = ConfigDict(frozen=True)

    by: By
    weights: list[Annotated[float, Field(ge=0, le=1)]]
    members: list[dict[str, Any]] = Field(min_length=1, max_length=MEMBERS)


class Unfit(SightlineError):
    """A header that is incomplete, or arrays that are not those it speaks of."""


def assemble(header: Mapping[str, Any], shapes: Shapes, device: torch.device) -> ModelPredictor:
    """The predictor a header speaks of; its network on the meta device, its learner not fitted.

    shapes  dtype and shape of every array of the file, by name
    Raises Unfit.
    """
    try:
        if "ensemble" in header:
            return _ensemble(header, shapes, device)
        canvas = TypeAdapter(Canvas).validate_python(header["canvas"])
        view = TypeAdapter(View).validate_python(header["view"])
        classes = TypeAdapter(list[str]).validate_python(header["classes"], strict=True)
        task = tasks.build(header["task"]["name"], classes, header["task"]["settings"])
        if "learner" not in header:
            network = _network(header, task.outputs, canvas, view, shapes)
            precision = str(header.get("precision", "float32"))
            return TorchPredictor(network, task, canvas, view, device, precision)
        return _with_learner(header, task, canvas, view, shapes, device)
    except (KeyError, TypeError, ValidationError) as error:
        reason = " ".join(repr(error).split())[:120]
        raise Unfit(f"its header is incomplete or damaged ({reason})") from None
    except Unfit:
        raise
    except (RuntimeError, SightlineError) as error:
        raise Unfit(str(error)) from None


def _ensemble(header: Mapping[str, Any], shapes: Shapes, device: torch.device) -> EnsemblePredictor:
    given = Ensemble.model_validate(header["ensemble"])
    classes = TypeAdapter(list[str]).validate_python(header["classes"], strict=True)
    task = tasks.build(header["task"]["name"], classes, header["task"]["settings"])
    if len(given.weights) != len(given.members) or not math.isclose(
        sum(given.weights), 1, abs_tol=1e-6
    ):
        raise Unfit("its members' weights must be one each, of sum 1")
    left, members = dict(shapes), []
    for number, of_member in enumerate(given.members):
        if "ensemble" in of_member:
            raise Unfit(f"its member {number + 1} is an ensemble itself")
        if of_member["task"]["name"] != header["task"]["name"]:
            raise Unfit(f"its member {number + 1} is for another task")
        if sorted(of_member["classes"]) != sorted(classes):
            raise Unfit(f"its member {number + 1} knows other classes")
        start = prefix(number)
        own = {n.removeprefix(start): left.pop(n) for n in shapes if n.startswith(start)}
        members.append(assemble(of_member, own, device))
    if left:
        raise Unfit(f"it holds arrays of no member (first: {min(left)})")
    if len({member.view.top for member in members}) > 1:
        raise Unfit("its members' pixels have different ranges")
    return EnsemblePredictor(members, task, given.weights, given.by)


def _with_learner(
    header: Mapping[str, Any],
    task: Task,
    canvas: Canvas,
    view: View,
    shapes: Shapes,
    device: torch.device,
) -> ModelPredictor:
    given = Learner.model_validate(header["learner"])
    shape = (canvas.channels, *view.size)
    learner = learners.build(given.name, given.settings, shape)
    if "features" not in header:
        return LearnerPredictor(learner, task, canvas, view, given.values)
    features = Features.model_validate(header["features"])
    outputs = TypeAdapter(int).validate_python(header["outputs"], strict=True)
    of_network = {
        name.removeprefix(NETWORK): found for name, found in shapes.items() if NETWORK in name
    }
    network = _network(header, outputs, canvas, view, of_network)
    extractor = Extractor(network, features.layer, features.pool, features.mirror)
    return FeaturePredictor(extractor, learner, task, canvas, view, device)


def _network(
    header: Mapping[str, Any], outputs: int, canvas: Canvas, view: View, shapes: Shapes
) -> models.Network:
    wanted = Settings.validate_python(header["model"])
    name = str(wanted.pop("name"))
    with torch.device("meta"):
        network = models.build(name, outputs, canvas.channels, view.size, wanted)
    expected = {
        key: (DTYPES.get(value.dtype, "?"), tuple(value.shape))
        for key, value in network.state_dict().items()
    }
    if expected != shapes:
        odd = sorted(k for k in expected.keys() | shapes if expected.get(k) != shapes.get(k))
        raise Unfit(f"its weights are not those of {name} (first: {odd[0]})")
    return network


def fill(predictor: ModelPredictor, tensors: Mapping[str, Tensor]) -> None:
    """Give a predictor the arrays of its file. Raises Unfit."""
    if isinstance(predictor, EnsemblePredictor):
        for number, member in enumerate(predictor.members):
            start = prefix(number)
            fill(
                member,
                {n.removeprefix(start): t for n, t in tensors.items() if n[: len(start)] == start},
            )
        return
    if isinstance(predictor, TorchPredictor):
        _load(predictor.model, tensors, predictor.device)
        return
    if isinstance(predictor, FeaturePredictor):
        of_network = {n.removeprefix(NETWORK): t for n, t in tensors.items() if NETWORK in n}
        _load(predictor.extractor.network, of_network, predictor.device)
        tensors = {n.removeprefix(LEARNED): t for n, t in tensors.items() if LEARNED in n}
    assert isinstance(predictor, LearnerPredictor | FeaturePredictor)
    try:
        state = {name: value.numpy() for name, value in tensors.items()}
        learners.restore(predictor.learner, state, predictor.row_length(), len(predictor.classes))
    except (TypeError, SightlineError) as error:  # NumPy has no bfloat16
        raise Unfit(str(error)) from None


def _load(network: torch.nn.Module, tensors: Mapping[str, Tensor], device: torch.device) -> None:
    network.load_state_dict(dict(tensors), assign=True)
    network.requires_grad_(False).eval()
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
