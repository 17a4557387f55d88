"""Images with boxes, as every detection format lists them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.data.boxes import Boxes, Instances
from sightline.data.dataset import FileDataset
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.instances import InstanceMask

LARGEST = 1e9  # pixels; float32 keeps 1e-3 of a pixel up to 16,000

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class Listed:
    """One image: its path below the set's root, its boxes, the class of each by name, and the mask
    of each where masks are read."""

    image: str
    boxes: list[Box]
    labels: list[str]
    masks: list[InstanceMask] = field(default_factory=list)


def number(value: Any, place: str) -> float:
    """A finite number from text or JSON; `place` says where it stands. Raises DataError."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) <= LARGEST:
        raise DataError(f"{place} is {value!r:.40}; expected a number")
    return found


def such(count: int) -> str:
    """How many boxes have what an error names of the first."""
    return f" ({count:,} boxes have such a class)" if count > 1 else ""


def dataset(
    root: Path, images: Sequence[Listed], classes: Sequence[str], name: str = ""
) -> FileDataset:
    """The set of these images; every label is among `classes`."""
    position = {label: index for index, label in enumerate(classes)}
    masks = [mask for image in images for mask in image.masks]
    boxes = Boxes.of(
        [image.boxes for image in images],
        [[position[label] for label in image.labels] for image in images],
        Instances.of(masks) if masks else None,
    )
    paths = [image.image for image in images]
    return FileDataset(root, paths, Truths(boxes=boxes), classes, name or root.name)
