"""One class an image: softmax cross-entropy."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.loader import Batch
from sightline.metrics.classification import ClassificationMeter
from sightline.tasks.task import Raw, Task, over_heads
from sightline.types import Annotation


class Classification(Task):
    """`smoothing` is the share of a label spread over all classes (Szegedy et al. 2016);
    `weights` multiply the loss of each image by its class's, and are normalized over the batch."""

    goal = "+accuracy"

    def __init__(
        self,
        classes: tuple[str, ...],
        smoothing: float = 0.0,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.classes, self.smoothing = classes, smoothing
        self.weights = None if weights is None else [float(w) for w in weights]

    def settings(self) -> dict[str, Any]:
        return {"smoothing": self.smoothing, "weights": self.weights}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        labels = batch.labels
        assert labels is not None

        def loss(logits: Tensor) -> Tensor:
            each = F.cross_entropy(logits, labels, label_smoothing=self.smoothing, reduction="none")
            if self.weights is None:
                return each.mean()
            # of the image, not of each term: torch would weigh the smoothing by every class's
            of_class = logits.new_tensor(self.weights)
            weights = labels @ of_class if labels.is_floating_point() else of_class[labels]
            return (each * weights).sum() / weights.sum()

        yield "model", over_heads(model(batch.inputs), loss)

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        return Raw({"scores": model(inputs).float().softmax(1)})

    def decode(self, raw: Raw) -> list[Annotation]:
        scores = raw.tensors["scores"].cpu()
        labels = torch.argmax(scores, 1).tolist()
        table = scores.numpy()
        return [Annotation(label=label, scores=table[i]) for i, label in enumerate(labels)]

    def meter(self) -> ClassificationMeter:
        return ClassificationMeter(self.classes)
