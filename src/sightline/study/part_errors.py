"""The errors of a model on the parts of its set, each seen as the model is tested: never augmented.

An error is the share of images answered wrongly: of a class an image, of any wrong label among
many. A mean distance (regression) is no share, so it has no such error.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sightline.artifact import Artifact
from sightline.data.dataset import Dataset, Subset
from sightline.errors import ArtifactError, DataError
from sightline.metrics.classification import wilson
from sightline.talk import Talk
from sightline.tasks.evaluate import evaluate

RIGHT = {"classification": "accuracy", "multilabel": "exact"}  # shares of images, by task
LIMIT = 10_000  # images of a part that are measured


@dataclass(frozen=True)
class PartError:
    """part    train, train-dev, val or test
    wrong   of `images`, which were measured
    whole   images of the part
    """

    part: str
    wrong: int
    images: int
    whole: int

    @property
    def error(self) -> float:
        return self.wrong / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %."""
        return wilson(self.wrong, self.images)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"error": self.error, "interval": list(self.interval)}


def require_errors(artifact: Artifact, name: str) -> None:
    """Raise ArtifactError for a task without such errors, DataError for a model without parts."""
    if artifact.task not in RIGHT:
        raise ArtifactError(
            f"{name} is for {artifact.task}, where no answer is right or wrong; errors are shares "
            f"of wrong answers, of {' and '.join(RIGHT)}"
        )
    if "recipe" not in artifact.header:
        raise DataError(
            f"{name} was not trained here, so what it was trained, chosen and tested on is not "
            "known; name a run"
        )


def measure(
    artifact: Artifact, parts: Mapping[str, Dataset], limit: int, talk: Talk, seed: int = 0
) -> list[PartError]:
    """The error of each part, in their order.

    limit  of a larger part, as many images are drawn by `seed` and measured
    """
    chosen = {name: drawn(part, limit, seed) for name, part in parts.items()}
    found = []
    with talk.bar("measuring", sum(map(len, chosen.values()))) as (tick, _):
        for name, part in chosen.items():
            meter = artifact.meter_for(part)
            figures = evaluate(artifact.predictor, meter, part, tick)
            right = round(figures[RIGHT[artifact.task]] * len(part))
            found.append(PartError(name, len(part) - right, len(part), len(parts[name])))
    return found


def drawn(part: Dataset, limit: int, seed: int) -> Dataset:
    """The part, or so many of its images drawn at random."""
    if len(part) <= limit:
        return part
    rows = np.random.default_rng(seed).choice(len(part), limit, replace=False)
    return Subset(part, np.sort(rows))


def of_one_source(first: Dataset, second: Dataset) -> bool:
    """Whether both were cut from one set, so that their images differ by chance alone."""
    if not isinstance(first, Subset) or not isinstance(second, Subset):
        return False
    return first.whole is second.whole
