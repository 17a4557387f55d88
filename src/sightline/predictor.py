"""Predictors: images in, annotations out, on the one path of training, evaluation and use."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from sightline.data.canvas import Canvas
from sightline.data.dataset import as_uint8
from sightline.data.placing import stacked
from sightline.data.views import View
from sightline.errors import DataError, DeviceError, UnknownName
from sightline.images import with_channels
from sightline.tasks import Raw, Task
from sightline.types import Annotation, Image, Images

BATCH = 128  # images a forward pass


class ModelPredictor(ABC):
    """A model with all that is around it: canvas, view and task."""

    def __init__(self, task: Task, canvas: Canvas, view: View, device: torch.device) -> None:
        self.task, self.canvas, self.view, self.device = task, canvas, view, device
        self.classes = task.classes

    @abstractmethod
    def forward(self, inputs: Tensor) -> Raw:
        """Outputs for inputs (n, c, h, w) of [0, 1] on the device, ready to be merged."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What the model knows, by name, on the CPU."""

    def predict(self, images: Images) -> list[Annotation]:
        """One annotation an image.

        images  a list of (h, w[, 1 or 3]), or one array (n, h, w[, c]); uint8 in the value range
                of the training set, whole numbers of another type, or floats in [0, 1]
        """
        if len(images) == 0:
            return []
        raws = [self._raw(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        return [annotation for raw in raws for annotation in self.task.decode(raw)]

    def inputs(self, images: Images) -> list[Tensor]:
        """One batch of inputs (n, c, h, w) a view, on the device."""
        canvases = torch.from_numpy(self._canvases(images)).to(self.device)
        return self.view.test_inputs(canvases)

    def _raw(self, images: Images) -> Raw:
        with torch.inference_mode():
            return Raw.merge([self.forward(inputs) for inputs in self.inputs(images)])

    def _canvases(self, images: Images) -> np.ndarray:
        """(n, h, w, c) uint8; placing is skipped where the sizes agree already."""
        expected = (*self.canvas.size, self.canvas.channels)
        if isinstance(images, np.ndarray) and images.shape[1:] == expected:
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
class TorchPredictor(ModelPredictor):
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
