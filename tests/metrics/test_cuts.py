"""Curves of two classes against scikit-learn, and thresholds against every one of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from sightline.errors import DataError
from sightline.metrics.curves import Cuts, at_precision, best_f1, cuts, youden


def scored(seed: int, n: int = 60, steps: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Truths of both kinds and scores, many of them equal."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    truth[:2] = 0, 1
    return truth, np.round(rng.random(n) * 0.7 + truth * 0.3, 3 if steps == 0 else 1)


seeds = st.integers(0, 10_000)


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_curves_and_areas_are_scikit_learns(seed: int) -> None:
    truth, score = scored(seed)
    found = cuts(truth, score)
    x, y, _ = roc_curve(truth, score, drop_intermediate=False)
    np.testing.assert_allclose(found.roc, (x, y))
    assert found.roc_area == pytest.approx(roc_auc_score(truth, score))
    precision, recall, thresholds = precision_recall_curve(truth, score)
    np.testing.assert_allclose(found.precision, precision[-2::-1])
    np.testing.assert_allclose(found.recall, recall[-2::-1])
    np.testing.assert_allclose(found.thresholds, thresholds[::-1])
    assert found.average_precision == pytest.approx(average_precision_score(truth, score))


def by_hand(truth: np.ndarray, score: np.ndarray, threshold: float) -> tuple[float, ...]:
    """Precision, recall, fall-out and F1."""
    said, yes = score >= threshold, truth == 1
    true, false = (said & yes).sum(), (said & ~yes).sum()
    precision = true / max(1, true + false)
    recall = true / yes.sum()
    f1 = 2 * precision * recall / (precision + recall) if true else 0.0
    return float(precision), float(recall), float(false / (~yes).sum()), float(f1)


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_no_other_threshold_is_better_than_the_chosen_ones(seed: int) -> None:
    truth, score = scored(seed)
    found = cuts(truth, score)
    every = [by_hand(truth, score, t) for t in np.unique(score)]
    assert by_hand(truth, score, best_f1(found))[3] == pytest.approx(max(e[3] for e in every))
    chosen = by_hand(truth, score, youden(found))
    assert chosen[1] - chosen[2] == pytest.approx(max(e[1] - e[2] for e in every))
    for wanted in (0.5, 0.9, 1.0):
        threshold = at_precision(found, wanted)
        good = [e[1] for e in every if e[0] >= wanted]
        assert (threshold is None) == (not good)
        if threshold is not None:
            precision, recall, *_ = by_hand(truth, score, threshold)
            assert precision >= wanted
            assert recall == pytest.approx(max(good))


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(-0.1, 1.1))
def test_figures_at_any_threshold_are_counted_anew(seed: int, threshold: float) -> None:
    truth, score = scored(seed)
    found = cuts(truth, score).at(threshold)
    precision, recall, fall_out, f1 = by_hand(truth, score, threshold)
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["fall_out"] == pytest.approx(fall_out)
    assert found["f1"] == pytest.approx(f1)
    assert found["accuracy"] == pytest.approx(((score >= threshold) == (truth == 1)).mean())


def test_a_perfect_order_has_areas_of_one_and_a_reversed_one_of_zero() -> None:
    truth = np.array([0, 0, 1, 1])
    found: Cuts = cuts(truth, np.array([0.1, 0.2, 0.8, 0.9]))
    assert (found.roc_area, found.average_precision, best_f1(found)) == (1.0, 1.0, 0.8)
    assert cuts(truth, np.array([0.9, 0.8, 0.2, 0.1])).roc_area == 0.0


def test_one_class_alone_has_no_curve() -> None:
    with pytest.raises(DataError, match="images of both"):
        cuts(np.ones(3, bool), np.arange(3.0))
