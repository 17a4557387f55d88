"""The two nouns that every layer shares: what is said about an image, and an image with its truth.

Pixel coordinates are continuous: pixel (row i, column j) covers x in [j, j + 1), y in [i, i + 1),
so a box around a whole image of width w is (0, 0, w, h) and scaling an image scales its boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sightline.instances import InstanceMask

Image = NDArray[np.uint8]  # (height, width, 1 or 3), RGB
Images = Sequence[Image] | NDArray[np.uint8]  # of differing size; or one (n, h, w, c) array
Size = tuple[int, int]  # (height, width)


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotation:
    """What is said about one image, by a person (truth) or by a model (prediction).

    Only what applies is set. Coordinates are pixels of the original image.

    label       index into the data set's classes
    labels      (classes,) int8 for many-label images: 1 yes, 0 no, -1 unknown
    values      (k,) float32, what a regression learns
    scores      (classes,) float32 in [0, 1]: probabilities, one a class
    boxes       (n, 4) float32: x0, y0, x1, y1
    classes     (n,) int64, the class of each box
    confidence  (n,) float32 in [0, 1], one a box; of a prediction
    instances   n run-length masks, one a box
    mask        (height, width) uint8, a class a pixel
    landmarks   (k, 2) float32: x, y; nan where not visible
    image       (height, width, channels) uint8, what a restoration should make or made
    embedding   (d,) float32
    """

    label: int | None = None
    labels: NDArray[np.int8] | None = None
    values: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None
    boxes: NDArray[np.float32] | None = None
    classes: NDArray[np.int64] | None = None
    confidence: NDArray[np.float32] | None = None
    instances: "tuple[InstanceMask, ...] | None" = None
    mask: NDArray[np.uint8] | None = None
    landmarks: NDArray[np.float32] | None = None
    image: Image | None = None
    embedding: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.boxes is not None:
            assert self.boxes.ndim == 2 and self.boxes.shape[1] == 4, (
                f"boxes must be (n, 4), not {self.boxes.shape}"
            )
            for name in ("classes", "confidence", "instances"):
                column = getattr(self, name)
                assert column is None or len(column) == len(self.boxes), (
                    f"{len(self.boxes)} boxes but {len(column)} {name}"
                )
        if self.landmarks is not None:
            assert self.landmarks.ndim == 2 and self.landmarks.shape[1] == 2, (
                f"landmarks must be (k, 2), not {self.landmarks.shape}"
            )

    @property
    def score(self) -> float | None:
        """The probability of the label that was chosen; None where there are no scores."""
        if self.scores is None or self.label is None:
            return None
        return float(self.scores[self.label])

    def to_dict(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Plain JSON values, only what is set; class indices become names."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if field.name == "label":
                out["label"] = classes[value]
            elif field.name == "labels":
                out["labels"] = [classes[i] for i in np.flatnonzero(value == 1)]
            elif field.name == "scores":
                out["scores"] = {c: float(s) for c, s in zip(classes, value, strict=True)}
            elif field.name == "classes":
                out["classes"] = [classes[i] for i in value]
            elif field.name == "instances":
                out["instances"] = [instance.to_dict() for instance in value]
            elif isinstance(value, np.ndarray):
                whole = value.dtype.kind != "f" or np.isfinite(value).all()
                out[field.name] = (value if whole else _without_nan(value)).tolist()
        return out


@dataclass(frozen=True, eq=False)
class Sample:
    """An image (uint8, height x width x 1 or 3, RGB), its truth, and where it came from.

    `source` ("photos/cat/3.jpg", "cifar10/train:31") is named by every error about the sample.
    """

    image: Image
    truth: Annotation
    source: str


def _without_nan(values: NDArray[Any]) -> NDArray[np.object_]:
    """What is not finite becomes None, which JSON knows as null."""
    out = values.astype(object)
    out[~np.isfinite(values)] = None
    return out
