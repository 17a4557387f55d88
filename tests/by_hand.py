"""Networks small enough to be worked out by hand, as models."""

from pathlib import Path

import torch
from torch import Tensor, nn

from sightline import models, tasks
from sightline.artifact import Artifact, header_for
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.models import Network
from sightline.models.layers import Normalize
from sightline.predictor import TorchPredictor

SIDE = 12


class Cam(nn.Module):
    """One convolution, a mean over places, a linear layer: Grad-CAM is CAM."""

    def __init__(self, channels: int = 3, outputs: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 5, 3, padding=1)
        self.fc = nn.Linear(5, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)))


class Rectified(nn.Module):
    """ReLUs of every kind, in place and not."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.relu, self.six = nn.ReLU(inplace), nn.ReLU6(inplace)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        x = self.six(self.norm(self.second(x)))
        return self.fc(self.drop(torch.relu(x - 0.1).mean((2, 3))))


def artifact_of(body: nn.Module, test: str = "center", side: int = SIDE) -> Artifact:
    """A model of three classes around a body, for pictures on canvases of `side`."""
    torch.manual_seed(0)
    for parameter in body.parameters():
        nn.init.normal_(parameter, std=0.5)
    network = Network(Normalize([0.4] * 3, [0.5] * 3), body).eval()
    task = tasks.build("classification", ["cat", "dog", "panda"], {})
    canvas, view = Canvas((side, side), "cover"), View((SIDE, SIDE), test=test)  # type: ignore[arg-type]
    header = header_for(task, "classification", canvas, view, model={"name": "none"})
    return Artifact(header, TorchPredictor(network, task, canvas, view, torch.device("cpu")))


def saved(folder: Path, name: str = "lenet", **settings: int) -> Path:
    """A model file of an untrained network of the catalog, for grey digits of 0 to 16."""
    torch.manual_seed(0)
    network = models.build(name, 10, 1, (SIDE, SIDE), settings)
    task = tasks.build("classification", [str(digit) for digit in range(10)], {})
    canvas, view = Canvas((SIDE, SIDE), channels=1), View((SIDE, SIDE), top=16)
    more = {"model": {"name": name, **settings}}
    header = header_for(task, "classification", canvas, view, **more)
    predictor = TorchPredictor(network.eval(), task, canvas, view, torch.device("cpu"))
    Artifact(header, predictor).save(folder / f"{name}.safetensors")
    return folder / f"{name}.safetensors"
