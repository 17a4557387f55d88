"""The plan of a fine-tuning: stages by a set's size, and by how like it is what the network knows.

Practitioner book, network surgery, with its table of four cases; course notes, 4.16 and 5.16.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.modules.batchnorm import _BatchNorm

from sightline import models
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.errors import UnknownName
from sightline.learners.predictor import Extractor
from sightline.models import Network, surgery
from sightline.models.bodies import BODIES
from sightline.outset import open_pretrained
from sightline.plan import BATCH, Plan
from sightline.predictor import CanvasPredictor, TorchPredictor
from sightline.tables import Pretrained
from sightline.talk import Talk
from sightline.types import Size

LARGE = 1000  # images a class: the least of what the book would train a network on
PROBED = 300  # images on which likeness is measured
MARGIN = 0.05  # by which the last layers must be better, of shares of so few images
CHUNK = 32  # of them at a time
STEPS = 600  # optimizer steps to aim at
EPOCHS = (4, 15)
DETECTOR_RATE, BODY_SHARE = 0.001, 0.1
DETECTOR_WIDTH = 16  # of YOLO's
RATE = 0.003  # of .01, .003 and .001, the book's, on two sets: docs/log.md
CLIP = 1.0


@dataclass(frozen=True)
class Likeness:
    """Shares of images whose nearest neighbour, by what a layer makes of them, is of their class.

    last    by what the head is given; `middle` by the block half way
    images  that were compared
    """

    last: float
    middle: float
    images: int

    @property
    def alike(self) -> bool:
        """Whether the last layers, made for what the network was trained on, serve this set, too,
        better than general ones."""
        return self.last >= self.middle + MARGIN


def plan_for(
    planned: Plan, settings: Pretrained, train: Dataset, talk: Talk, epochs: int | None = None
) -> Plan:
    """The plan of a set, changed into one that goes on from pretrained weights.

    train   its training part, on which likeness is measured
    epochs  that were asked for; they are divided among the stages
    Raises SightlineError where there are no such weights.
    """
    found = open_pretrained(settings, talk)
    predictor = found.predictor
    assert isinstance(predictor, TorchPredictor) and isinstance(predictor.model, Network)
    if train.truths.task == "detection":
        return _detector(planned, settings, found)
    canvas, size = predictor.canvas, predictor.view.size
    why = {"canvas": f"inputs {size[1]}x{size[0]}, as {settings.model} was trained on"}
    if size != canvas.size and _takes(found, predictor.model, canvas.size):
        size = canvas.size
        why["canvas"] = f"inputs {size[1]}x{size[0]}, the whole canvas, for {settings.model} pools"
    why |= {key: planned.why[key] for key in ("top", "weights", "augment") if key in planned.why}
    view = planned.content["view"] | {"size": list(size)}
    predictor.view = replace(predictor.view, top=view["top"])
    likeness = None
    if train.truths.label is not None and len(train.classes) > 1:
        likeness = measure(predictor, predictor.model, train)
    large = len(train) >= LARGE * len(train.classes)
    usual = min(EPOCHS[1], max(EPOCHS[0], round(STEPS * BATCH / len(train))))
    epochs = epochs or usual
    stages = _stages(predictor.model, large, likeness, epochs, why)
    content = planned.content | {
        "canvas": {"size": list(canvas.size), "mode": canvas.mode, "channels": canvas.channels},
        "view": view,
        "model": dict(found.header["model"]) | _new_head(found, train, why),
        "pretrained": settings.model_dump(exclude_defaults=True),
        "train": planned.content["train"]
        | {
            "epochs": epochs,
            "optimizer": {"name": "sgd", "rate": RATE, "momentum": 0.9, "decay": 1e-4},
            "schedule": {"name": "cosine"},
            "stages": stages,
        }
        | _clipped(predictor.model, why),
    }
    return Plan(content, why)


def _detector(planned: Plan, settings: Pretrained, found: Artifact) -> Plan:
    """Another set's detector, or a new one on a classifier's body; all of it trains, the body with
    smaller steps."""
    model, why = dict(found.header["model"]), dict(planned.why)
    if models.find(model["name"]).detects:
        share = 1.0
        why["model"] = f"{model['name']} as it was trained, but for the classes"
    elif model["name"] in BODIES:
        share = BODY_SHARE
        why["model"] = f"yolo on the body of {model['name']}, whose rate is {share:g} of the rest's"
        model = {"name": "yolo", "body": model["name"], "width": DETECTOR_WIDTH}
    else:
        raise UnknownName("body of a detector", model["name"], BODIES)
    optimizer = {"name": "adamw", "rate": DETECTOR_RATE, "decay": 0.05}
    content = planned.content | {
        "normalize": "auto",
        "model": model,
        "pretrained": settings.model_dump(exclude_defaults=True),
        "train": planned.content["train"]
        | {"optimizer": optimizer | ({"layers": {"body": share}} if share < 1 else {})},
    }
    return Plan(content, why)


def _takes(found: Artifact, network: Network, size: Size) -> bool:
    """Whether the same weights serve inputs of another size."""
    model = dict(found.header["model"])
    with torch.device("meta"):
        channels = network.normalize.mean.shape[1]
        outputs = len(found.classes)
        other = models.build(model.pop("name"), outputs, channels, size, model)
    own = {name: value.shape for name, value in network.state_dict().items()}
    return own == {name: value.shape for name, value in other.state_dict().items()}


def _clipped(network: Network, why: dict[str, str]) -> dict[str, float]:
    """Bounds gradients that no batch norm keeps in check."""
    if any(isinstance(layer, _BatchNorm) for layer in network.modules()):
        return {}
    why["clip"] = f"gradients of at most {CLIP:g}, for there is no batch norm"
    return {"clip": CLIP}


def _new_head(found: Artifact, train: Dataset, why: dict[str, str]) -> dict[str, Any]:
    """Settings of the head, where it is to say other classes."""
    if found.classes == train.classes:
        return {}
    settings = dict(models.find(found.header["model"]["name"]).new_head)
    if settings:
        shown = ", ".join(f"{key} {value}" for key, value in settings.items())
        why["head"] = f"a new head, with {shown}, unlike the published one"
    return settings


def measure(predictor: CanvasPredictor, network: Network, train: Dataset) -> Likeness:
    """How well the classes of a set lie apart by what a network makes of its images."""
    rows = _spread(np.asarray(train.truths.label), PROBED)
    blocks = surgery.blocks(network)
    cuts = [Extractor(network, name, "mean") for name in ("", blocks[len(blocks) // 2])]
    found: list[list[NDArray[np.float32]]] = [[], []]
    for start in range(0, len(rows), CHUNK):
        inputs = predictor.inputs(train.images(rows[start : start + CHUNK]))[0]
        for kept, cut in zip(found, cuts, strict=True):
            kept.append(cut.rows(inputs))
    labels = np.asarray(train.truths.label)[rows]
    last, middle = (nearest_share(np.concatenate(kept), labels) for kept in found)
    return Likeness(last, middle, len(rows))


def nearest_share(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of rows (n, d) whose nearest other one, by cosine, has the same label."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return float((labels[alike.argmax(1)] == labels).mean())


def _spread(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Up to so many rows, as many of each class as there are, and evenly from its beginning to its
    end."""
    each = max(2, count // max(1, len(np.unique(labels))))
    rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    picked = [of[np.unique(np.linspace(0, len(of) - 1, each).astype(int))] for of in rows]
    return np.sort(np.concatenate(picked))


def _stages(
    network: Network, large: bool, likeness: Likeness | None, epochs: int, why: dict[str, str]
) -> list[dict[str, Any]]:
    """The head alone, then what the table of size and likeness has: of a small set, the last layers
    where it is alike, and more of them where it is not; of a large one, all."""
    alike = likeness is not None and likeness.alike
    blocks = surgery.blocks(network)
    start = "all" if large else blocks[len(blocks) * 2 // 3 if alike else len(blocks) // 3]
    head = max(1, epochs // 5)
    why["likeness"] = (
        f"{_likeness_said(likeness)}; {'a large' if large else 'a small'} set of "
        f"{'like' if alike else 'other'} images: {_advice(large, alike)}"
    )
    then = "all layers" if start == "all" else f"{start} and all after it"
    why["stages"] = (
        f"{epochs} epochs in batches of {BATCH}: {head} of a new head alone (RMSprop, rate 0.001), "
        f"then {then} (SGD, rate {RATE} down along a cosine)"
    )
    first = {"epochs": head, "trains": "head", "schedule": {"name": "constant"}}
    return [first | {"optimizer": {"name": "rmsprop", "rate": 1e-3}}, {"trains": start}]


def _likeness_said(likeness: Likeness | None) -> str:
    if likeness is None:
        return "likeness is measured for classes alone"
    return (
        f"the nearest neighbour of {likeness.images} images is of their class in "
        f"{likeness.last:.0%} by the last layers, {likeness.middle:.0%} by the middle ones"
    )


def _advice(large: bool, alike: bool) -> str:
    if large and alike:
        return "fine-tuning is likely to work; all layers train"
    if large:
        return "fine-tuning is worth trying, and so is training without --from"
    if alike:
        return "features and a classifier (--learner logistic) are quicker, and may do as well"
    return "the last layers know other things, so more of them train"
