"""The one interface of every task, and the raw outputs that views and members are averaged in."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sightline.data.loader import Batch
from sightline.metrics import Meter
from sightline.models.layers import Auxiliary
from sightline.types import Annotation


@dataclass(frozen=True, eq=False)
class Raw:
    """Outputs before anything is decided: tensors by name, images along the first axis."""

    tensors: dict[str, Tensor]

    @staticmethod
    def merge(raws: Sequence["Raw"]) -> "Raw":
        """The mean of several answers on the same images: views, or members of an ensemble."""
        if len(raws) == 1:
            return raws[0]
        names = raws[0].tensors
        return Raw({n: torch.stack([r.tensors[n] for r in raws]).mean(0) for n in names})


@dataclass(frozen=True, eq=False)
class Ratio:
    """A loss as a total and what divides it, scalars: the count is that of the whole step, over
    all its micro-batches and processes, so that dividing the step changes no result."""

    total: Tensor
    count: Tensor


Losses = dict[str, Tensor | Ratio]


def over_heads(
    outputs: Tensor | Auxiliary, loss: Callable[[Tensor], Tensor], count: Tensor | None = None
) -> Losses:
    """Losses by name of what a network answers in training, with auxiliary heads or without.

    loss   a mean over the images, or a total where a `count` is given that divides it
    """
    if not isinstance(outputs, Auxiliary):
        return {"loss": _over(loss(outputs.float()), count)}
    others = torch.stack([loss(other.float()) for other in outputs.others]).sum()
    return {
        "loss": _over(loss(outputs.outputs.float()), count),
        "auxiliary": _over(outputs.weight * others, count),
    }


def _over(total: Tensor, count: Tensor | None) -> Tensor | Ratio:
    return total if count is None else Ratio(total, count)


def main_outputs(outputs: Tensor | Auxiliary) -> Tensor:
    """The outputs that count at evaluation, detached: for what is watched."""
    return (outputs.outputs if isinstance(outputs, Auxiliary) else outputs).detach()


class Task(ABC):
    """goal: the figure that says which model is best, after + (higher) or - (lower)."""

    goal: str
    classes: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """How many numbers the model gives an image."""
        return len(self.classes)

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Keyword arguments, beyond the classes, that build this task again; plain JSON."""

    @abstractmethod
    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        """Yield (part, values by name); the trainer steps that part's optimizer after each.

        A tensor is a mean over the batch's images. What has a gradient is added up and minimized,
        and all of one yield has one count; what has none is watched, and stands in the history.
        """

    @abstractmethod
    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        """Outputs for inputs (n, c, h, w), ready to be merged."""

    @abstractmethod
    def decode(self, raw: Raw) -> list[Annotation]:
        """One annotation an image, in canvas pixels."""

    @abstractmethod
    def meter(self) -> Meter:
        """A new meter for this task."""


def is_better(goal: str, figures: dict[str, float], than: dict[str, float] | None) -> bool:
    """Whether `figures` beat `than` by the goal, at a tie by the loss; the first always does, and
    what is no number is beaten by any."""
    if than is None:
        return True
    sign = 1.0 if goal[0] == "+" else -1.0

    def rank(of: dict[str, float]) -> tuple[float, float]:
        both = sign * of[goal[1:]], -of.get("loss", 0.0)
        first, second = (-math.inf if math.isnan(value) else value for value in both)
        return first, second

    return rank(figures) > rank(than)
