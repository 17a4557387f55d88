"""Many labels an image, each yes, no or unknown: sigmoid cross-entropy over the known ones."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.loader import Batch
from sightline.metrics.classification import MultilabelMeter
from sightline.tasks.task import Losses, Raw, Task, over_heads
from sightline.types import Annotation


class Multilabel(Task):
    """Unknown labels add nothing to the loss (course notes, 4.17)."""

    goal = "+f1"

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes

    def settings(self) -> dict[str, Any]:
        return {}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        assert batch.many is not None and batch.known is not None
        many, known = batch.many, batch.known.float()

        def loss(logits: Tensor) -> Tensor:
            each = F.binary_cross_entropy_with_logits(logits, many, reduction="none")
            return (each * known).sum()

        yield "model", over_heads(model(batch.inputs), loss, known.sum())

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        return Raw({"scores": model(inputs).float().sigmoid()})

    def decode(self, raw: Raw) -> list[Annotation]:
        table = raw.tensors["scores"].cpu().numpy()
        return [Annotation(labels=(row >= 0.5).astype(np.int8), scores=row) for row in table]

    def meter(self) -> MultilabelMeter:
        return MultilabelMeter(self.classes)
