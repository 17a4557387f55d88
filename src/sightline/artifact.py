"""The artifact: one .safetensors file that holds weights and, in its header, all to use them.

Nothing in it is code. The network is built without memory first and its shapes compared with the
file's, so that a hostile header is refused before it can ask for any.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from sightline import models, tasks
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.data.relabel import relabeled, renamed
from sightline.data.views import View
from sightline.errors import ArtifactError, SightlineError
from sightline.files import output_errors, write_bytes
from sightline.learners import build as learners
from sightline.learners.predictor import LearnerPredictor
from sightline.metrics import Meter
from sightline.predictor import ModelPredictor, TorchPredictor, choose_device
from sightline.recipe import Learner
from sightline.tasks.evaluate import evaluate
from sightline.types import Annotation, Images

FORMAT = 1
KEY = "sightline"  # of the one metadata entry
NAME = "model.safetensors"  # in a run folder
DTYPES = {torch.float32: "F32", torch.int64: "I64"}  # as safetensors calls them
Shape = tuple[str, tuple[int, ...]]


@final
class Artifact:
    """A trained model, ready to use. What `sl.train` returns and `sl.load` opens.

    header  plain JSON: task, classes, model or learner, canvas, view, the recipe, test figures,
            version
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
    and holds `model` (a network's name and settings) or `learner` (a learner's)."""
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
            predictor = _build(header, shapes, path, choose_device(device))
            tensors = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: damaged or no model file ({error})") from None
    if isinstance(predictor, LearnerPredictor):
        _teach(predictor, tensors, path)
    else:
        _fill(predictor, tensors)
    return Artifact(header, predictor, path)


def _build(
    header: Any, shapes: dict[str, Shape], path: Path, device: torch.device
) -> TorchPredictor | LearnerPredictor:
    """The predictor, its network on the meta device, or a learner that knows nothing yet; every
    field of the header is checked."""
    try:
        if header["format"] != FORMAT:
            raise ArtifactError(f"{path}: format {header['format']}; this version reads {FORMAT}")
        canvas = TypeAdapter(Canvas).validate_python(header["canvas"])
        view = TypeAdapter(View).validate_python(header["view"])
        classes = TypeAdapter(list[str]).validate_python(header["classes"], strict=True)
        task = tasks.build(header["task"]["name"], classes, header["task"]["settings"])
        if "learner" in header:
            given = Learner.model_validate(header["learner"])
            shape = (canvas.channels, *view.size)
            learner = learners.build(given.name, given.settings, shape)
            return LearnerPredictor(learner, task, canvas, view, given.values)
        wanted = TypeAdapter(dict[str, str | int | float | bool | list[int]]).validate_python(
            header["model"]
        )
        name = str(wanted.pop("name"))
        with torch.device("meta"):
            model = models.build(name, task.outputs, canvas.channels, view.size, wanted)
    except (KeyError, TypeError, ValidationError) as error:
        reason = " ".join(repr(error).split())[:120]
        raise ArtifactError(f"{path}: its header is incomplete or damaged ({reason})") from None
    except (RuntimeError, SightlineError) as error:
        raise ArtifactError(f"{path}: {error}") from None
    expected = {
        key: (DTYPES.get(value.dtype, "?"), tuple(value.shape))
        for key, value in model.state_dict().items()
    }
    if expected != shapes:
        odd = sorted(k for k in expected.keys() | shapes if expected.get(k) != shapes.get(k))
        raise ArtifactError(f"{path}: its weights are not those of {name} (first: {odd[0]})")
    precision = str(header.get("precision", "float32"))
    return TorchPredictor(model, task, canvas, view, device, precision)


def _teach(predictor: LearnerPredictor, tensors: dict[str, Tensor], path: Path) -> None:
    """Give a learner what it knows. Raises ArtifactError."""
    height, width = predictor.view.size
    features = predictor.canvas.channels * height * width
    try:
        state = {name: value.numpy() for name, value in tensors.items()}
        learners.restore(predictor.learner, state, features, len(predictor.classes))
    except (TypeError, ArtifactError) as error:  # NumPy has no bfloat16
        raise ArtifactError(f"{path}: {error}") from None


def _fill(predictor: TorchPredictor, tensors: dict[str, Tensor]) -> None:
    model = predictor.model
    model.load_state_dict(tensors, assign=True)
    model.requires_grad_(False).eval()
    model.to(predictor.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
