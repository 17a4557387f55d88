"""images/ beside masks/ that number the objects: 0 is background, each other value one object."""

from pathlib import Path

import numpy as np

from sightline import images
from sightline.data.boxes import Boxes, Instances
from sightline.data.dataset import FileDataset
from sightline.data.readers import masks
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.instances import InstanceMask, of_mask
from sightline.threads import spread


def read(root: Path, label: str = "object", name: str = "") -> Splits:
    """Every object's mask, and the box around it; all are of one class, `label`.

    Laid out and matched as masks of classes are. Raises DataError as `masks.read` does.
    """
    sets = {}
    for part, pairs in masks.pairs(root).items():
        found = spread(lambda pair: _objects(root / pair[1]), pairs)
        boxes = Boxes.of(
            [[mask.extent() for mask in objects] for objects in found],
            [np.zeros(len(objects)) for objects in found],
            Instances.of([mask for objects in found for mask in objects]),
        )
        paths = [image for image, _ in pairs]
        sets[part] = FileDataset(root, paths, Truths(boxes=boxes), (label,), name)
    return Splits.of(sets)


def _objects(path: Path) -> list[InstanceMask]:
    values = images.read_mask(path)
    return [of_mask(values == value) for value in np.unique(values) if value]
