"""sightline: from a folder of images to a vision model you understand and can ship.

    import sightline as sl
    model = sl.train("digits")              # or "./photos", (X, y), any Dataset
    model.predict(images)                   # [Annotation(label=3, scores=...), ...]
    model = sl.load("runs/digits")
    model.evaluate(dataset)                 # {"accuracy": 0.99, ...}

Importing this loads no torch: names are looked up when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sightline.version import __version__

if TYPE_CHECKING:
    from sightline.api import load, resume, train
    from sightline.artifact import Artifact
    from sightline.data.dataset import ArrayDataset, Dataset, FileDataset
    from sightline.data.truths import Truths
    from sightline.errors import SightlineError
    from sightline.types import Annotation, Sample

__all__ = [
    "Annotation",
    "ArrayDataset",
    "Artifact",
    "Dataset",
    "FileDataset",
    "Sample",
    "SightlineError",
    "Truths",
    "__version__",
    "load",
    "resume",
    "train",
]

_HOMES = {
    "train": "sightline.api",
    "load": "sightline.api",
    "resume": "sightline.api",
    "Artifact": "sightline.artifact",
    "ArrayDataset": "sightline.data.dataset",
    "Dataset": "sightline.data.dataset",
    "FileDataset": "sightline.data.dataset",
    "Truths": "sightline.data.truths",
    "Annotation": "sightline.types",
    "Sample": "sightline.types",
    "SightlineError": "sightline.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
