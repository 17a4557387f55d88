"""One class an image: softmax cross-entropy."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.loader import Batch
from sightline.data.transfer import sent
from sightline.errors import RecipeError
from sightline.metrics.calibration import tempered
from sightline.metrics.classification import ClassificationMeter
from sightline.tasks.task import Losses, Raw, Task, main_outputs, over_heads
from sightline.types import Annotation


class Classification(Task):
    """`smoothing` is the share of a label spread over all classes (Szegedy et al. 2016);
    `weights` multiply the loss of each image by its class's, and are normalized over the batch;
    `temperature` divides what the answers' logits would be (Guo et al. 2017): it changes no answer,
    only how sure each is, and training does not know it;
    `threshold`, of two classes alone, is the probability from which on the second is the answer, by
    default that of the first or more."""

    goal = "+accuracy"

    def __init__(
        self,
        classes: tuple[str, ...],
        smoothing: float = 0.0,
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
        threshold: float | None = None,
    ) -> None:
        self.classes, self.smoothing = classes, smoothing
        self.weights = None if weights is None else [float(w) for w in weights]
        if not 0 < float(temperature) < math.inf:
            raise RecipeError(f"temperature {temperature}: must be above 0")
        self.temperature = float(temperature)
        if threshold is not None and not 0 <= float(threshold) <= 1:
            raise RecipeError(f"threshold {threshold}: must be from 0 to 1")
        if threshold is not None and len(classes) != 2:
            raise RecipeError(f"a threshold is of two classes; there are {len(classes)}")
        self.threshold = None if threshold is None else float(threshold)

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"smoothing": self.smoothing, "weights": self.weights}
        found |= {"temperature": self.temperature} if self.temperature != 1 else {}
        return found | ({} if self.threshold is None else {"threshold": self.threshold})

    def sentence(self) -> str:
        """By which threshold it answers; of one that has a threshold."""
        assert self.threshold is not None
        return f"the answer is {self.classes[1]} from a probability of {self.threshold:.3f} on"

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        labels = batch.labels
        assert labels is not None
        weights = self._weights(labels)

        def loss(logits: Tensor) -> Tensor:
            smoothing, reduction = self.smoothing, "mean" if weights is None else "none"
            found = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction=reduction)
            return found if weights is None else (found * weights).sum()

        outputs = model(batch.inputs)
        losses = over_heads(outputs, loss, None if weights is None else weights.sum())
        hard = labels.argmax(1) if labels.is_floating_point() else labels
        right = main_outputs(outputs).argmax(1) == hard
        yield "model", losses | {"accuracy": right.float().mean()}

    def _weights(self, labels: Tensor) -> Tensor | None:
        """Of each image, not of each term of its loss: torch's own would weigh the smoothing by
        every class's."""
        if self.weights is None:
            return None
        of_class = sent(torch.tensor(self.weights), labels.device)
        return labels @ of_class if labels.is_floating_point() else of_class[labels]

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        return Raw({"scores": model(inputs).float().softmax(1)})

    def decode(self, raw: Raw) -> list[Annotation]:
        scores = raw.tensors["scores"].cpu()
        table = scores.numpy()
        if self.temperature != 1:  # after views and members are averaged: what was fitted on
            table = tempered(table, self.temperature).astype(np.float32)
        labels = torch.argmax(scores, 1).numpy() if self.threshold is None else self.labels(table)
        return [Annotation(label=label, scores=table[i]) for i, label in enumerate(labels.tolist())]

    def labels(self, table: NDArray[np.float32]) -> NDArray[np.int64]:
        """(n,) the answers of probabilities (n, classes), which have their temperature."""
        if self.threshold is None:
            return table.argmax(1)
        return (table[:, 1] >= np.float32(self.threshold)).astype(np.int64)

    def meter(self) -> ClassificationMeter:
        return ClassificationMeter(self.classes)
