"""A picture as a network sees it, and the way from its input back to the picture's pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.artifact import Artifact
from sightline.data import warp
from sightline.data.canvas import Placed, inverse, move_points
from sightline.errors import ArtifactError, UnknownName
from sightline.models import Network
from sightline.predictor import TorchPredictor
from sightline.types import Annotation, Image

Map = NDArray[np.float32]
SCORED = ("classification", "multilabel")  # tasks whose answers are a score for each class


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture and the class that is asked for.

    image   (h, w, 1 or 3) uint8, the original
    placed  its canvas
    corner  (top, left) of the view at the canvas's center, in canvas pixels
    label   index of the class
    """

    artifact: Artifact
    image: Image
    placed: Placed
    corner: tuple[int, int]
    label: int

    @property
    def class_name(self) -> str:
        return self.artifact.classes[self.label]

    @cached_property
    def inputs(self) -> Tensor:
        """(1, c, h, w) in [0, 1] on the model's device: the center view, not mirrored."""
        predictor = self.artifact.predictor
        canvas = torch.from_numpy(self.placed.pixels[None]).to(predictor.device)
        return predictor.view.floats(warp.window(canvas, *self.corner, predictor.view.size))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3): pixels of the picture to pixels of the input."""
        top, left = self.corner
        return self.placed.matrix - np.array([[0, 0, left], [0, 0, top]])

    def scores(self, inputs: Tensor) -> Tensor:
        """(n,) the class's probability for inputs (n, c, h, w), on the CPU."""
        with torch.inference_mode():
            return self.artifact.predictor.forward(inputs).tensors["scores"][:, self.label].cpu()

    def back(self, values: Map) -> Map:
        """A map (h, w) of the input in the picture's pixels; 0 where the model does not look."""
        found = Annotation(image=values[:, :, None])  # type: ignore[arg-type]
        placed = Placed(self.placed.pixels, self.matrix, self.placed.size)
        restored = self.artifact.predictor.canvas.restore([found], [placed])[0].image
        assert restored is not None
        return np.where(self.seen, restored[:, :, 0], 0).astype(np.float32)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """(h, w): which pixels of the picture lie in the view."""
        height, width = self.image.shape[:2]
        view = self.artifact.predictor.view.size
        x = self.matrix[0, 0] * (np.arange(width) + 0.5) + self.matrix[0, 2]
        y = self.matrix[1, 1] * (np.arange(height) + 0.5) + self.matrix[1, 2]
        return ((y > 0) & (y < view[0]))[:, None] & ((x > 0) & (x < view[1]))[None]


def subject(artifact: Artifact, image: Image, name: str | None = None) -> Subject:
    """The picture with the class of that name, by default the model's own answer (of many labels
    the likeliest). Raises UnknownName, or ArtifactError for a model that scores no classes."""
    if artifact.task not in SCORED:
        raise ArtifactError(
            f"the model is for {artifact.task}; explanations are of {' and '.join(SCORED)}"
        )
    if name is not None and name not in artifact.classes:
        raise UnknownName("class", name, artifact.classes)
    if name is not None:
        label = artifact.classes.index(name)
    else:
        answer = artifact.predict([image])[0]
        assert answer.scores is not None
        label = int(answer.scores.argmax()) if answer.label is None else answer.label
    predictor = artifact.predictor
    placed = predictor.canvas.place(image)[0]
    (top, left, _), *_ = predictor.view.windows(predictor.canvas.size)
    return Subject(artifact, image, placed, (top, left), label)


def network_of(artifact: Artifact, what: str) -> Network:
    """The network that is looked into. Raises ArtifactError for a model that is none."""
    predictor = artifact.predictor
    if isinstance(predictor, TorchPredictor) and isinstance(predictor.model, Network):
        return predictor.model
    kind = artifact.header.get("learner", {}).get("name", "this model")
    raise ArtifactError(f"{what} needs a network, and {kind} is none; it has --method occlusion")


@contextmanager
def in_evaluation(model: nn.Module) -> Iterator[None]:
    """The model in evaluation, and every layer's mode as it was afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def seen_of(matrix: NDArray[np.float64], box: tuple[float, float, float, float]) -> list[float]:
    """A box (left, top, right, bottom) of the input in the picture's pixels; `matrix` as that of a
    subject."""
    corners = np.array([[box[0], box[1]], [box[2], box[3]]])
    return [float(v) for v in move_points(corners, inverse(matrix)).ravel()]
