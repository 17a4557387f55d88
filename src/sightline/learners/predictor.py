"""Learners as predictors: on the one path of canvas, view and task that networks take.

A learner sees each image as a row: its pixels, or what a network makes of them.
"""

from functools import cached_property
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.learners import build
from sightline.models import Network, surgery
from sightline.predictor import CanvasPredictor
from sightline.tasks import Raw, Task

Values = Literal["unit", "bytes"]
Pool = Literal["mean", "max", "none"]
NETWORK, LEARNED = "network.", "learner."  # before the names of a model file's arrays


@final
class LearnerPredictor(CanvasPredictor):
    """values  what a row holds: 0 to 1 as float32, or the bytes as they are"""

    def __init__(
        self, learner: Any, task: Task, canvas: Canvas, view: View, values: Values = "unit"
    ) -> None:
        super().__init__(task, canvas, view, torch.device("cpu"))
        self.learner, self.values = learner, values

    def row_length(self) -> int:
        """Values of an image."""
        height, width = self.view.size
        return self.canvas.channels * height * width

    def rows(self, inputs: Tensor) -> NDArray[Any]:
        """Inputs (n, c, h, w) as rows (n, c·h·w), channel after channel."""
        flat = inputs.contiguous().reshape(len(inputs), -1).numpy()
        if self.values == "unit":
            return flat
        return np.rint(flat * self.view.top).astype(np.uint8)

    def forward(self, inputs: Tensor) -> Raw:
        shares = build.scores(self.learner, self.rows(inputs), len(self.classes))
        return Raw({"scores": torch.from_numpy(shares)})

    def tensors(self) -> dict[str, Tensor]:
        return _learned(self.learner)


class Extractor:
    """What a network makes of inputs at a layer, a row an image.

    layer  by its name; "": what the head is given
    pool   of maps (n, c, h, w): the mean or largest of each channel, or all of them
    mirror the mean of this and of what it makes of the mirror images
    """

    def __init__(self, network: Network, layer: str, pool: Pool, mirror: bool = False) -> None:
        self.network, self.layer, self.pool, self.mirror = network, layer, pool, mirror

    @cached_property
    def module(self) -> nn.Module:
        """Cut from the network once that has its weights."""
        return surgery.features(self.network, self.layer or None)

    def rows(self, inputs: Tensor) -> NDArray[np.float32]:
        """Inputs (n, c, h, w) to (n, features)."""
        with torch.inference_mode():
            found = self.pooled(self.module(inputs))
            if self.mirror:
                found = (found + self.pooled(self.module(inputs.flip(3)))) / 2
            rows: NDArray[np.float32] = found.cpu().numpy()
            return rows

    def pooled(self, answer: Tensor) -> Tensor:
        """What the layer gave as (n, features)."""
        found = answer.float()
        if found.ndim == 4 and self.pool != "none":
            found = found.mean((2, 3)) if self.pool == "mean" else found.amax((2, 3))
        return found.flatten(1)


@final
class FeaturePredictor(CanvasPredictor):
    """A network up to a layer, and a learner of what it gives."""

    def __init__(
        self,
        extractor: Extractor,
        learner: Any,
        task: Task,
        canvas: Canvas,
        view: View,
        device: torch.device,
    ) -> None:
        super().__init__(task, canvas, view, device)
        self.extractor, self.learner = extractor, learner

    def row_length(self) -> int:
        """Features of an image."""
        blank = torch.zeros(1, self.canvas.channels, *self.view.size, device=self.device)
        return self.extractor.rows(blank).shape[1]

    def forward(self, inputs: Tensor) -> Raw:
        rows = self.extractor.rows(inputs)
        shares = build.scores(self.learner, rows, len(self.classes))
        return Raw({"scores": torch.from_numpy(shares)})

    def tensors(self) -> dict[str, Tensor]:
        network = {
            f"{NETWORK}{name}": value.detach().cpu().contiguous()
            for name, value in self.extractor.network.state_dict().items()
        }
        return network | {f"{LEARNED}{name}": t for name, t in _learned(self.learner).items()}


def _learned(learner: Any) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(np.ascontiguousarray(array))
        for name, array in learner.state().items()
    }
