"""What every detector is: a module that compares itself with truths, and proposes boxes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Objects:
    """The true objects of a batch, one image's after another's.

    boxes    (m, 4) float32: x0, y0, x1, y1 in pixels of the input
    classes  (m,) int64, from 0; no detector's background is among them
    images   (m,) int64, the row of the batch
    """

    boxes: Tensor
    classes: Tensor
    images: Tensor

    def of(self, image: int) -> tuple[Tensor, Tensor]:
        """Boxes and classes of one image."""
        mine = self.images == image
        return self.boxes[mine], self.classes[mine]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes before anything is suppressed, as many an image.

    boxes   (n, k, 4) in pixels of the input
    scores  (n, k, classes) float32 in [0, 1], 0 where a row stands for nothing
    """

    boxes: Tensor
    scores: Tensor


@dataclass(frozen=True, eq=False)
class Loss:
    """A total over what `count` counts; both scalars."""

    total: Tensor
    count: Tensor


class Detector(nn.Module, ABC):
    """How truths are assigned to outputs is its own affair. Inputs are (n, c, h, w), normalized.

    most  objects of an image that it can tell; None for any number
    """

    most: int | None = None

    @abstractmethod
    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        """Losses by name, in training; all have one count, the same tensor."""

    @abstractmethod
    def detect(self, inputs: Tensor) -> Candidates:
        """What it proposes, in evaluation."""


class Anchored(Detector, ABC):
    """A detector whose anchors are those of the training set."""

    @abstractmethod
    def lay(self, sides: Tensor) -> None:
        """Take anchors from the sides (m, 2), width and height, of true boxes in input pixels.
        Raises RecipeError where there are too few."""
