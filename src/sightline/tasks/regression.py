"""Numbers from images: squared error on standardized values, answers in the data's own units."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.loader import Batch
from sightline.metrics.regression import RegressionMeter
from sightline.tasks.task import Losses, Raw, Task, over_heads
from sightline.types import Annotation


class Regression(Task):
    """`mean` and `deviation` of the training values, one each a value."""

    goal = "-mae"

    def __init__(
        self,
        classes: tuple[str, ...],
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
    ) -> None:
        self.classes = classes
        self.mean = [float(m) for m in mean or [0.0] * len(classes)]
        self.deviation = [float(d) for d in deviation or [1.0] * len(classes)]

    def settings(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        assert batch.values is not None
        mean, deviation = (batch.values.new_tensor(v) for v in (self.mean, self.deviation))
        wanted = (batch.values - mean) / deviation
        yield "model", over_heads(model(batch.inputs), lambda out: F.mse_loss(out, wanted))

    def forward(self, model: nn.Module, inputs: Tensor) -> Raw:
        out = model(inputs).float()
        return Raw({"values": out * out.new_tensor(self.deviation) + out.new_tensor(self.mean)})

    def decode(self, raw: Raw) -> list[Annotation]:
        return [Annotation(values=row) for row in raw.tensors["values"].cpu().numpy()]

    def meter(self) -> RegressionMeter:
        return RegressionMeter(self.classes, self.deviation)
