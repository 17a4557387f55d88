"""Classification with localization: whether there is an object, where it is, and which.

Course notes, 6.1: the answer is [p, bx, by, bh, bw, c1, …, cn]; without an object p alone counts.
Its loss is the squared error of all; `log` judges p and the classes by their log loss.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.boxes.tensors import centers, corners
from sightline.models.bodies import Body
from sightline.models.detector import Candidates, Detector, Loss, Objects
from sightline.models.layers import conv_bn_relu
from sightline.types import Size

GRID = 4  # places of the last map, a side, that the answer is read from
PLACE = 5.0  # what the box counts beside the rest in the log loss, for its numbers are small


class Localizer(Detector):
    """Inputs (n, channels, h, w), normalized, with one object at most.

    outputs  classes
    size     of the inputs, of which boxes are shares
    width    channels of its own body's first layer, whose last has 8 times as many
    hidden   of the layer before the answer
    body     a network of `bodies.BODIES`, which pretrained weights fit; empty: one of its own
    loss_by  log, or the course's squared
    """

    most = 1

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (96, 96),
        width: int = 32,
        hidden: int = 256,
        body: str = "",
        loss_by: Literal["log", "squared"] = "log",
    ) -> None:
        super().__init__()
        self.classes, self.loss_by = outputs, loss_by
        if body:
            known = Body(body, channels)
            self.body, inside = nn.Sequential(known, Last()), known.widths[-1]
        else:
            widths = [channels, width, 2 * width, 4 * width, 8 * width]
            steps = [conv_bn_relu(a, b, stride=2) for a, b in pairwise(widths)]
            self.body, inside = nn.Sequential(*steps), widths[-1]
        self.hidden = nn.Sequential(
            nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), nn.Linear(inside * GRID**2, hidden), nn.ReLU()
        )
        self.head = nn.Linear(hidden, 5 + outputs)
        self.register_buffer(
            "sides", torch.tensor([size[1], size[0]] * 2).float(), persistent=False
        )

    sides: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Whether there is an object (n,) and classes (n, outputs), both before anything; its
        middle and sides (n, 4), as shares of the input's."""
        raw = self.head(self.hidden(self.body(x))).float()
        return raw[:, 0], raw[:, 5:], raw[:, 1:5].sigmoid()

    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        sure, classes, places = self(inputs)
        there = torch.zeros_like(sure)
        there[truth.images] = 1.0
        wanted = centers(truth.boxes) / self.sides
        said, found = classes[truth.images], places[truth.images]
        if self.loss_by == "squared":
            one_hot = F.one_hot(truth.classes, self.classes).float()
            of_object = F.mse_loss(sure.sigmoid(), there, reduction="sum")
            of_class = F.mse_loss(said.softmax(1), one_hot, reduction="sum")
            of_box = F.mse_loss(found, wanted, reduction="sum")
        else:
            of_object = F.binary_cross_entropy_with_logits(sure, there, reduction="sum")
            of_class = F.cross_entropy(said, truth.classes, reduction="sum")
            of_box = PLACE * F.smooth_l1_loss(found, wanted, reduction="sum", beta=0.1)
        count = inputs.new_tensor(float(len(inputs)))
        totals = {"object": of_object, "class": of_class, "box": of_box}
        return {name: Loss(total, count) for name, total in totals.items()}

    def detect(self, inputs: Tensor) -> Candidates:
        sure, classes, places = self(inputs)
        scores = classes.softmax(1)
        only = F.one_hot(scores.argmax(1), self.classes)  # one box, of one class
        boxes = corners(places * self.sides)
        return Candidates(boxes[:, None], (sure.sigmoid()[:, None] * scores * only)[:, None])


class Last(nn.Module):
    """The coarsest of several maps."""

    def forward(self, maps: list[Tensor]) -> Tensor:
        return maps[-1]
