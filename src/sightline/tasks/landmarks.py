"""Landmarks: where named points of an image are (course notes, 6.2).

The network gives two numbers a landmark, any that gives classes does: x and y as shares of the
input's sides, from its middle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, final, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.landmarks import partners
from sightline.data.loader import Batch
from sightline.data.transfer import sent
from sightline.errors import RecipeError
from sightline.metrics.landmarks import LandmarkMeter
from sightline.tasks.task import Losses, Raw, Task, over_heads
from sightline.types import Annotation, Size

By = Literal["smooth", "squared"]
BEND = 0.02  # share of a side up to which the smooth loss is squared


@final
class Landmarks(Task):
    """`classes` are the landmarks' names; those with sides have partners: see `data.landmarks`.

    loss_by  smooth: squared up to 2 % of a side and straight beyond (smooth L1, Girshick 2015), so
             that few wild places do not rule; or the course's squared

    Landmarks that are not visible, or lie outside the input, add nothing to the loss.
    """

    goal = "-error"

    def __init__(self, classes: Sequence[str], loss_by: By = "smooth") -> None:
        if loss_by not in get_args(By):
            raise RecipeError(
                f"task landmarks: loss_by is {loss_by!r}; expected {' or '.join(get_args(By))}"
            )
        self.classes, self.loss_by = tuple(classes), loss_by

    @property
    def outputs(self) -> int:
        return 2 * len(self.classes)

    def settings(self) -> dict[str, Any]:
        return {"loss_by": self.loss_by}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        assert batch.landmarks is not None
        wanted = batch.landmarks / _sides(batch.inputs) - 0.5  # (n, k, 2)
        seen = (wanted.abs() <= 0.5).all(2, keepdim=True)  # nan is not
        wanted = torch.where(seen, wanted, 0.0)

        def loss(out: Tensor) -> Tensor:
            given = out.unflatten(1, (-1, 2))
            if self.loss_by == "squared":
                each = F.mse_loss(given, wanted, reduction="none")
            else:
                each = F.smooth_l1_loss(given, wanted, reduction="none", beta=BEND)
            return (each * seen).sum()

        yield "model", over_heads(model(batch.inputs), loss, seen.sum().float())

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        shares = model(inputs).float().unflatten(1, (-1, 2)) + 0.5
        return Raw({"landmarks": shares * _sides(inputs)})

    def on_canvas(self, raw: Raw, window: tuple[int, int, bool], size: Size) -> Raw:
        """What was seen in a view, as it is on the canvas: a mirrored view's landmarks mirrored
        back, with partners in each other's places.

        window  of the view: top, left, and whether mirrored; inputs are of `size`
        """
        top, left, mirrored = window
        points = raw.tensors["landmarks"]
        if mirrored:
            order = sent(torch.from_numpy(partners(self.classes)), points.device)
            points = points[:, order]
            points = torch.stack([size[1] - points[..., 0], points[..., 1]], 2)
        shift = sent(torch.tensor([left, top], dtype=points.dtype), points.device)
        return replace(raw, tensors={"landmarks": points + shift})

    def decode(self, raw: Raw) -> list[Annotation]:
        return [Annotation(landmarks=points) for points in raw.tensors["landmarks"].cpu().numpy()]

    def meter(self) -> LandmarkMeter:
        return LandmarkMeter(self.classes)


def _sides(inputs: Tensor) -> Tensor:
    """(2,) width and height of inputs (n, c, h, w)."""
    return sent(torch.tensor([inputs.shape[3], inputs.shape[2]]).float(), inputs.device)
