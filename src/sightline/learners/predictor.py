"""A learner as a predictor: on the one path of canvas, view and task that networks take."""

from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.learners import build
from sightline.predictor import ModelPredictor
from sightline.tasks import Raw, Task

Values = Literal["unit", "bytes"]


@final
class LearnerPredictor(ModelPredictor):
    """values  what a row holds: 0 to 1 as float32, or the bytes as they are"""

    def __init__(
        self, learner: Any, task: Task, canvas: Canvas, view: View, values: Values = "unit"
    ) -> None:
        super().__init__(task, canvas, view, torch.device("cpu"))
        self.learner, self.values = learner, values

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
        return {
            name: torch.from_numpy(np.ascontiguousarray(array))
            for name, array in self.learner.state().items()
        }
