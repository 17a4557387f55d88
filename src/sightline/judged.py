"""What a report says of a classifier's probabilities: are they true, where does the truth rank,
and, of two classes, which thresholds there are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.drawing import judging
from sightline.metrics.calibration import Reliability, likelier, reliability
from sightline.metrics.curves import best_f1, cuts

RANKS = (1, 2, 3, 5, 10, 20, 50)
MANY = 5  # classes from which on ranks are told
Rows = Sequence[Mapping[str, str]]


def judged(
    rows: Rows, truth: NDArray[np.int64], guess: NDArray[np.int64], classes: Sequence[str],
    calibration: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """The facts and figures of a tested run.

    rows          of predictions.csv, whose truths and guesses (n,) are indices into the classes
    calibration   what the run's last test says of its temperature, if it has one
    """
    confidence = np.array([float(row["confidence"]) for row in rows])
    sure, right = likelier(confidence, truth == guess, len(classes))
    now = reliability(sure, right)
    before = Reliability.from_dict(dict(calibration["before"])) if calibration else None
    found: dict[str, Any] = {
        "figures": {"reliability": judging.reliability(now.bins, before.bins if before else None)},
        "ece": now.ece,
        "sure": float(sure.mean()),
        "right": float(right.mean()),
        "before": before.ece if before else None,
        "temperature": calibration["temperature"] if calibration else None,
        "fitted_on": calibration["images"]["val"] if calibration else 0,
        "ranks": ranked(rows, len(classes)),
        "two": None,
    }
    if len(classes) == 2 and len(np.unique(truth)) == 2:
        score = np.where(guess == 1, confidence, 1 - confidence)
        chosen = calibration.get("threshold") if calibration else None
        rule = calibration.get("rule") if calibration else None
        found["two"], drawn = two_classes(truth, score, classes[1], chosen, rule)
        found["figures"] |= drawn
    return found


def ranked(rows: Rows, classes: int) -> list[tuple[int, float]]:
    """(k, rank-k accuracy) where there are many classes; none in a table without ranks."""
    if classes <= MANY or not all(row.get("truth_rank") for row in rows):
        return []
    ranks = np.array([int(row["truth_rank"]) for row in rows])
    return [(k, float((ranks <= k).mean())) for k in RANKS if k < classes]


def two_classes(
    truth: NDArray[np.int64], score: NDArray[np.float64], positive: str, chosen: float | None,
    rule: str | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:  # fmt: skip
    """Facts and figures of the curves, with the threshold in use and another: the one `chosen` on
    validation, else the best of these very images, which flatters. With a `rule` the chosen one is
    in use, and the other is the usual 0.5."""
    found = cuts(truth, score)
    other = best_f1(found) if chosen is None else chosen
    both = (0.5, other) if rule is None else (other, 0.5)
    points = [found.at(at) for at in both]
    pairs = list(zip(both, points, strict=True))
    words = [f"threshold {at:.2g}: recall {p['recall']:.2f}" for at, p in pairs]
    marks = [(p["fall_out"], p["recall"], w) for p, w in zip(points, words, strict=True)]
    # A line of precision begins where its first threshold is: at recall 0 there is none.
    line = (found.recall, found.precision)
    words = [f"threshold {at:.2g}: precision {p['precision']:.2f}" for at, p in pairs]
    spots = [(p["recall"], p["precision"], w) for p, w in zip(points, words, strict=True)]
    drawn = {
        "roc": judging.roc({positive: found.roc}, marks),
        "precision-recall": judging.precision_recall({positive: line}, spots),
    }
    facts = {
        "positive": positive,
        "roc_area": found.roc_area,
        "average_precision": found.average_precision,
        "points": points,
        "held_out": chosen is not None,
        "rule": rule,
        "positives": found.positives,
    }
    return facts, drawn
