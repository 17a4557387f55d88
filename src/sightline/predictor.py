"""Predictors: images in, annotations out, on the one path of training, evaluation and use."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast, final, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.data.canvas import Canvas
from sightline.data.dataset import as_uint8
from sightline.data.landmarks import require_partners
from sightline.data.placing import stacked
from sightline.data.views import TestViews, View
from sightline.errors import ArtifactError, DataError, DeviceError, UnknownName
from sightline.images import with_channels
from sightline.tasks import Raw, Task
from sightline.tasks.landmarks import Landmarks
from sightline.tasks.multilabel import Multilabel
from sightline.tasks.regression import Regression
from sightline.types import Annotation, Image, Images

BATCH = 128  # images a forward pass
By = Literal["mean", "vote"]
MEAN_SHARE = 0.001  # of a vote's scores; less than any vote, so it decides between equals alone


class ModelPredictor(ABC):
    """A model with all that is around it: canvas, view and task."""

    def __init__(self, task: Task, canvas: Canvas, view: View, device: torch.device) -> None:
        self.task, self.canvas, self.view, self.device = task, canvas, view, device
        self.classes = task.classes

    @abstractmethod
    def forward(self, inputs: Tensor) -> Raw:
        """Outputs for inputs (n, c, h, w) of [0, 1] on the device, ready to be merged."""

    @abstractmethod
    def raw(self, images: Images) -> Raw:
        """Outputs for at most BATCH images, through all views."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What the model knows, by name, on the CPU."""

    def predict(self, images: Images) -> list[Annotation]:
        """One annotation an image; what has a place has it in the image's own pixels.

        images  a list of (h, w[, 1 or 3]), or one array (n, h, w[, c]); uint8 in the value range
                of the training set, whole numbers of another type, or floats in [0, 1]
        """
        if len(images) == 0:
            return []
        raws = [self.raw(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        answers = [annotation for raw in raws for annotation in self.task.decode(raw)]
        nowhere = answers[0].boxes is None and answers[0].landmarks is None
        if nowhere or self._on_canvas(images):
            return answers
        sizes = [(np.shape(image)[0], np.shape(image)[1]) for image in images]
        return self.canvas.located(answers, sizes)

    def _on_canvas(self, images: Images) -> bool:
        """Whether these are canvases already."""
        expected = (*self.canvas.size, self.canvas.channels)
        return isinstance(images, np.ndarray) and images.shape[1:] == expected


class CanvasPredictor(ModelPredictor):
    """A model that sees every image on its own canvas."""

    def inputs(self, images: Images) -> list[Tensor]:
        """One batch of inputs (n, c, h, w) a view, on the device."""
        canvases = torch.from_numpy(self._canvases(images)).to(self.device)
        return self.view.test_inputs(canvases)

    def raw(self, images: Images) -> Raw:
        with torch.inference_mode():
            raws = [self.forward(inputs) for inputs in self.inputs(images)]
            if isinstance(self.task, Landmarks):
                windows, size = self.view.windows(self.canvas.size), self.view.size
                raws = [
                    self.task.on_canvas(raw, window, size)
                    for raw, window in zip(raws, windows, strict=True)
                ]
            return Raw.merge(raws)

    def _canvases(self, images: Images) -> np.ndarray:
        """(n, h, w, c) uint8; placing is skipped where the sizes agree already."""
        if self._on_canvas(images):
            assert isinstance(images, np.ndarray)
            return np.ascontiguousarray(as_uint8(images, self.view.top, "images"))
        checked = [self._checked(image, i) for i, image in enumerate(images)]
        return stacked(checked, self.canvas)

    def _checked(self, image: Image, number: int) -> Image:
        pixels = with_channels(as_uint8(np.asarray(image), self.view.top, f"image {number}"))
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
            raise DataError(
                f"image {number}: expected (height, width, 1 or 3), not {np.shape(image)}"
            )
        return pixels


@final
class TorchPredictor(CanvasPredictor):
    """A network; one that is in training is back in it after each answer."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        canvas: Canvas,
        view: View,
        device: torch.device,
        precision: str = "float32",
    ) -> None:
        super().__init__(task, canvas, view, device)
        self.model, self.precision = model, precision

    def forward(self, inputs: Tensor) -> Raw:
        was_training = self.model.training
        if was_training:
            self.model.eval()
        low = self.precision == "bfloat16"
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=low):
                return self.task.forward(self.model, inputs)
        finally:
            if was_training:
                self.model.train()

    def tensors(self) -> dict[str, Tensor]:
        state = self.model.state_dict()
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}


@final
class EnsemblePredictor(ModelPredictor):
    """Several models as one. Each member sees an image on its own canvas, through its own views,
    and answers as it would alone; its classes may be in another order.

    weights  of the members, 0 or more, of sum 1
    by       "mean" of the members' scores or values; or "vote": the weight of those that say so
             (course, 5.18; practitioner bundle, 5). Equal votes are told apart by the mean.

    Canvas and view are the first member's, and those of `forward`.
    """

    def __init__(
        self,
        members: Sequence[ModelPredictor],
        task: Task,
        weights: Sequence[float],
        by: By = "mean",
    ) -> None:
        first = members[0]
        super().__init__(task, first.canvas, first.view, first.device)
        self.members, self.weights, self.by = tuple(members), tuple(weights), by
        self._orders = [_order(member.classes, self.classes) for member in members]

    def raw(self, images: Images) -> Raw:
        return self.combined([self.answers(i, images) for i in range(len(self.members))])

    def forward(self, inputs: Tensor) -> Raw:
        if any((m.canvas, m.view.size) != (self.canvas, self.view.size) for m in self.members):
            raise ArtifactError(
                "the ensemble's members see pictures on different canvases; ask one of them"
            )
        answers = [member.task.decode(member.forward(inputs)) for member in self.members]
        return self.combined([self._table(i, given) for i, given in enumerate(answers)])

    def answers(self, member: int, images: Images) -> NDArray[np.float32]:
        """(n, classes) scores, or values, that a member gives alone."""
        return self._table(member, self.members[member].predict(images))

    def combined(self, answers: Sequence[NDArray[np.float32]]) -> Raw:
        """One answer of those of each member, (n, classes) each."""
        table = np.stack(answers).astype(np.float64)
        mean = np.tensordot(self.weights, table, 1)
        if self.by == "vote":
            many = isinstance(self.task, Multilabel)
            said = table >= 0.5 if many else np.eye(table.shape[2])[table.argmax(2)]
            mean = (1 - MEAN_SHARE) * np.tensordot(self.weights, said, 1) + MEAN_SHARE * mean
        return self.as_raw(mean.astype(np.float32))

    def as_raw(self, answers: NDArray[np.float32]) -> Raw:
        """Answers (n, classes) as what the task decodes."""
        name = "values" if isinstance(self.task, Regression) else "scores"
        return Raw({name: torch.from_numpy(answers)})

    def tensors(self) -> dict[str, Tensor]:
        return {
            f"{prefix(number)}{name}": tensor
            for number, member in enumerate(self.members)
            for name, tensor in member.tensors().items()
        }

    def _table(self, member: int, given: Sequence[Annotation]) -> NDArray[np.float32]:
        rows = [a.scores if a.values is None else a.values for a in given]
        return np.stack([row for row in rows if row is not None])[:, self._orders[member]]


def prefix(member: int) -> str:
    """Before the names of a member's arrays in a model file."""
    return f"member.{member}."


def _order(classes: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """Where each of the wanted classes is among a member's."""
    at = {name: i for i, name in enumerate(classes)}
    return np.array([at[name] for name in wanted], np.int64)


def require_views(names: Sequence[str], views: str, key: str) -> None:
    """Raise DataError for views that mirror, of landmarks of which one would be none in a mirror.

    key  by which the views were asked for
    """
    if views != "center":
        require_partners(names, f"{key} {views}", "take center")


def look_through(predictor: ModelPredictor, views: str) -> None:
    """Let a model, and every member of an ensemble, see images through these views from here on:
    center, mirror or ten-crop. Raises UnknownName, or DataError for landmarks that no mirror
    leaves as they are."""
    if views not in get_args(TestViews):
        raise UnknownName("view", views, get_args(TestViews))
    if isinstance(predictor.task, Landmarks):
        require_views(predictor.classes, views, "--views")
    predictor.view = replace(predictor.view, test=cast(TestViews, views))
    if isinstance(predictor, EnsemblePredictor):
        for member in predictor.members:
            look_through(member, views)


def choose_device(name: str) -> torch.device:
    """`auto` is a GPU where there is one. Raises DeviceError for one that is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    there["mps"] = torch.backends.mps.is_available()
    if name != "auto" and name not in there:
        raise UnknownName("device", name, ["auto", *there])
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        have = ", ".join(kind for kind, here in there.items() if here)
        raise DeviceError(f"--device {name}: there is none on this machine; it has {have}")
    return torch.device(name)
