"""Gaps between the errors of human, train, train-dev, val and test: what each one means.

Deep learning course, 3.2 and 3.3 (bias and variance), 4.7 (human error stands in for the least
possible one), 4.13 to 4.15 (train-dev, data mismatch); the four stages of the Practitioner book.
`training.diagnosis` reads the curves of a run instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sightline.metrics.intervals import newcombe
from sightline.study.part_errors import PartError

Kind = Literal["avoidable bias", "variance", "data mismatch", "overfitting to validation"]
Verdict = Literal["named", "no higher", "within chance", "small", "minor"]
HUMAN = "human"
LEAST = 0.02  # a smaller gap is told but not named: the course calls 0.5 % and 1 % neither
MINOR = 0.25  # nor one below that share of the largest: of 15 % and 16 %, bias alone (course, 3.2)
AFTER: dict[str, Kind] = {  # what the gap up to a part is called, where all parts are there
    "train": "avoidable bias",
    "train-dev": "variance",
    "val": "data mismatch",
    "test": "overfitting to validation",
}


@dataclass(frozen=True)
class Gap:
    """How much higher the error is on one part than on another.

    start, end  the parts; `start` may be "human"
    size        end's error less start's, -1 to 1; `low` and `high` are its 95 % interval:
                Newcombe's; to human error, which has no count, Wilson's
    verdict     named: a fault; no higher: no gap; within chance: the interval holds 0; small: not
                worth the work; minor: little beside the largest gap
    """

    kind: Kind
    start: str
    end: str
    size: float
    low: float
    high: float
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Advice:
    """means  what such a gap says
    stage    of the recipe of four stages, 1 to 4
    tries    what to try, the most promising first
    source   chapters
    """

    means: str
    stage: int
    tries: tuple[str, ...]
    source: str


ADVICE: Mapping[Kind, Advice] = {
    "avoidable bias": Advice(
        "The network does not even fit what it is trained on.",
        1,
        (
            "a bigger network",
            "longer training, or a better optimizer and rate (`sightline rate find`)",
            "another architecture, or weights trained elsewhere",
            "less regularization: augmentation, dropout, decay",
        ),
        "course 3.3, 4.7",
    ),
    "variance": Advice(
        "It fits the training images better than others like them.",
        2,
        (
            "more training images (`sightline learning-curve` says whether they would help)",
            "augmentation",
            "regularization: weight decay, dropout, earlier stopping, label smoothing",
            "another architecture, or weights trained elsewhere",
        ),
        "course 3.3, 3.4",
    ),
    "data mismatch": Advice(
        "Validation images differ from those it is trained on.",
        3,
        (
            "look at mistakes on validation, and at what sets them apart: `sightline errors RUN "
            "--part val`",
            "training images that look like those of validation: collected, or a part of theirs",
            "making them so: augmentation or synthesis (of a small stock, it is soon learned by "
            "heart)",
        ),
        "course 4.13 to 4.15",
    ),
    "overfitting to validation": Advice(
        "What was chosen on validation fits that part better than new images.",
        4,
        (
            "a larger validation part, and then a new test part: this one has now been looked at",
            "choosing less on it: fewer epochs, settings or models compared; cross-validation "
            "(`sightline train … --folds 5`)",
        ),
        "course 4.14, 4.2",
    ),
}


def find_gaps(
    errors: Sequence[PartError], human: float = 0.0, least: float = LEAST, minor: float = MINOR
) -> list[Gap]:
    """The gaps of the parts that there are, in their order: train, train-dev, val, test.

    human  error that nobody gets below, 0 to 1
    least  smallest gap that is worth work
    minor  share of the largest gap below which another is not named

    Without train-dev, val less train is called variance; without val, test takes its place.
    """
    found: list[Gap] = []
    before: PartError | None = None
    for error in errors:
        kind = _kind(error.part, before.part if before else HUMAN)
        if before is None:
            low, high = (end - human for end in error.interval)
            size, start = error.error - human, HUMAN
        else:
            low, high = newcombe((before.wrong, before.images), (error.wrong, error.images))
            size, start = error.error - before.error, before.part
        found.append(Gap(kind, start, error.part, size, low, high, _verdict(size, low, least)))
        before = error
    largest = max((gap.size for gap in found if gap.verdict == "named"), default=0.0)
    return [
        Gap(**asdict(gap) | {"verdict": "minor"})
        if gap.verdict == "named" and gap.size < minor * largest
        else gap
        for gap in found
    ]


def named(found: Sequence[Gap]) -> list[Gap]:
    """The faults, largest first."""
    return sorted((gap for gap in found if gap.verdict == "named"), key=lambda gap: -gap.size)


def _kind(part: str, before: str) -> Kind:
    if before == "train":
        return "variance"
    return "data mismatch" if before == "train-dev" else AFTER[part]


def _verdict(size: float, low: float, least: float) -> Verdict:
    if size <= 0:
        return "no higher"
    if low <= 0:
        return "within chance"
    return "named" if size >= least else "small"
