"""Landmark figures against plain loops and a table worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.metrics.landmarks import LandmarkMeter
from sightline.types import Annotation

NAMES = ("tip", "left", "right")


def measured(truths: np.ndarray, guesses: np.ndarray, names: tuple = NAMES) -> LandmarkMeter:
    meter = LandmarkMeter(names)
    said = [[Annotation(landmarks=row) for row in rows] for rows in (guesses, truths)]
    meter.update(*said, range(len(truths)))
    return meter


def test_a_table_worked_by_hand() -> None:
    truths = np.array([[[0, 0], [30, 0], [0, 40]], [[10, 10], [np.nan, np.nan], [16, 18]]])
    guesses = np.array([[[3, 4], [30, 0], [0, 30]], [[10, 10], [99, 99], [16, 20]]])
    meter = measured(truths, guesses)  # diagonals 50 and 10; distances 5, 0, 10 and 0, -, 2
    found = meter.result()
    assert found["error"] == pytest.approx(17 / 5)
    assert found["nme"] == pytest.approx(((0.1 + 0 + 0.2) / 3 + (0 + 0.2) / 2) / 2)
    assert found["pck"] == pytest.approx(3 / 5)
    assert found["images"] == 2
    tip, left, right = meter.table()
    assert (tip.visible, left.visible, right.visible) == (2, 1, 2)
    assert (tip.error, tip.median, tip.worst) == (2.5, 2.5, 5)
    assert (left.error, left.nme, left.pck) == (0, 0, 1)
    assert (right.error, right.nme, right.pck) == pytest.approx((6, 0.2, 0))


def by_loops(truths: np.ndarray, guesses: np.ndarray) -> dict[str, float]:
    away, images, near = [], [], []
    for truth, guess in zip(truths, guesses, strict=True):
        seen = [i for i in range(len(truth)) if not math.isnan(truth[i][0])]
        distances = [math.dist(truth[i], guess[i]) for i in seen]
        away += distances
        if not seen:
            continue
        xs, ys = [truth[i][0] for i in seen], [truth[i][1] for i in seen]
        diagonal = math.hypot(max(xs) - min(xs), max(ys) - min(ys))
        if diagonal > 0:
            images.append(sum(distances) / len(distances) / diagonal)
            near += [distance <= 0.1 * diagonal for distance in distances]

    def mean(values: list) -> float:
        return sum(values) / len(values) if values else math.nan

    return {"error": mean(away), "nme": mean(images), "pck": mean(near), "images": len(truths)}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 8), k=st.integers(1, 5))
def test_figures_are_those_of_plain_loops_however_they_are_merged(
    seed: int, n: int, k: int
) -> None:
    rng = np.random.default_rng(seed)
    truths = np.where(rng.random((n, k, 1)) < 0.3, np.nan, rng.uniform(0, 50, (n, k, 2)))
    guesses = truths + rng.normal(0, 4, (n, k, 2))
    guesses = np.where(np.isnan(guesses), 7.0, guesses)
    names = tuple(f"p{i}" for i in range(k))
    wanted = by_loops(truths, guesses)
    assert measured(truths, guesses, names).result() == pytest.approx(wanted, nan_ok=True)
    first = measured(truths[: n // 2], guesses[: n // 2], names)
    first.merge(measured(truths[n // 2 :], guesses[n // 2 :], names))
    assert first.result() == pytest.approx(wanted, nan_ok=True)


def test_of_one_landmark_there_are_pixels_alone() -> None:
    found = measured(np.array([[[1.0, 1.0]]]), np.array([[[4.0, 5.0]]]), ("nose",)).result()
    assert found["error"] == 5
    assert math.isnan(found["nme"]) and math.isnan(found["pck"])


def test_an_answer_that_is_no_number_is_not_passed_over() -> None:
    truths = np.array([[[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]]])
    guesses = truths.copy()
    guesses[0, 1] = np.nan
    found = measured(truths, guesses).result()
    assert math.isnan(found["error"]) and math.isnan(found["nme"])
