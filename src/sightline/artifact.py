"""The artifact: one .safetensors file that holds weights and, in its header, all to use them.

Nothing in it is code. The network is built without memory first and its shapes compared with the
file's, so that a hostile header is refused before it can ask for any.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from sightline import assembly, tasks
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.data.relabel import relabeled, renamed
from sightline.data.views import View
from sightline.errors import ArtifactError
from sightline.files import output_errors, write_bytes
from sightline.metrics import Meter
from sightline.predictor import ModelPredictor, choose_device
from sightline.tasks.evaluate import evaluate
from sightline.types import Annotation, Images

FORMAT = 1
KEY = "sightline"  # of the one metadata entry
NAME = "model.safetensors"  # in a run folder


@final
class Artifact:
    """A trained model, ready to use. What `sl.train` returns and `sl.load` opens.

    header  plain JSON: task, classes, model or learner or ensemble, canvas, view, the recipe, test
            figures, version
    path    where it lies, or None while it has not been saved
    """

    def __init__(
        self, header: dict[str, Any], predictor: ModelPredictor, path: Path | None = None
    ) -> None:
        self.header, self.predictor, self.path = header, predictor, path

    @property
    def classes(self) -> tuple[str, ...]:
        return self.predictor.classes

    @property
    def task(self) -> str:
        return str(self.header["task"]["name"])

    @property
    def run(self) -> Path | None:
        """The run folder it lies in, if it does."""
        return self.path.parent if self.path is not None and self.path.name == NAME else None

    @property
    def test(self) -> dict[str, float]:
        """The figures on the test part, as scored once at the end of training."""
        return dict(self.header.get("test", {}))

    @property
    def parts(self) -> dict[str, dict[str, float]]:
        """The figures on train, train-dev and val, where there was a train-dev part."""
        return dict(self.header.get("parts", {}))

    def predict(self, images: Images) -> list[Annotation]:
        """One annotation an image: `label`, `scores` (or `labels`, `values`).

        images  a list of (h, w) or (h, w, 1 or 3) arrays, or one (n, h, w[, c]) array; uint8 in
                the training set's value range, or floats in [0, 1]
        """
        return self.predictor.predict(images)

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """The task's figures on a set whose classes are some of the model's, in any order."""
        some = set(dataset.classes) <= set(self.classes)
        dataset = self.matched(dataset) if some or self.unnamed else dataset
        return evaluate(self.predictor, self.meter_for(dataset), dataset)

    @property
    def unnamed(self) -> bool:
        """Whether its classes are numbers alone: weights came without names."""
        return bool(self.header.get("unnamed", False))

    def matched(self, dataset: Dataset) -> Dataset:
        """The set with its labels as the model's: by name; or in order, where the model's classes
        have no names and are as many. Raises DataError for a class that the model does not know."""
        if self.unnamed and len(dataset.classes) == len(self.classes):
            return renamed(dataset, self.classes)
        return relabeled(dataset, self.classes)

    def meter_for(self, dataset: Dataset) -> Meter:
        """A new meter, once it is sure that the set can be compared with this model.

        Raises ArtifactError for a set of another task or of other classes.
        """
        if dataset.truths.task != self.task:
            raise ArtifactError(
                f"{dataset.name} is for {dataset.truths.task}, the model is for {self.task}"
            )
        if dataset.classes != self.classes:
            other = sorted(set(dataset.classes) ^ set(self.classes))
            raise ArtifactError(
                f"{dataset.name}: its classes are not the model's (differing: {', '.join(other)})"
                if other
                else f"{dataset.name}: its classes are in another order than the model's"
            )
        return self.predictor.task.meter()

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        content = tensors_to_bytes(self.predictor.tensors(), {KEY: json.dumps(self.header)})
        with output_errors(path):
            write_bytes(path, content)
        self.path = path


def header_for(
    task: tasks.Task,
    task_name: str,
    canvas: Canvas,
    view: View,
    **more: Any,
) -> dict[str, Any]:
    """The header from which `open_artifact` builds the same predictor; `more` is kept as it is,
    and holds `model` (a network's name and settings), `learner` (a learner's), or `ensemble` (its
    members' headers, weights, and how they are combined)."""
    shown = asdict(view)
    shown.pop("augment")  # of training alone
    return {
        "format": FORMAT,
        "task": {"name": task_name, "settings": task.settings()},
        "classes": list(task.classes),
        "canvas": asdict(canvas),
        "view": shown,
        **more,
    }


def open_artifact(path: Path, device: str = "auto") -> Artifact:
    """Open a run folder or a model file. Raises ArtifactError, DeviceError."""
    if path.is_dir():
        if not (path / NAME).exists():
            unfinished = (path / "recipe.toml").exists()
            hint = f"; finish it with: sightline resume {path}" if unfinished else ""
            raise ArtifactError(f"{path}: no {NAME} in it{hint}")
        path = path / NAME
    if not path.exists():
        raise ArtifactError(f"{path}: no such run or model file")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise ArtifactError(f"{path}: a safetensors file, but not one made by sightline")
            header = json.loads(metadata[KEY])
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {n: (s.get_dtype(), tuple(s.get_shape())) for n, s in slices.items()}
            if not isinstance(header, dict) or "format" not in header:
                raise ArtifactError(f"{path}: its header is incomplete or damaged (no format)")
            if header["format"] != FORMAT:
                raise ArtifactError(
                    f"{path}: format {header['format']}; this version reads {FORMAT}"
                )
            predictor = assembly.assemble(header, shapes, choose_device(device))
            assembly.fill(predictor, {name: file.get_tensor(name) for name in shapes})
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: damaged or no model file ({error})") from None
    except assembly.Unfit as error:
        raise ArtifactError(f"{path}: {error}") from None
    return Artifact(header, predictor, path)
