"""From what a user typed to a detector: a classifier's windows, hog:FILE or haar:NAME."""

from dataclasses import dataclass, replace
from pathlib import Path

from sightline import files
from sightline.artifact import Artifact
from sightline.data.opening import open_set
from sightline.detect import hog
from sightline.detect.answers import Detector
from sightline.detect.haar import HaarDetector
from sightline.detect.regions import RegionDetector
from sightline.detect.search import By, Search
from sightline.detect.windows import WindowDetector
from sightline.errors import RecipeError
from sightline.predictor import look_through
from sightline.talk import Talk

HAAR, HOG = "haar:", "hog:"


@dataclass(frozen=True)
class Asked:
    """The options of a search as they were typed; None where they were not."""

    windows: bool = False
    by: By | None = None
    stride: int | None = None
    smallest: float | None = None
    confidence: float | None = None


def is_special(model: str) -> bool:
    """Whether a word names a detector that is no classifier."""
    return model.startswith((HAAR, HOG))


def wanted(asked: Asked) -> bool:
    """Whether windows are to be searched. Raises RecipeError for their options without them."""
    if not asked.windows and replace(asked, confidence=None) != Asked():
        raise RecipeError("--by, --stride and --smallest go with --windows")
    return asked.windows


def window_detector(
    artifact: Artifact, asked: Asked, views: str | None, talk: Talk
) -> WindowDetector | RegionDetector:
    """A classifier that searches. Raises SightlineError."""
    if views is not None:
        look_through(artifact.predictor, views)
    search = Search(
        asked.by or "windows", asked.stride, smallest=asked.smallest, threshold=asked.confidence
    )
    if search.by == "regions" and search.stride is not None:
        raise RecipeError("--stride is between windows; regions have none")
    build = RegionDetector if search.by == "regions" else WindowDetector
    detector = build(artifact.predictor, search)
    if not any(detector.background) and asked.confidence is None:
        talk.say(
            "no class is called background or none: boxes are those of at least "
            f"{detector.threshold:g} confidence (--confidence)"
        )
    return detector


def special(name: str, asked: Asked) -> Detector:
    """A cascade or a HOG detector. Raises SightlineError."""
    if asked.by is not None:
        raise RecipeError(f"--by is for the windows of classifiers; {name} has its own way")
    if asked.stride is not None:
        raise RecipeError(f"{name} takes no --stride")
    if name.startswith(HOG):
        found = hog.load(Path(name.removeprefix(HOG)))
        threshold = found.threshold if asked.confidence is None else asked.confidence
        return replace(found, smallest=asked.smallest, threshold=threshold)
    if asked.confidence is not None:
        raise RecipeError(f"{name} takes no --confidence: a cascade's stages decide")
    return HaarDetector(name.removeprefix(HAAR), smallest=asked.smallest)


def train_hog(
    what: str, name: str | None, data_root: str | None, rounds: int, to: Path, talk: Talk
) -> hog.HogDetector:
    """Train a HOG detector on the training part of a set with boxes, and write it to a file.

    name  of the class; may be left out where there is one alone

    Raises SightlineError, for a file that is there already before anything else.
    """
    if to.exists():
        raise files.exists_already(to)
    dataset = open_set(what, data_root, talk).train
    if name is None and len(dataset.classes) > 1:
        raise RecipeError(f"{what}: which class? --class {'|'.join(dataset.classes)}")
    name = dataset.classes[0] if name is None else name
    with talk.bar("learning", (1 + rounds) * len(dataset)) as (tick, _):
        found = hog.train(dataset, name, rounds, tick=tick)
    found.save(to)
    return found
