"""Detection: where the objects of an image are, and of which class each is."""

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from sightline import boxes
from sightline.data.loader import Batch
from sightline.errors import RecipeError
from sightline.metrics import Meter
from sightline.metrics.detection import DetectionMeter
from sightline.models import Network
from sightline.models.detector import Detector, Objects
from sightline.tasks.task import Losses, Ratio, Raw, Task
from sightline.types import Annotation


@final
class Detection(Task):
    """Boxes with a class and a confidence each.

    confidence  a box's score must be above it; low, for average precision looks at all
    overlap     (IoU) from which the likelier of two boxes of a class suppresses the other
    limit       boxes an image, the likeliest
    """

    goal = "+map50"

    def __init__(
        self,
        classes: Sequence[str],
        confidence: float = 0.01,
        overlap: float = 0.45,
        limit: int = 200,
    ) -> None:
        for name, value in (("confidence", confidence), ("overlap", overlap)):
            if not 0 <= value < 1:
                raise RecipeError(f"task detection: {name} is {value}; expected 0 to below 1")
        if not 1 <= limit <= 10_000:
            raise RecipeError(f"task detection: limit is {limit}; expected 1 to 10,000")
        self.classes = tuple(classes)
        self.confidence, self.overlap, self.limit = confidence, overlap, limit

    def settings(self) -> dict[str, Any]:
        return {"confidence": self.confidence, "overlap": self.overlap, "limit": self.limit}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        network, detector = _parts(model)
        assert batch.boxes is not None and batch.box_classes is not None
        assert batch.box_images is not None
        truth = Objects(batch.boxes, batch.box_classes, batch.box_images)
        found = detector.loss(network.normalize(batch.inputs), truth)
        losses: Losses = {name: Ratio(loss.total, loss.count) for name, loss in found.items()}
        total = torch.stack([loss.total.detach() for loss in found.values()]).sum()
        count = next(iter(found.values())).count
        yield "model", losses | {"loss": Ratio(total, count)}  # the sum is watched

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        network, detector = _parts(model)
        found = detector.detect(network.normalize(inputs))
        return Raw({"boxes": found.boxes.float(), "scores": found.scores.float()})

    def decode(self, raw: Raw) -> list[Annotation]:
        places = raw.tensors["boxes"].cpu().numpy()
        scores = raw.tensors["scores"].cpu().numpy()
        return [self._decoded(*pair) for pair in zip(places, scores, strict=True)]

    def _decoded(self, places: np.ndarray, scores: np.ndarray) -> Annotation:
        """One image's, from boxes (k, 4) and scores (k, classes)."""
        rows, classes = np.nonzero(scores > self.confidence)
        found, confidence = places[rows], scores[rows, classes]
        kept = boxes.suppress(
            found, confidence, iou=self.overlap, classes=classes, limit=self.limit
        )
        return Annotation(
            boxes=found[kept].astype(np.float32),
            classes=classes[kept].astype(np.int64),
            confidence=confidence[kept].astype(np.float32),
        )

    def meter(self) -> Meter:
        return DetectionMeter(self.classes)


def _parts(model: nn.Module) -> tuple[Network, Detector]:
    if not isinstance(model, Network) or not isinstance(model.body, Detector):
        raise RecipeError("the task is detection, and the model is no detector")
    return model, model.body
