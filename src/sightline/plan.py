"""The plan: from a look at the data to a recipe, with its reasons in a few sentences.

Measured on small real sets on two cores (docs/log.md): a compact residual network, light
geometric and color changes, AdamW with a one-cycle rate.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sightline.data.check import Findings
from sightline.data.landmarks import lonely, mirrored_name

SIDES = (8, 16, 32, 64, 96)
UPDATES = 4000  # optimizer steps to aim at
EPOCHS = (20, 60)
BATCH = 32
FEW = 1500  # training images below which larger pictures are affordable
DETECTED = 240  # pixels of the shorter side of what a detector sees
DETECTOR_BATCH = 16
DETECTOR_STEPS = 2500
ROW = 32  # pixels of a side of what a learner sees, the book's
UNBALANCED = 2.0  # largest class over smallest from which the loss is weighted


@dataclass(frozen=True)
class Plan:
    """content  a recipe's content, before overrides
    why      a sentence on each thing that was decided, by its name"""

    content: dict[str, Any]
    why: dict[str, str]

    @property
    def reasons(self) -> list[str]:
        """The sentences, for the terminal and the report."""
        return list(self.why.values())


def plan(findings: Findings, task: str, trained: int, mirror: bool, about: str) -> Plan:
    """The recipe for a set.

    trained  images that will train
    mirror   whether a mirrored image still is of its class
    """
    if task == "detection":
        return _detector(findings, trained, mirror, about)
    if task == "landmarks":
        mirror = mirror and lonely(findings.classes) is None
    why: dict[str, str] = {}
    side = _side(findings, trained, why)
    channels = _channels(findings, why)
    epochs = _epochs(trained, why)
    if findings.top != 255:
        why["top"] = (
            f"value range 0 to {findings.top}, so {findings.top} is taken for white, not 255"
        )
    width = 16 if side <= 16 else 32
    why["model"] = (
        f"resnet9 of widths {width} to {8 * width}: a compact residual network with batch norm; "
        "AdamW, one-cycle rate up to 0.002"
    )
    train: dict[str, Any] = {
        "epochs": epochs,
        "batch": BATCH,
        "optimizer": {"name": "adamw", "rate": 2e-3, "decay": 0.05},
        "schedule": {"name": "onecycle"},
        "precision": "auto",
    }
    if task == "classification":
        train["smoothing"] = 0.1
        if findings.imbalance >= UNBALANCED:
            train["class_weights"] = "balanced"
            why["weights"] = (
                f"class weights, because the largest class has {findings.imbalance:.1f} times the "
                "images of the smallest"
            )
    characters = not mirror or all(len(name) == 1 for name in findings.classes)
    border, augment = "edge" if characters else "mirror", _unchanged
    if task == "landmarks":
        border, augment = "gray", partial(_placing, channels, lonely(findings.classes), mirror)
    elif task != "regression":
        augment = partial(_augment, side, channels, characters)
    content = {
        "about": about,
        "task": task,
        "canvas": {"size": [side, side], "channels": channels, "mode": "stretch"},
        "view": {"top": findings.top, "test": "auto", "border": border},
        "augment": augment(why),
        "model": {"name": "resnet9", "width": width},
        "train": train,
    }
    return Plan(content, why)


def _detector(findings: Findings, trained: int, mirror: bool, about: str) -> Plan:
    """SSD7 on canvases of the median image's shape."""
    why: dict[str, str] = {}
    height, width = findings.median_size
    shrunk = min(1.0, DETECTED / min(height, width))
    size = [max(64, round(side * shrunk / 16) * 16) for side in (height, width)]
    why["canvas"] = f"canvas {size[1]}x{size[0]}, because the median image is {width}x{height}"
    channels = _channels(findings, why)
    epochs = min(150, max(20, round(DETECTOR_STEPS * DETECTOR_BATCH / trained)))
    steps = max(1, trained // DETECTOR_BATCH) * epochs
    why["epochs"] = f"{epochs} epochs in batches of {DETECTOR_BATCH}: about {steps} steps"
    why["model"] = (
        "ssd7: seven convolutions, boxes and classes from the last four; AdamW, one-cycle rate up "
        "to 0.002"
    )
    characters = not mirror or all(len(name) == 1 for name in findings.classes)
    augment: dict[str, Any] = {"flip": not characters, "shift": 0.1, "zoom": 0.28, "stretch": 0.15}
    augment |= {"brightness": 0.2, "contrast": 0.2}
    augment |= {"saturation": 0.2} if channels == 3 else {}
    why["augment"] = "augmentation: shifts, zooms and color" + (
        "" if characters else "; mirroring (--set augment.flip=false if yours do not survive it)"
    )
    content = {
        "about": about,
        "task": "detection",
        "canvas": {"size": size, "channels": channels, "mode": "stretch"},
        "view": {"top": findings.top, "border": "gray"},
        "augment": augment,
        "normalize": "none",
        "model": {"name": "ssd7"},
        "train": {
            "epochs": epochs,
            "batch": DETECTOR_BATCH,
            "optimizer": {"name": "adamw", "rate": 2e-3, "decay": 0.05},
            "schedule": {"name": "onecycle"},
            "precision": "auto",
        },
    }
    return Plan(content, why)


def for_learner(planned: Plan) -> Plan:
    """The same set's plan for a learner of `scratch`, which sees rows of pixels: smaller, and never
    changed at random."""
    canvas = dict(planned.content["canvas"])
    side = min(*canvas["size"], ROW)
    canvas["size"] = [side, side]
    content = {key: planned.content[key] for key in ("about", "task")}
    view = {"top": planned.content["view"]["top"]}
    values = side * side * canvas.get("channels", 3)
    seen = f"canvas {side}x{side}: a learner sees each image as a row of {values:,} values"
    return Plan(content | {"canvas": canvas, "view": view}, {"canvas": seen})


def _side(findings: Findings, trained: int, why: dict[str, str]) -> int:
    height, width = findings.median_size
    shortest = min(height, width)
    largest = 96 if trained <= FEW else 64
    side = max((s for s in SIDES if s <= min(shortest * 1.15, largest)), default=SIDES[0])
    found = f"the median image is {width}x{height}"
    if shortest > side >= 64:
        found += f" and {trained} images at {side} pixels train in minutes on a CPU"
    why["canvas"] = f"canvas {side}x{side}, because {found}"
    return side


def _channels(findings: Findings, why: dict[str, str]) -> int:
    if findings.grey == findings.images:
        why["channels"] = "one channel, because every image is grey"
        return 1
    if findings.grey:
        why["channels"] = f"three channels; {findings.grey} grey images are repeated into them"
    return 3


def _epochs(trained: int, why: dict[str, str]) -> int:
    low, high = EPOCHS
    epochs = min(high, max(low, round(UPDATES * BATCH / trained)))
    why["epochs"] = (
        f"{epochs} epochs in batches of {BATCH}: about {max(1, trained // BATCH) * epochs} steps"
    )
    return epochs


def _unchanged(why: dict[str, str]) -> dict[str, Any]:
    why["augment"] = (
        "no augmentation: turning, moving or coloring an image may change the value it stands for"
    )
    return {}


def _placing(channels: int, alone: str | None, mirror: bool, why: dict[str, str]) -> dict[str, Any]:
    """Of landmarks, which go where their image goes; `alone` is one that mirrored is none."""
    augment: dict[str, Any] = {"flip": mirror, "shift": 0.1, "rotate": 15.0, "zoom": 0.2}
    augment |= {"brightness": 0.2, "contrast": 0.2}
    augment |= {"saturation": 0.2} if channels == 3 else {}
    flipped = "mirroring, in which left and right landmarks change places"
    if alone is not None:
        flipped = f"no mirroring, for {alone} has no partner {mirrored_name(alone)}"
    elif not mirror:
        flipped = "no mirroring, which would make other things of them"
    why["augment"] = f"augmentation: shifts, turns, zooms and color; {flipped}"
    return augment


def _augment(side: int, channels: int, characters: bool, why: dict[str, str]) -> dict[str, Any]:
    small = side <= 16
    augment: dict[str, Any] = {
        "flip": not characters,
        "shift": 0.08 if small else 0.1,
        "rotate": 10.0 if characters or small else 15.0,
        "zoom": 0.1 if small else 0.28,
        "stretch": 0.1 if characters or small else 0.28,
    }
    if channels == 3:
        augment |= {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3}
    elif not small:
        augment |= {"brightness": 0.2, "contrast": 0.2}
    what = "shifts, turns and zooms" + (" and color" if channels == 3 else "")
    why["augment"] = f"augmentation: {what}; " + (
        "no mirroring, which would turn characters into others"
        if characters
        else "mirroring, which photographs survive (--set augment.flip=false if yours do not)"
    )
    return augment
