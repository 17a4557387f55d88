"""The ways to explain one answer, each as an overlay, a fact, and what it can and cannot tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.study.explaining import overlay
from sightline.study.explaining.answering import answering
from sightline.study.explaining.grad_cam import grad_cam, last_with_places
from sightline.study.explaining.occlusion import occlusion, places
from sightline.study.explaining.slopes import gradients, guided_gradients
from sightline.study.explaining.subject import Map, Subject
from sightline.types import Image

COVERED = 6  # patches side by side, by default
BRIGHT = 0.997  # share of pixels that are not the brightest, of maps of single pixels


@dataclass(frozen=True)
class How:
    """What may be chosen; None: by the rule of each method.

    layer   of Grad-CAM: the last one with more than one place
    patch   side of the occluding square in pixels of the input: a sixth of the shorter side
    stride  from one square to the next: half a patch
    """

    layer: str | None = None
    patch: int | None = None
    stride: int | None = None


@dataclass(frozen=True, eq=False)
class Explained:
    """picture  the overlay
    values   (h, w) the map in the picture's pixels, as measured
    facts    plain JSON
    said     sentences: what was done, how to read it, and what it cannot tell
    """

    picture: Image
    values: Map
    facts: dict[str, Any]
    said: tuple[str, str, str]


Method = Callable[[Subject, How, Callable[[int], None]], Explained]


def by_occlusion(of: Subject, how: How, tick: Callable[[int], None]) -> Explained:
    """An overlay of `occlusion`; for networks and learners alike."""
    patch, stride = covering(of, how)
    values, whole = occlusion(of.scores, of.inputs, patch, stride, tick)
    low, high, at = float(values.min()), float(values.max()), of.class_name
    back = of.back(values.numpy())
    facts = {"patch": patch, "stride": stride, "probability": whole, "largest_drop": high}
    facts["largest_rise"] = -low
    most = f"it goes from {whole - high:.1%} to {whole - low:.1%}"
    most = (
        "it hardly changes: the colors are of less than 0.05 %" if max(high, -low) < 5e-4 else most
    )
    return Explained(
        _over(of, overlay.scaled(back)),
        back,
        facts,
        (
            f"A patch of {patch}x{patch} pixels of the input covers one place after another: "
            f"the probability of {at}, {whole:.1%}, is measured anew; {most}.",
            "Vermilion places speak for the class: covered, it becomes less likely. Blue places "
            "speak against it.",
            "Of two things that each suffice alone neither shows, and a patch is itself something "
            "the model never learned from.",
        ),
    )


def covering(of: Subject, how: How) -> tuple[int, int]:
    """Side and stride of the occluding patch."""
    shorter = min(of.inputs.shape[2:])
    patch = min(how.patch or max(2, round(shorter / COVERED)), shorter)
    return patch, how.stride or max(1, patch // 2)


def patches(of: Subject, how: How) -> int:
    """How many forward passes an occlusion map takes."""
    patch, stride = covering(of, how)
    height, width = of.inputs.shape[2:]
    return len(places(height, patch, stride)) * len(places(width, patch, stride))


def by_grad_cam(of: Subject, how: How, tick: Callable[[int], None]) -> Explained:
    """An overlay of `grad_cam`, its places enlarged to the input by bilinear interpolation."""
    by = answering(of.artifact, "grad-cam")
    layer = how.layer or last_with_places(by.network, of.inputs)
    found = by.mean(lambda network, x: grad_cam(network, x, of.label, layer), of.inputs)
    height, width = found.shape
    size = of.inputs.shape[2:]
    wide = _interpolated(found.cpu().numpy(), (size[0], size[1]))
    tick(1)
    back = of.back(wide)
    both = " The mean of the picture's and its mirror image's." if by.mirror else ""
    none = " Nothing here raises the score: the map is empty." if not found.any() else ""
    return Explained(
        _over(of, overlay.scaled(back)),
        back,
        {"layer": layer, "places": [height, width]},
        (
            f"The maps of layer {layer} ({height}x{width} places), each weighted by how much it "
            f"raises the score of {of.class_name}, added up.{both}{none}",
            "What is vermilion speaks for the class; the strongest place is full vermilion, "
            "however little it is.",
            f"Nothing finer than one of {height}x{width} places, and nothing of what speaks "
            "against the class. It says where, not what.",
        ),
    )


def by_gradients(of: Subject, how: How, tick: Callable[[int], None]) -> Explained:  # noqa: ARG001
    """The largest slope of each pixel's channels, without sign (Simonyan et al. 2014)."""
    by = answering(of.artifact, "gradients")
    slope = by.mean(lambda network, x: gradients(network, x, of.label), of.inputs)
    tick(1)
    return _by_pixel(
        of,
        slope.abs().amax((0, 1)).cpu().numpy(),
        (
            f"How much the score of {of.class_name} would change with each pixel, up or down.",
            "Where bright points lie close together, tiny changes move the score most.",
            "A pixel that matters for what the answer is may have no slope where the model is sure "
            "already; and of single points nothing can be said: they are noisy.",
        ),
    )


def by_guided(of: Subject, how: How, tick: Callable[[int], None]) -> Explained:  # noqa: ARG001
    """As `by_gradients`, of guided gradients."""
    by = answering(of.artifact, "guided")
    slope = by.mean(lambda network, x: guided_gradients(network, x, of.label), of.inputs)
    tick(1)
    return _by_pixel(
        of,
        slope.abs().amax((0, 1)).cpu().numpy(),
        (
            f"Slopes of the score of {of.class_name} likewise, but on the way back each ReLU lets "
            "only positive ones through.",
            "Bright lines are edges and textures that excite what speaks for the class.",
            "It finds edges whatever the class: networks with random weights give similar pictures "
            "(Adebayo et al. 2018). Ask for another class and compare before you believe it.",
        ),
    )


def _by_pixel(of: Subject, values: Map, said: tuple[str, str, str]) -> Explained:
    back = of.back(values)
    top = of.artifact.predictor.view.top
    picture = overlay.sparks(of.image, overlay.scaled(back, BRIGHT), of.seen, top)
    return Explained(picture, back, {"largest": float(values.max())}, said)


def _over(of: Subject, values: Map) -> Image:
    return overlay.heat(of.image, values, of.seen, of.artifact.predictor.view.top)


def _interpolated(values: Map, size: tuple[int, int]) -> Map:
    """(h, w) enlarged to `size`, bilinear, between the centers of places."""
    height, width = values.shape
    rows = np.clip((np.arange(size[0]) + 0.5) * height / size[0] - 0.5, 0, height - 1)
    columns = np.clip((np.arange(size[1]) + 0.5) * width / size[1] - 0.5, 0, width - 1)
    across = np.stack([np.interp(columns, np.arange(width), row) for row in values])
    down = np.stack([np.interp(rows, np.arange(height), column) for column in across.T], 1)
    return down.astype(np.float32)


METHODS: dict[str, Method] = {
    "occlusion": by_occlusion,
    "grad-cam": by_grad_cam,
    "gradients": by_gradients,
    "guided": by_guided,
}
SOURCES = {
    "occlusion": "Zeiler and Fergus 2014",
    "grad-cam": "Selvaraju et al. 2017",
    "gradients": "Simonyan et al. 2014",
    "guided": "Springenberg et al. 2015",
}
